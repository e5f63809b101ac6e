"""The test harness: a local cloud, clients, and everything that tests or measures a registry."""
