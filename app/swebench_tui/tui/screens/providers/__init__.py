"""The Providers screen, its dialogs and details."""
