"""Floods from one address, and what clients at that address and at another notice of them."""
