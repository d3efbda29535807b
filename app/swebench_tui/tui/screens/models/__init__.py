"""The Models screen: the models of every configured provider."""
