"""The program that a host runs at its first start."""

import json

from modules.alarms import DISK_DIMENSIONS, NAMESPACE

JOIN = """\
#!/bin/bash
set -eu
mkdir -p /etc/ecs
echo ECS_CLUSTER={cluster} >> /etc/ecs/ecs.config
# A Spot host learns of its end two minutes before: its transfers may end.
echo ECS_ENABLE_SPOT_INSTANCE_DRAINING=true >> /etc/ecs/ecs.config
"""

#: What a host reports by CloudWatch's agent, which the image does not have. A host that cannot
#: get it serves all the same.
METRICS = """\
cat > /etc/wharf-metrics.json <<'END'
{configuration}
END
if dnf install --assumeyes amazon-cloudwatch-agent; then
    cd /opt/aws/amazon-cloudwatch-agent/bin
    ./amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:/etc/wharf-metrics.json
else
    echo "No CloudWatch agent: nothing tells how full the disk is" >&2
fi
"""
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


def user_data(cluster: str, *, metrics: bool) -> str:
    """Return the program, in Terraform's base64.

    Args:
        cluster: Terraform's reference to the name of the cluster that the host joins.
        metrics: whether the host reports how full its disk is.
    """
    program = JOIN.format(cluster=f"${{{cluster}}}")
    if metrics:
        program += METRICS.format(configuration=json.dumps(METRICS_CONFIGURATION, indent=1))
    # CDKTF's own function takes neither quotes nor references to variables.
    return f"${{base64encode({json.dumps(program)})}}"
