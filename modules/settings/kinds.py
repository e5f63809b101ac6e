"""The kinds of values that settings have, each with its rules."""

from typing import Annotated

from modules.settings.bounds import AtLeast, AtMost, Ends
from modules.settings.rules import Cidr, Count, KeysApart, Matches, Within

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTION = [
    *("1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545"),
    *("731", "1096", "1827", "2192", "2557", "2922", "3288", "3653"),
]
#: GiB of a host's disk that the system and the images of the containers need.
SYSTEM_SIZE = 10

Name = Annotated[
    str,
    Matches(
        r"^[a-z][a-z0-9-]{0,18}[a-z0-9]$",
        "2 to 20 lower-case letters, digits and hyphens, a letter first, no hyphen last, without "
        "the prefixes that AWS reserves (internal-, sg-, xn--, sthree-, amzn-s3-demo-)",
        # A balancer has this very name; groups and buckets have it before a hyphen and more.
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
        # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
        unless=r"^internal-|^xn--|^(sg|sthree|amzn-s3-demo)(-|$)",
    ),
]
Region = Annotated[str, Matches(r"^[a-z]{2,4}(-[a-z]+)+-[0-9]$", "a region such as eu-west-1")]
# A dot is legal in a bucket's name, but S3's wildcard certificate does not cover it.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
Bucket = Annotated[
    str,
    Matches(
        r"^$|^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$",
        "3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last, "
        "without the prefixes and suffixes that S3 reserves",
        unless=r"^xn--|^sthree-|^amzn-s3-demo-|-s3alias$|--ol-s3$|--x-s3$|--table-s3$",
    ),
]
Network = Annotated[str, Cidr()]
# Docker on the hosts has 172.17.0.0/16 for its bridge, and would keep what is for others there.
VpcNetwork = Annotated[str, Cidr(16, 24, apart="172.17")]
InstanceType = Annotated[
    str, Matches(r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$", "an instance type such as t3.medium")
]
# https://github.com/distribution/reference/blob/main/reference.go
_PART = r"[a-z0-9]+([._-]+[a-z0-9]+)*"
ContainerImage = Annotated[
    str,
    Matches(
        rf"^([a-z0-9.-]+(:[0-9]+)?/)?{_PART}(/{_PART})*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?"
        r"(@sha256:[0-9a-f]{64})?$",
        "an image reference such as docker.io/library/registry:3, without https://",
    ),
]
_HOST = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"
_PORT = r"(:[1-9][0-9]{0,4})?"
# Nothing in it means something else in a regular expression between \Q and \E, or in YAML's quotes.
# ECS takes a task definition of 64 KiB, so the length has a limit.
LayerUrl = Annotated[
    str,
    Matches(
        rf"^https://{_HOST}{_PORT}/[A-Za-z0-9._~/-]{{0,200}}$",
        "the beginning of an HTTPS URL, at least to the slash after its host, and after it up to "
        "200 letters, digits and ._~/-, such as https://mcr.microsoft.com/",
    ),
]
# A browser leaves the usual port out. A page that came over HTTP may have been changed on its way.
Origin = Annotated[
    str,
    Matches(
        rf"^(https://{_HOST}|http://(localhost|127\.0\.0\.1)){_PORT}$",
        "an origin as browsers send it, such as https://ui.example.com or http://localhost:8000, "
        "in lower case, without a path and without the port that its scheme has anyway",
        unless=r"^https:.*:443$|^http:.*:80$",
    ),
]
Zone = Annotated[str, Matches(r"^[A-Z0-9]{0,32}$", "the ID of a hosted zone such as Z0123456789")]
Domain = Annotated[
    str,
    Matches(
        r"^$|^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+([a-z]{2,}|xn--[a-z0-9-]*[a-z0-9])$",
        "a name such as registry.example.com",
    ),
]
CloudName = Annotated[str, Matches(r"^[A-Za-z0-9_-]*$", "letters, digits, hyphens and underscores")]
Zones = Annotated[int, Within(2, 6, "zones")]
Hosts = Annotated[int, Within(0, 100, "hosts")]
SomeHosts = Annotated[int, Within(1, 100, "hosts")]
DiskSize = Annotated[int, Within(30, 16384, "GiB")]
CacheSize = Annotated[int, Within(1, 16000, "GiB"), AtMost("volume_size", less=SYSTEM_SIZE)]
Architecture = Annotated[str, Matches(r"^(x86_64|arm64)$", "x86_64 or arm64")]
IndexValidation = Annotated[str, Matches(r"^(all|none)$", "all or none")]
Percent = Annotated[int, Within(0, 100, "percent")]
Cron = Annotated[
    str,
    Matches(
        r"^[0-9A-Z*/,-]+( [0-9A-Z*/,-]+){4}$",
        'a cron expression of five fields such as "30 8 * * MON-FRI"',
    ),
]
Schedule = Annotated[
    dict[Cron, Annotated[Hosts, AtLeast("minimum_hosts"), AtMost("maximum_hosts")]],
    Ends("minimum_hosts"),
]
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
TagName = Annotated[
    str,
    Matches(
        r"^[A-Za-z0-9_ .:/=+@-]{1,128}$",
        "1 to 128 letters, digits, spaces and .:/=+@-_, not beginning with aws:",
        unless=r"^aws:",
    ),
]
TagValue = Annotated[
    str, Matches(r"^[A-Za-z0-9_ .:/=+@-]{0,256}$", "up to 256 letters, digits, spaces and .:/=+@-_")
]
# AWS counts 50 for each resource; the rest is for the stack's own and for what ECS adds.
Tags = Annotated[
    dict[TagName, TagValue],
    Count(0, 45, "tags"),
    KeysApart(("Project", "Environment", "Name")),
]
UsePercent = Annotated[int, Within(10, 90, "percent")]
Traffic = Annotated[int, Within(1, 1_000_000, "megabytes a minute")]
Email = Annotated[
    str,
    Matches(
        r"^[^@\s,]+@[^@\s,]+\.([a-zA-Z]+|xn--[a-z0-9-]*[a-z0-9])$",
        "an address such as a@example.com",
    ),
]
# The texts become part of the stack, where ${ and %{ mean something.
AcmeEmail = Annotated[
    str,
    Matches(
        r"^$|^[A-Za-z0-9._+-]+@([a-zA-Z0-9-]+\.)+[a-zA-Z0-9-]+$",
        "an address such as a@example.com, of letters, digits and ._+-",
    ),
]
AcmeDirectory = Annotated[
    str,
    Matches(
        rf"^https://{_HOST}{_PORT}/[A-Za-z0-9._~/-]*$",
        "the HTTPS URL of a directory such as https://acme-v02.api.letsencrypt.org/directory",
    ),
]
Certificates = Annotated[
    str,
    Matches(
        r"^\s*(-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)*$",
        "certificates in PEM, each from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----",
        lines=True,
    ),
]
Days = Annotated[int, Within(1, 365, "days")]
# https://docs.aws.amazon.com/autoscaling/ec2/userguide/asg-max-instance-lifetime.html
Lifetime = Annotated[int, Within(0, 365, "days")]
Versions = Annotated[int, Within(0, 3650, "days")]
KeyArn = Annotated[
    str,
    Matches(
        r"^$|^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+$",
        "the ARN of a KMS key such as arn:aws:kms:eu-west-1:123456789012:key/1234abcd",
    ),
]
Connections = Annotated[int, Within(8, 1_000_000, "connections")]
CheckTime = Annotated[int, Within(0, 60, "seconds")]
ShortTime = Annotated[int, Within(1, 3600, "seconds")]
IdleTime = Annotated[int, Within(300, 3600, "seconds")]
Retention = Annotated[
    int, Matches(rf"^({'|'.join(_RETENTION)})$", f"one of {', '.join(_RETENTION)}")
]
