"""Number of hosts of a deployment: a queueing model, its figures, and its simulation."""
