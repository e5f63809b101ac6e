"""Faults, brought about while clients push and pull, and what became of what they were promised."""
