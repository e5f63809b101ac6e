"""Hosts, and the tasks that run on them."""
