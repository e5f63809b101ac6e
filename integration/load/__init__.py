"""Load: what many servers do to a registry, whether it is as fast as ever, and a report of it."""
