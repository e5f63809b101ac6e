"""A task definition as ECS reads it: containers with environment, secrets and limits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from integration.local.errors import LocalCloudError
from integration.local.machine import file_limit

#: Keys of a container definition that this file understands. moto adds some with no value.
KNOWN = frozenset(
    {
        *("name", "image", "cpu", "memory", "memoryReservation", "environment", "secrets"),
        *("entryPoint", "command", "links", "portMappings", "dependsOn", "essential", "user"),
        *("stopTimeout", "ulimits", "logConfiguration", "readonlyRootFilesystem"),
        *("linuxParameters", "dockerSecurityOptions", "mountPoints"),
    }
)

MOUNT = frozenset({"sourceVolume", "containerPath"})
KNOWN_LINUX_PARAMETERS = frozenset({"capabilities", "tmpfs"})


@dataclass(frozen=True)
class Container:
    """A container of a task, ready to be run."""

    name: str
    image: str
    environment: dict[str, str]
    options: dict[str, Any] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    #: Names of the task's volumes, and where the container sees them.
    mounts: tuple[tuple[str, str], ...] = ()
    #: Files of this machine, and where the container sees them. A task definition has none: they
    #: are for containers that are compared with those of one.
    files: tuple[tuple[Path, str], ...] = ()


@dataclass(frozen=True)
class Task:
    """A task definition, read.

    Args:
        definition: as ``ecs:DescribeTaskDefinition`` gives it.

    Raises:
        LocalCloudError: it has something that the local cloud would silently leave out.
    """

    definition: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.definition.get("networkMode") != "bridge":
            raise LocalCloudError(
                f"Task {self.definition['family']}: network mode "
                f"{self.definition.get('networkMode')} is not known here; use bridge"
            )
        for volume in self.definition.get("volumes", ()):
            if volume.get("dockerVolumeConfiguration", {}).get("driver") != "local":
                raise LocalCloudError(
                    f"Task {self.definition['family']}: volume {volume['name']} is not of Docker's "
                    "local driver, the only one here: see integration/local/api/task.py"
                )
        for container in self._containers:
            unknown = {key for key, value in container.items() if value} - KNOWN
            unknown |= container.get("linuxParameters", {}).keys() - KNOWN_LINUX_PARAMETERS
            unknown |= {key for mount in container.get("mountPoints", ()) for key in mount} - MOUNT
            if unknown:
                raise LocalCloudError(
                    f"Container {container['name']}: {', '.join(sorted(unknown))} is not known "
                    "to the local cloud; teach integration/local/api/task.py"
                )

    @property
    def _containers(self) -> list[dict[str, Any]]:
        return list(self.definition["containerDefinitions"])

    @property
    def arn(self) -> str:
        """Its family and version."""
        return str(self.definition["taskDefinitionArn"])

    @property
    def role(self) -> str | None:
        """The task role, whose credentials the containers get."""
        return self.definition.get("taskRoleArn")

    @property
    def names(self) -> list[str]:
        """The names of the containers."""
        return [container["name"] for container in self._containers]

    @property
    def images(self) -> list[str]:
        """The images that the host has to have."""
        return [container["image"] for container in self._containers]

    @property
    def links(self) -> list[tuple[str, str]]:
        """Names that links give to containers, for the hosts file of the pod that they share.

        Raises:
            LocalCloudError: a link to a container that the task does not have.
        """
        names = {container["name"] for container in self._containers}
        found = []
        for container in self._containers:
            for link in container.get("links", ()):
                target, _, alias = link.partition(":")
                if target not in names:
                    raise LocalCloudError(
                        f"Container {container['name']}: link {link} names no container of the "
                        f"task, which has {', '.join(sorted(names))}"
                    )
                found.append((alias or target, "127.0.0.1"))
        return found

    @property
    def published(self) -> dict[int, int]:
        """Ports of the host and the container ports that they lead to."""
        return {
            mapping["hostPort"]: mapping["containerPort"]
            for container in self._containers
            for mapping in container.get("portMappings", ())
            if mapping.get("hostPort")
        }

    def host_port(self, container: str, container_port: int) -> int | None:
        """Return the host's port of a container's port, which is what a target group is told."""
        for definition in self._containers:
            for mapping in definition.get("portMappings", ()):
                if definition["name"] == container and mapping["containerPort"] == container_port:
                    return mapping.get("hostPort") or None
        return None

    def containers(self, secrets: Any) -> list[Container]:
        """Return the containers in the order in which they start.

        Args:
            secrets: a client of Secrets Manager with the credentials of the execution role.
        """
        by_name = {container["name"]: container for container in self._containers}
        order = TopologicalSorter(
            {
                name: [needed["containerName"] for needed in container.get("dependsOn", ())]
                + [link.partition(":")[0] for link in container.get("links", ())]
                for name, container in by_name.items()
            }
        )
        return [_container(by_name[name], secrets) for name in order.static_order()]


def _container(definition: Mapping[str, Any], secrets: Any) -> Container:
    environment = {
        variable["name"]: variable["value"] for variable in definition.get("environment", ())
    }
    for secret in definition.get("secrets", ()):
        environment[secret["name"]] = _secret(secrets, secret["valueFrom"])
    options: dict[str, Any] = {"stop_timeout": definition.get("stopTimeout", 30)}
    if definition.get("memory"):
        options["memory"] = f"{definition['memory']}m"
    if definition.get("user"):
        options["user"] = definition["user"]
    if definition.get("dockerSecurityOptions"):
        options["security_options"] = definition["dockerSecurityOptions"]
    if definition.get("readonlyRootFilesystem"):
        options["read_only"] = True
    if definition.get("entryPoint"):
        options["entrypoint"] = definition["entryPoint"][0]
    options |= _linux_options(definition.get("linuxParameters", {}))
    options["ulimit"] = [_ulimit(limit) for limit in definition.get("ulimits", ())]
    return Container(
        name=definition["name"],
        image=definition["image"],
        environment=environment,
        options=options,
        mounts=tuple(
            (mount["sourceVolume"], mount["containerPath"])
            for mount in definition.get("mountPoints", ())
        ),
        command=(*definition.get("entryPoint", ())[1:], *definition.get("command", ())),
    )


def _linux_options(parameters: Mapping[str, Any]) -> dict[str, Any]:
    capabilities = parameters.get("capabilities", {})
    return {
        "cap_drop": capabilities.get("drop", []),
        "cap_add": capabilities.get("add", []),
        "tmpfs": [_tmpfs(option) for option in parameters.get("tmpfs", ())],
    }


def _tmpfs(described: Mapping[str, Any]) -> str:
    options = [f"size={described['size']}m", *described.get("mountOptions", ())]
    return f"{described['containerPath']}:{','.join(options)}"


def _ulimit(limit: Mapping[str, Any]) -> str:
    # A process may lower its limits, and only a privileged one may raise them.
    highest = file_limit()
    soft, hard = (min(limit[key], highest) for key in ("softLimit", "hardLimit"))
    return f"{limit['name']}={soft}:{hard}"


def _secret(secrets: Any, value_from: str) -> str:
    """Return a secret's value; ``ARN:key:stage:version`` names a key of its JSON, or a version.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
    """
    parts = value_from.split(":")
    arn, rest = ":".join(parts[:7]), parts[7:]
    key, stage, version = (*rest, "", "", "")[:3]
    requested = {"VersionStage": stage, "VersionId": version}
    chosen = {name: given for name, given in requested.items() if given}
    value: str = secrets.get_secret_value(SecretId=arn, **chosen)["SecretString"]
    return str(json.loads(value)[key]) if key else value
