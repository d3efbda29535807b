"""The Providers screen: state, keys, tests and breakers of every provider."""
