"""The memory of each container: a container above its limit is ended, and its host goes on."""

from modules.bindings.aws import Construct, DataAwsEc2InstanceType

#: MiB of a host that no container gets: kernel, Docker, the agents of ECS, Systems Manager and
#: CloudWatch. AWS asks to keep something back for these:
#: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/memory-management.html
SYSTEM = 512
#: Parts of the remaining memory, of eight. The pages of the layers that nginx delivers count, too;
#: the kernel takes those back first.
REGISTRY_PARTS, NGINX_PARTS = 3, 5
#: MiB that a container is promised. ECS wants a limit above it, so the smallest limit is.
REGISTRY_PROMISED, NGINX_PROMISED = 512, 256
ABOVE = 32

#: MiB of a registry without uploads, and of each upload whose client has fallen silent. Of 3.1.1
#: 57 took 1,032 MB with the limit of a t3.medium, and 100 took 1,427 MB without one. The first has
#: room for the rest of the registry's work.
IDLE, UPLOAD = 200, 20
#: Concurrent uploads that the proxy takes at most, however large the host is.
MOST_UPLOADS = 10_000
#: Percentage of the memory limit that is GOMEMLIMIT. https://pkg.go.dev/runtime
HEAP_PERCENT = 90


class Memory(Construct):
    """The hard limits of the containers, as Terraform's expressions.

    They follow the smallest of the instance types that the autoscaling group may start: a task
    definition is the same on all hosts.

    Exposes ``registry`` and ``nginx`` in MiB, ``uploads`` that fit into the registry's at the
    same time, and ``heap``, the registry's ``GOMEMLIMIT``.
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        types = DataAwsEc2InstanceType(self, "types", instance_type="${each.value}")
        types.add_override(
            "for_each", "${toset(concat([var.instance_type], var.other_instance_types))}"
        )
        address = f"data.{types.terraform_resource_type}.{types.friendly_unique_id}"
        left = f"min(values({address})[*].memory_size...) - {SYSTEM}"

        def limit(parts: int, promised: int) -> str:
            return f"max({promised + ABOVE}, floor(({left}) * {parts} / 8))"

        registry = limit(REGISTRY_PARTS, REGISTRY_PROMISED)
        self.registry = f"${{{registry}}}"
        self.nginx = f"${{{limit(NGINX_PARTS, NGINX_PROMISED)}}}"
        self.uploads = f"${{min({MOST_UPLOADS}, floor(({registry} - {IDLE}) / {UPLOAD}))}}"
        self.heap = f"${{floor({registry} * {HEAP_PERCENT} / 100)}}MiB"
