"""Masking of secrets in text: the shapes of API keys, the names of what is secret, and the scrubber that uses both.

Every other module that masks, hides or refuses a key does it through this package. `types.secret.Secret` masks one
known secret; what has to be masked without being known is recognised here, by shape or by name.
"""
