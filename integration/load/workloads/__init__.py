"""Locust files, one a workload; `wharf load` runs them."""
