"""Page docs/settings.md, from the settings themselves: ``wharf settings --page`` writes it."""

import json
from pathlib import Path
from typing import get_args

from modules.settings.limits import key_rules_of, limits_of, parts_of, rules_of, whole_rules_of
from modules.settings.settings import Settings
from modules.settings.shape import SECRETS, SHAPE

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"

HEAD = """\
# Settings

Chosen in `wharf.toml` beside `main.py`, or as environment variables (`WHARF_MAXIMUM_HOSTS=4`; lists
separated by commas, tables as JSON), which win. All problems are told at once, each in a line with
the setting, its value and what is allowed. `wharf settings` shows the values of each environment;
`wharf settings --page` writes this page.

## Environments

One file can describe several, each its own stack with its own state:

    aws_region = "eu-west-1"
    proxy_image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/nginx-proxy:1"

    [environments.staging]

    [environments.production]
    minimum_hosts = 4
    maximum_hosts = 12

What stands above the tables holds for all of them, what stands in a table for that one; a variable
(`WHARF_…`) holds for all of them and wins over both. The table's name is the environment's `name`,
the first part of every name in AWS, so environments can share an account. `npx cdktf deploy
production` deploys one of them. Without tables there is one environment, called `name`.

"""

SHAPES = """\
## Shape

These change which resources there are, so they are chosen when the stack is synthesized.

"""

VARIABLES = """\
## Terraform variables

All others become Terraform variables of the same name, with the setting as the default: they can
still be given at plan, as `TF_VAR_maximum_hosts=4` or in a workspace. Terraform checks the same
limits.

"""

KEYS = """\
## Secrets

Given to Terraform only (`TF_VAR_aws_access_key`), never in `wharf.toml`. Neither the state nor the
task definition holds them; the containers get them as ECS secrets. With the keys of another account
each push fails: the buckets [take objects with an ACL of their own account
only](https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-ownership-error-responses.html),
and the registry sends `x-amz-acl: private`.

"""


def page() -> str:
    """Return the page as Markdown."""
    shape = [_row(name) for name in Settings.model_fields if name in SHAPE]
    variables = [_row(name) for name in Settings.model_fields if name not in SHAPE]
    secrets = [f"| `{name}` | {description} |" for name, description in SECRETS.items()]
    head = "| name | description | default | allowed |\n|---|---|---|---|\n"
    return (
        HEAD
        + SHAPES + head + "\n".join(shape) + "\n\n"
        + VARIABLES + head + "\n".join(variables) + "\n\n"
        + KEYS + "| name | description |\n|---|---|\n" + "\n".join(secrets) + "\n"
    )  # fmt: skip


def _row(name: str) -> str:
    field = Settings.model_fields[name]
    default = field.default
    if default is None:
        shown = "none: required"
    else:
        shown = f"`{json.dumps(list(default) if isinstance(default, tuple) else default)}`"
    allowed = "; ".join(rule.allowed for rule in limits_of(field))
    if isinstance(default, tuple | dict) and allowed:
        allowed = f"each {allowed}"
    for whole in whole_rules_of(field):
        allowed += f"; {whole.allowed}"
    for rule in key_rules_of(field):
        allowed += f"; each key {rule.allowed}"
    for part, of_part in parts_of(field).items():
        limit = "; ".join(rule.allowed for rule in rules_of(of_part))
        allowed += f"; `{part}` {limit} (`{json.dumps(of_part.default)}`): {of_part.description}"
    if get_args(field.annotation) and not allowed:
        allowed = " or ".join(f"`{choice}`" for choice in get_args(field.annotation))
    return f"| `{name}` | {field.description} | {shown} | {allowed.removeprefix('; ')} |"
