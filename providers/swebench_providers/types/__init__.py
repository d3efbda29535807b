"""Data that crosses the layer: requests, responses, events, errors, limits and secrets."""
