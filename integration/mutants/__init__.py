"""Deliberate defects, one at a time, each to be caught by a named test: the suite has teeth."""
