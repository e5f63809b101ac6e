"""Policies of IAM and of buckets, in JSON."""

import json
from collections.abc import Sequence
from typing import Any

Statement = dict[str, Any]


def allow(actions: Sequence[str], *resources: str) -> Statement:
    """Return a statement that allows actions on resources."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def trust(service: str) -> Statement:
    """Return the statement of a role's trust policy with which an AWS service assumes the role."""
    return {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}


def policy(*statements: Statement) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
