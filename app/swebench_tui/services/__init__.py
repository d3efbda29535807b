"""What the full-screen app and the command line both do, with no knowledge of either."""
