"""The Settings screen: every setting, its value and its origin."""
