"""Calls over several providers and keys, with every policy applied."""
