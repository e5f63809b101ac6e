"""Readers of the AWS API: hosts, tasks, balancers, rules and what else exists in the account."""
