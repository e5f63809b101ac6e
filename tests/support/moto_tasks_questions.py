"""Questions about tasks of ECS and replacements of hosts; see test_moto_corrections.py."""

from integration.local.api.ended_tasks import REASON, EndedContainer, report_ended_task
from integration.local.emulator.process import Emulator
from tests.support.aws_samples import client, service, template_data


def agents_report_tasks_that_ended(aws: Emulator) -> bool:
    made = service(aws, desiredCount=0)
    ecs, cluster = client(aws, "ecs"), made["clusterArn"].rpartition("/")[2]
    described = ecs.describe_task_definition(taskDefinition=made["taskDefinition"])
    definition = described["taskDefinition"]
    (name,) = (container["name"] for container in definition["containerDefinitions"])
    image = template_data(aws)["ImageId"]
    instance = client(aws, "ec2").run_instances(ImageId=image, MinCount=1, MaxCount=1)
    host = instance["Instances"][0]["InstanceId"]
    report_ended_task(aws.session(), cluster, host, definition, [EndedContainer(name, 1, ["no"])])
    (arn,) = ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"]
    (task,) = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
    (container,) = task["containers"]
    return bool(
        task["createdAt"] and task["stoppedReason"] == REASON and container["exitCode"] == 1
    )


QUESTIONS = [agents_report_tasks_that_ended]
