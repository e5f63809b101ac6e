"""Networks, load balancers, endpoints and firewalls of a local cloud."""
