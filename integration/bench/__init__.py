"""The benchmark of the proxy: variants behind the same balancer, measured in turn."""
