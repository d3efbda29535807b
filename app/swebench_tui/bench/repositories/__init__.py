"""Repositories at a base commit."""
