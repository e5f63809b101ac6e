"""Client programs: those of this machine, and current ones in a sandbox."""
