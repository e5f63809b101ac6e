"""The flow logs of the network, in a bucket of the user's."""

from modules.bindings.aws import Construct, DataAwsPartition, FlowLog


class FlowLogs(Construct):
    """The connections of the VPC, accepted and refused; none without ``flow_log_bucket``.

    Args:
        vpc_id: the network.
    """

    def __init__(self, scope: Construct, id: str, *, vpc_id: str) -> None:
        super().__init__(scope, id)
        partition = DataAwsPartition(self, "partition").partition
        flows = FlowLog(
            self,
            "bucket",
            vpc_id=vpc_id,
            traffic_type="ALL",
            log_destination_type="s3",
            log_destination=f"arn:{partition}:s3:::${{each.value}}",
            tags={"Name": "${var.name}"},
        )
        flows.add_override(
            "for_each", '${toset(var.flow_log_bucket == "" ? [] : [var.flow_log_bucket])}'
        )
