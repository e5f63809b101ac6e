"""Names of blocks, inputs and outputs: those that people who write Terraform expect."""

import pytest

from scripts.terraform_modules.names import block_names, description, value_name


@pytest.mark.parametrize(
    ("type_", "names", "wanted"),
    [
        ("aws_vpc", ["vpc"], ["this"]),
        ("aws_lb_target_group", ["targets"], ["this"]),
        ("aws_ecs_task_definition", ["task"], ["this"]),
        ("aws_s3_bucket", ["configuration", "images"], ["configuration", "images"]),
        ("aws_subnet", ["subnet_0", "private_subnet_0"], ["subnet_0", "private_0"]),
        ("aws_cloudwatch_log_group", ["nginx_logs"], ["nginx"]),
        ("aws_s3_bucket_lifecycle_configuration", ["configuration_lifecycle"], ["configuration"]),
        ("aws_route", ["route", "routes"], ["route", "routes"]),
    ],
)
def test_a_block_is_named_without_its_type(type_: str, names: list[str], wanted: list[str]) -> None:
    assert block_names([(type_, name) for name in names]) == wanted


@pytest.mark.parametrize(
    ("type_", "name", "attribute", "wanted"),
    [
        ("aws_vpc", "this", "id", "vpc_id"),
        ("aws_subnet", "subnet", "ids", "subnet_ids"),
        ("aws_iam_role", "task", "arn", "task_role_arn"),
        ("aws_lb", "balancer", "dns_name", "load_balancer_dns_name"),
        ("aws_elb", "this", "name", "load_balancer_name"),
        ("aws_ecs_cluster", "this", "id", "cluster_id"),
        ("aws_s3_bucket", "images", "bucket", "images_bucket"),
    ],
)
def test_a_value_has_the_name_that_people_expect(
    type_: str, name: str, attribute: str, wanted: str
) -> None:
    assert value_name(type_, name, attribute) == wanted


@pytest.mark.parametrize(
    ("type_", "name", "attribute", "wanted"),
    [
        ("aws_vpc", "this", "id", "ID of the VPC"),
        ("aws_subnet", "private", "ids", "IDs of the private subnets"),
        ("aws_s3_bucket", "images", "bucket", "Name of the images bucket"),
        ("aws_lb", "balancer", "arn_suffix", "ARN suffix of the load balancer"),
    ],
)
def test_a_value_is_described_in_words(type_: str, name: str, attribute: str, wanted: str) -> None:
    assert description(type_, name, attribute) == wanted
