"""AWS on one machine: an emulated API whose hosts, tasks and balancers really run."""
