"""How many hosts a deployment takes: a queueing model, its figures, and a simulation of it."""
