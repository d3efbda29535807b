"""The Models screen: every model of every ready provider."""
