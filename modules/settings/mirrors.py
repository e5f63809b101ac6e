"""The setting of mirrors: registries whose images this registry fetches and keeps."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from modules.settings.bounds import EmptyWhere
from modules.settings.rules import Count, Matches, Within

# A repository cannot have a port in its name: distribution's driver for S3 refuses the colon.
_HOST = r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?"
MirroredHost = Annotated[
    str, Matches(rf"^{_HOST}$", "the host of a registry such as docker.io, without a port")
]
MirrorUrl = Annotated[
    str,
    Matches(
        rf"^$|^https://{_HOST}(:[1-9][0-9]{{0,4}})?$",
        "a URL without a path such as https://registry.corp.example:5000",
    ),
]
SecretArn = Annotated[
    str,
    Matches(
        r"^$|^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$",
        "the ARN of a secret such as "
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:docker-hub-AbCdEf",
    ),
]


class Mirror(BaseModel):
    """A registry whose images are mirrored.

    Usage:

        Mirror(url="https://registry.corp.example:5000", tag_seconds=60)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    url: MirrorUrl = Field("", description="URL of its API; empty means https://HOST.")
    secret: SecretArn = Field(
        "", description="Secret of Secrets Manager with the login there; empty means none."
    )
    tag_seconds: Annotated[int, Within(1, 86_400, "seconds")] = Field(
        300, description="Seconds for which a host does not look up again what a tag names."
    )


Mirrors = Annotated[
    dict[MirroredHost, Mirror],
    Count(0, 20, "hosts"),
    EmptyWhere(
        "host_network",
        "endpoints",
        "such hosts reach AWS only, so choose nat for a deployment with mirrors",
    ),
]

#: The mirrors for the proxy, each HOST=SECONDS=URL with a space after it; the URL may be empty.
MIRRORS = (
    "%{ for host, mirror in var.mirrors }${host}=${mirror.tag_seconds}=${mirror.url} %{ endfor }"
)
#: The secrets with logins, by host.
LOGINS = '{ for host, mirror in var.mirrors : host => mirror.secret if mirror.secret != "" }'


def container_secrets(*, follow: bool) -> str:
    """Return the logins as JSON objects of a container's secrets, a template of Terraform.

    Their variables are numbered in the order of all hosts, because the name of a variable cannot be
    every host. The expressions have no quotation marks: checkov cannot read them in a template.

    Args:
        follow: whether other secrets precede the logins.
    """
    comma = ", " if follow else "%{ if number > 0 }, %{ endif }"
    return (
        "%{ for number, host in [for host, mirror in var.mirrors : host "
        "if length(mirror.secret) > 0] }"
        f'{comma}{{"name": "MIRROR_LOGIN_${{index(keys(var.mirrors), host)}}", '
        '"valueFrom": "${var.mirrors[host].secret}"}%{ endfor }'
    )
