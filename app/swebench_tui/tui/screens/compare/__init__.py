"""The Compare screen: columns that stream side by side."""
