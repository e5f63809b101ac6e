"""Deliberate defects, one at a time; a named test must catch each."""
