"""Operations that the app and the command line share."""
