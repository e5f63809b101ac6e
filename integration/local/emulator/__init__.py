"""The AWS API: moto in a process of its own, with corrections towards AWS."""
