"""Locust files, one a workload; `python -m integration.load` runs them."""
