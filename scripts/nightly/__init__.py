"""A night: deploy, test, load, keep the report, destroy in every case, sweep."""
