"""The integration suite: one folder for each kind of target."""
