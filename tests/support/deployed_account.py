"""What a deployment leaves in an emulated account, as far as ``wharf start`` looks at it."""

import time

from integration.local.api.ended_tasks import EndedContainer, report_ended_task
from integration.local.emulator.process import Emulator
from tests.support.aws_samples import launch_template, new_name, template_data


class Account:
    """What a deployment leaves in the API, as far as the command looks at it."""

    def __init__(self, aws: Emulator) -> None:
        self.session = aws.session()
        self.name = new_name()
        self.s3 = self.session.client("s3")
        self.bucket = f"{self.name}-configuration"
        self.s3.create_bucket(Bucket=self.bucket)
        self.log = f"/wharf/{self.name}/nginx"
        self.session.client("logs").create_log_group(logGroupName=self.log)
        launch_template(aws, self.name)
        self.image = template_data(aws)["ImageId"]
        self.group = self.session.client("autoscaling")
        self.group.create_auto_scaling_group(
            AutoScalingGroupName=self.name,
            LaunchTemplate={"LaunchTemplateName": self.name, "Version": "1"},
            MinSize=0,
            MaxSize=1,
            AvailabilityZones=["us-east-1a"],
        )
        self.ecs = self.session.client("ecs")
        self.ecs.create_cluster(clusterName=self.name)
        proxy = {
            "name": "nginx",
            "image": "i",
            "memory": 4,
            "environment": [{"name": "NGINX_CONFIG_BUCKET", "value": self.bucket}],
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": self.log}},
        }
        made = self.ecs.register_task_definition(family=self.name, containerDefinitions=[proxy])
        self.task = made["taskDefinition"]
        self.host = self.session.client("elb").create_load_balancer(
            LoadBalancerName=self.name,
            Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 443, "InstancePort": 443}],
            AvailabilityZones=["us-east-1a"],
        )["DNSName"]
        self.ecs.create_service(
            cluster=self.name,
            serviceName=self.name,
            taskDefinition=self.name,
            desiredCount=0,
            loadBalancers=[
                {"loadBalancerName": self.name, "containerName": "nginx", "containerPort": 443}
            ],
        )

    def run_certificate_task(self, *lines: str) -> None:
        """Make the service of the certificate's task, with these lines in its log."""
        group = f"/wharf/{self.name}/certificate"
        name = f"{self.name}-certificate"
        logs = self.session.client("logs")
        logs.create_log_group(logGroupName=group)
        options = {"logDriver": "awslogs", "options": {"awslogs-group": group}}
        container = {"name": "certificate", "image": "i", "memory": 4, "logConfiguration": options}
        made = self.ecs.register_task_definition(family=name, containerDefinitions=[container])
        self.certificate_task = made["taskDefinition"]
        service = {"serviceName": name, "taskDefinition": name, "desiredCount": 0}
        self.ecs.create_service(cluster=self.name, **service)
        if lines:
            logs.create_log_stream(logGroupName=group, logStreamName="one")
            now = int(time.time() * 1000)
            events = [{"timestamp": now, "message": line} for line in lines]
            logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)

    def objects(self) -> dict[str, bytes]:
        """Return the objects of the configuration bucket."""
        found = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return {
            object_["Key"]: self.s3.get_object(Bucket=self.bucket, Key=object_["Key"])[
                "Body"
            ].read()
            for object_ in found
        }

    def publish(self, files: dict[str, bytes]) -> None:
        """Write objects past the command."""
        for name, content in files.items():
            self.s3.put_object(Bucket=self.bucket, Key=name, Body=content)

    def end_task(self, *lines: str, host: str = "") -> None:
        """End a task of the proxy, with these lines in its log."""
        ended = EndedContainer("nginx", 1, lines)
        report_ended_task(
            self.session, self.name, host or self.host_of_its_own(), self.task, [ended]
        )

    def end_certificate_task(self) -> None:
        """End a task of the certificate, as its memory limit does."""
        ended = EndedContainer("certificate", 137, ())
        host = self.host_of_its_own()
        report_ended_task(self.session, self.name, host, self.certificate_task, [ended])

    def host_of_its_own(self) -> str:
        """Start an instance; return its identifier."""
        made = self.session.client("ec2").run_instances(ImageId=self.image, MinCount=1, MaxCount=1)
        return str(made["Instances"][0]["InstanceId"])
