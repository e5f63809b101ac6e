"""The program that a host runs at its first start."""

import json

from modules.metrics import DISK_DIMENSIONS, NAMESPACE

#: Name of the hook that holds a new host back from its group until the host tells that it serves.
LAUNCH_HOOK = "serves"

#: The ECS agent starts when the whole program has ended, however it has.
JOIN = """\
#!/bin/bash
set -eu
mkdir -p /etc/ecs
echo ECS_CLUSTER={cluster} >> /etc/ecs/ecs.config
# A Spot host learns of its end two minutes before: its transfers may end.
echo ECS_ENABLE_SPOT_INSTANCE_DRAINING=true >> /etc/ecs/ecs.config
"""

#: Without AWS's command, which the image does not have; keys go by no command line.
#: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CompleteLifecycleAction.html
COMPLETE = """
metadata=http://169.254.169.254/latest
ask() { curl --silent --show-error --fail --retry 5 --retry-all-errors "$@"; }
token=$(ask --request PUT --header "X-aws-ec2-metadata-token-ttl-seconds: 300" $metadata/api/token)
about() { ask --header "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/$1"; }
instance=$(about instance-id)
credentials=$(about "iam/security-credentials/$(about iam/security-credentials/)")
of_role() { sed -n "s/.*\\"$1\\" *: *\\"\\([^\\"]*\\)\\".*/\\1/p" <<< "$credentials"; }

complete_launch_hook() {
    until curl --silent --fail --insecure --max-time 5 --output /dev/null CHECK; do
        sleep 2
    done
    curl --silent --show-error --fail-with-body --retry 5 --config - <<END
url = "https://autoscaling.REGION.SUFFIX/"
aws-sigv4 = "aws:amz:REGION:autoscaling"
user = "$(of_role AccessKeyId):$(of_role SecretAccessKey)"
header = "x-amz-security-token: $(of_role Token)"
data = "Action=CompleteLifecycleAction&Version=2011-01-01&LifecycleActionResult=CONTINUE"
data = "AutoScalingGroupName=NAME&LifecycleHookName=HOOK&InstanceId=$instance"
END
}
"""

#: What waits for a task runs beside the ECS agent.
IN_BACKGROUND = """
{
    complete_launch_hook || echo "The group does not wait for this host: it is older than the hook"
    METRICS
} < /dev/null >> /var/log/wharf.log 2>&1 &
"""

#: What a host reports by CloudWatch's agent, which the image does not have. A host that cannot
#: get it serves all the same; clients do not wait for it.
METRICS = """\
cat > /etc/wharf-metrics.json <<'END'
{configuration}
END
report_metrics() {{
    dnf install --assumeyes amazon-cloudwatch-agent &&
        /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl \\
            -a fetch-config -m ec2 -s -c file:/etc/wharf-metrics.json
}}
"""
REPORT = 'report_metrics || echo "No CloudWatch agent: nothing tells how full the disk is"'
METRICS_CONFIGURATION = {
    "agent": {"metrics_collection_interval": 60},
    "metrics": {
        "namespace": NAMESPACE,
        "aggregation_dimensions": [list(DISK_DIMENSIONS)],
        "metrics_collected": {
            "disk": {
                "measurement": ["used_percent"],
                "resources": ["/"],
                "append_dimensions": DISK_DIMENSIONS,
            }
        },
    },
}


def user_data(cluster: str, *, check: str, dns_suffix: str, metrics: bool) -> str:
    """Return the program, in Terraform's base64.

    Args:
        cluster: Terraform's reference to the name of the cluster that the host joins.
        check: the URL of the host itself that responds with 200 when the host serves.
        dns_suffix: the same to the domain of AWS's services in the region.
        metrics: whether the host reports how full its disk is.
    """
    complete = COMPLETE.replace("REGION", "${var.aws_region}").replace(
        "SUFFIX", f"${{{dns_suffix}}}"
    )
    program = JOIN.format(cluster=f"${{{cluster}}}")
    complete = complete.replace("NAME", "${var.name}").replace("HOOK", LAUNCH_HOOK)
    program += complete.replace("CHECK", check)
    if metrics:
        program += METRICS.format(configuration=json.dumps(METRICS_CONFIGURATION, indent=1))
    program += IN_BACKGROUND.replace("METRICS", REPORT if metrics else ":")
    # CDKTF's own function takes neither quotes nor references to variables.
    return f"${{base64encode({json.dumps(program)})}}"
