"""Console programs: display, one-line errors, signals, child processes, report pages."""
