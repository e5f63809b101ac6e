"""Metrics of the registry in CloudWatch: their names, and the log lines that count."""

#: Where the registry's own metrics are in CloudWatch.
NAMESPACE = "Wharf/${var.name}"
#: Percent of a host's disk in use, as hosts report it for all of them together.
DISK_METRIC = "disk_used_percent"
DISK_DIMENSIONS = {"Environment": "${var.name}"}

#: Percent of a certificate's life that are left when its renewal is late.
LATE_PERCENT = 25

#: For each metric the pattern of the log lines that count, and the value that each line adds.
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
PROXY_METRICS = {
    "Requests": ("{ $.status = * }", "1"),
    "Unauthorized": ("{ $.status = 401 }", "1"),
    "Throttled": ("{ $.status = 429 }", "1"),
    # 501 and 505 are errors of a client: unknown transfer encodings and versions of HTTP. So are
    # errors that the proxy marks as such: distribution responds 500 to some manifests.
    "ServerErrors": (
        "{ ($.status >= 500) && ($.status != 501) && ($.status != 505)"
        ' && ($.failure != "client*") && ($.failure != "mirror*") }',
        "1",
    ),
    # The proxy copies the error out of the registry's response, without a word of the client. The
    # registry's own log cannot tell: CloudWatch reads no field with a dot in its name, such as
    # err.detail, and a word anywhere in a line can be from a client.
    "StorageErrors": ('{ $.failure = "s3aws*" }', "1"),
    # A registry that is mirrored cannot be used: clients get an error, or what was seen before.
    # The event mirror_refused is none of these: a wrong name in a client's request causes it.
    "MirrorFailures": (
        '{ ($.event = "mirror_failed") || ($.event = "mirror_stale")'
        ' || ($.event = "mirror_storage_failed") || ($.event = "mirror_broken") }',
        "1",
    ),
    "UpstreamTime": ("{ $.upstream_time >= 0 }", "$.upstream_time"),
    "ConfigurationRefused": ('{ $.event = "configuration_refused" }', "1"),
    "CertificateDaysLeft": ('{ $.event = "certificate" }', "$.days_left"),
}

#: A certificate that lives 47 days or 6 is renewed with a third of that left: not before.
LATE_CERTIFICATE = (
    "LateCertificateDaysLeft",
    f'{{ ($.event = "certificate") && ($.percent_left <= {LATE_PERCENT}) }}',
    "$.days_left",
)
