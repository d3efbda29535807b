"""Files of the repository that go into the prompt."""
