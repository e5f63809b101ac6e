"""Storms on this machine: many servers pull a new image at once, from 1, 2 and 4 hosts."""
