"""Corrections of moto 5.2.5 for Route 53: which zones and records a role may change.

See moto_corrections.py, which applies them with the others.
"""

from collections.abc import Callable
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any

from flask import g
from moto.iam.access_control import IAMPolicyStatement
from moto.route53.responses import Route53

from integration.local.emulator.replacing import instead

#: Condition keys of a change of records, whose values are lists:
#: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html
NAMES = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
TYPES = "route53:ChangeResourceRecordSetsRecordTypes"
ACTIONS = "route53:ChangeResourceRecordSetsActions"
#: Without a value, the first is met and the second is not:
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
QUANTIFIERS: dict[str, Callable[..., bool]] = {"ForAllValues": all, "ForAnyValue": any}
OPERATIONS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": fnmatchcase,
}


def apply_route53_corrections() -> None:
    """Correct moto in this process."""
    zones_are_asked_for_by_their_arn()
    policies_know_the_records_of_a_change()
    refusals_have_the_form_of_route53()


def zones_are_asked_for_by_their_arn() -> None:
    """moto asks for permission on ``*``, which a policy for one zone does not give.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html
    """

    def arn(self: Any) -> str:
        g.record_changes = _described(self._get_param("ChangeBatch.Changes") or [])
        zone = self._get_param("HostedZoneId")
        kind = "change" if self._get_action() == "GetChange" else "hostedzone"
        id = zone or self._get_param("Id")
        return f"arn:{self.partition}:route53:::{kind}/{id.rpartition('/')[2]}" if id else "*"

    Route53._determine_resource = arn  # type: ignore[attr-defined]


def _described(changes: list[dict[str, Any]]) -> dict[str, list[str]]:
    records = [change["ResourceRecordSet"] for change in changes]
    return {
        NAMES: [record["Name"].lower().removesuffix(".") for record in records],
        TYPES: [record["Type"] for record in records],
        ACTIONS: [change["Action"] for change in changes],
    }


def policies_know_the_records_of_a_change() -> None:
    """moto takes conditions with a quantifier as met, such as ``ForAllValues:StringEquals``."""

    def make(original: Any) -> Callable[..., bool]:
        def check_conditions(self: Any, values: dict[str, str] | None) -> bool:
            for operator, keys in self._statement.get("Condition", {}).items():
                quantifier, _, operation = operator.partition(":")
                if quantifier in QUANTIFIERS:
                    allows = OPERATIONS[operation]
                    for key, patterns in keys.items():
                        given = g.get("record_changes", {}).get(key, [])
                        listed = [patterns] if isinstance(patterns, str) else patterns
                        met = (any(allows(value, pattern) for pattern in listed) for value in given)
                        if not QUANTIFIERS[quantifier](met):
                            return False
            return bool(original(self, values))

        return check_conditions

    instead(IAMPolicyStatement, "_check_conditions", make)


def refusals_have_the_form_of_route53() -> None:
    """moto wraps the error of a refusal once more than Route 53, so clients find no code in it.

    https://docs.aws.amazon.com/Route53/latest/APIReference/requests-rest-responses.html
    """

    def make(original: Any) -> Callable[..., Any]:
        def call_action(self: Any) -> Any:
            status, headers, body = original(self)
            if status == HTTPStatus.FORBIDDEN:
                body = body.replace("<Errors>", "").replace("</Errors>", "")
            return status, headers, body

        return call_action

    instead(Route53, "call_action", make)
