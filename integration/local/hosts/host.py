"""A host: a pod that has run its user data, joined a cluster, and runs its tasks."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import Any

from python_on_whales import DockerClient
from python_on_whales.exceptions import DockerException, NoSuchContainer

from integration.local.api.aws_session import Credentials
from integration.local.api.blueprint import Service
from integration.local.api.ended_tasks import EndedContainer
from integration.local.api.instances import Instance
from integration.local.api.task import Container, Task
from integration.local.errors import LocalCloudError
from integration.local.hosts.container_images import HOST, NEEDS_KEYS
from integration.local.machine import ulimits
from integration.local.network.endpoints import Endpoints, role_id
from integration.local.network.network import Network, container_states, described_pod

#: Where programs on Linux look for the certificates that they trust.
TRUST = "/etc/ssl/certs/ca-certificates.crt"
#: Labels of a host's pod; they tell what the host is when its group no longer does.
INSTANCE, ADDRESS = "wharf.instance", "wharf.address"
GROUP, SECURITY_GROUPS = "wharf.group", "wharf.security-groups"
#: Labels of a container: its pod, its service, and the version of the task definition.
POD, SERVICE, TASK = "wharf.host", "wharf.service", "wharf.task"
#: What the user data prints.
USER_DATA_LOG = "cloud-init-output.log"
#: Lines of a container's log that go into a message.
LAST_LINES = 5


class Host:
    """One instance of an autoscaling group, at an address of its own.

    Its log directory has one file for each container.
    """

    def __init__(
        self,
        podman: DockerClient,
        network: Network,
        instance: Instance,
        address: str,
        directory: Path,
    ) -> None:
        self._podman = podman
        self._network = network
        self._directory = directory
        self.instance = instance
        self.id = instance.id
        self.address = address
        self.pod = f"{network.cloud}-{instance.id}"

    @property
    def exists(self) -> bool:
        """Return whether the pod of the host exists."""
        return self._network.has_pod(self.pod)

    def start(self, names: Sequence[tuple[str, str]], tasks: Sequence[Task]) -> None:
        """Make the pod; ``names`` and the links of ``tasks`` go into its hosts file."""
        (self._directory / "ecs").mkdir(parents=True, exist_ok=True)
        links = [link for task in tasks for link in task.links]
        self._network.create_pod(
            self.pod,
            self.address,
            names=[*names, *links],
            labels={
                INSTANCE: self.id,
                ADDRESS: self.address,
                GROUP: self.instance.group,
                SECURITY_GROUPS: " ".join(self.instance.security_groups),
            },
        )

    def boot(self, trust: Path) -> str | None:
        """Run the user data; return the cluster that it makes the host join, if any.

        What the user data leaves running goes on as long as the host.

        Args:
            trust: the certificates that the host trusts.

        Raises:
            LocalCloudError: the user data failed.
        """
        script = self._directory / "user-data"
        script.write_text(self.instance.user_data)
        script.chmod(0o755)
        logs = self._directory / "log"
        logs.mkdir(exist_ok=True)
        system = self._podman.container.run(
            HOST,
            pod=self.pod,
            name=f"system-{self.pod}",
            detach=True,
            ulimit=ulimits(),
            volumes=[
                (script, "/user-data", "ro"),
                (self._directory / "ecs", "/etc/ecs"),
                (logs, "/var/log"),
                (trust, TRUST, "ro"),
            ],
        )
        try:
            # Where EC2 has it, too.
            command = f"/user-data > /var/log/{USER_DATA_LOG} 2>&1 < /dev/null"
            self._podman.container.execute(system, ["sh", "-c", command])
        except DockerException:
            raise LocalCloudError(
                f"The user data of host {self.id} failed: {logs / USER_DATA_LOG}"
            ) from None
        return self.cluster

    @property
    def cluster(self) -> str | None:
        """The cluster in the ECS agent's configuration."""
        configuration = self._directory / "ecs" / "ecs.config"
        text = configuration.read_text() if configuration.exists() else ""
        found = re.search(r"^ECS_CLUSTER=(.*)$", text, re.MULTILINE)
        return found[1].strip() if found else None

    def run(
        self, service: Service, secrets: object, keys: Credentials | None, endpoints: Endpoints
    ) -> None:
        """Run the containers of a task of a service.

        Args:
            service: whose images are there.
            secrets: a client of Secrets Manager with the execution role's credentials.
            keys: credentials of the task role, for a stand-in that cannot fetch them itself.
            endpoints: where containers find the AWS API.
        """
        task, labels = service.task, {SERVICE: service.name, TASK: service.task.arn}
        for container in task.containers(secrets):
            environment = dict(container.environment)
            if task.role:
                environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = (
                    f"/v2/credentials/{role_id(task.role)}"
                )
            has_keys = "AWS_ACCESS_KEY_ID" in environment
            if keys and not has_keys and self._needs_keys(container):
                environment |= _keys(keys)
            self.run_container(
                dataclasses.replace(container, environment=environment), endpoints.trust, labels
            )

    def _needs_keys(self, container: Container) -> bool:
        image = self._podman.image.inspect(container.image)
        return NEEDS_KEYS in (image.config.labels or {})

    def run_container(
        self, container: Container, trust: Path, labels: Mapping[str, str] | None = None
    ) -> None:
        """Run a container whose environment is complete; ``trust`` has what it trusts."""
        # Given limits replace all defaults of podman, so those that a task leaves out are added.
        options = dict(container.options)
        given = {limit.partition("=")[0] for limit in options["ulimit"]}
        options["ulimit"] += [limit for limit in ulimits() if limit.partition("=")[0] not in given]
        self._podman.container.run(
            container.image,
            list(container.command),
            name=self.container(container.name),
            pod=self.pod,
            detach=True,
            labels={POD: self.pod, **(labels or {})},
            envs=container.environment,
            volumes=[
                (trust, TRUST, "ro"),
                *((self._network.volume(self.pod, name), path) for name, path in container.mounts),
                *((file, path, "ro") for file, path in container.files),
            ],
            log_driver="k8s-file",
            log_options=[f"path={self.log(container.name)}"],
            **options,
        )

    @property
    def tasks(self) -> set[str]:
        """The versions of task definitions that it runs."""
        return set(self.services.values())

    @property
    def services(self) -> dict[str, str]:
        """The services that it runs a task of, each with the version of the task definition."""
        labels = (container.config.labels or {} for container in self._containers())
        return {label[SERVICE]: label[TASK] for label in labels if SERVICE in label}

    def stop(self, service: str | None = None) -> None:
        """Stop and remove the containers of a service or of all, the last started first.

        Each may end what it has begun, for as long as its task definition says.
        """
        containers = self._containers(service)
        for container in sorted(containers, key=attrgetter("created"), reverse=True):
            self._podman.container.stop(container)
            self._podman.container.remove(container)

    def _containers(self, service: str | None = None) -> list[Any]:
        labels = [f"{POD}={self.pod}", *([f"{SERVICE}={service}"] if service else ())]
        podman = self._podman.container
        return list(podman.list(all=True, filters=[("label", label) for label in labels]))

    def log(self, container: str) -> Path:
        """Return the file with what a container prints."""
        return self._directory / f"{container}.log"

    @property
    def containers(self) -> list[str]:
        """The names of its tasks' containers, as the task definition has them."""
        prefix = self.container("")
        names = [container["Name"] for container in described_pod(self.pod).get("Containers") or ()]
        return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))

    def container(self, name: str) -> str:
        """Return podman's name of a container of the host."""
        return f"{self.pod}-{name}"

    def restart_ended(self, task: Task) -> None:
        """Start the containers of a task that have ended, as ECS starts the task again."""
        for name in task.names:
            if not self.runs(name):
                self._podman.container.start(self.container(name))

    def runs(self, container: str) -> bool:
        """Return whether a container runs, as far as podman knows."""
        return bool(self._state(container).running)

    def _state(self, name: str) -> Any:
        return self._podman.container.inspect(self.container(name)).state

    def pid(self, container: str) -> int:
        """Return the first process of a container, as this machine knows it.

        Raises:
            LocalCloudError: the container does not run.
        """
        pid: int | None = None
        with suppress(NoSuchContainer):  # its host may be ending
            pid = self._state(container).pid
        if not pid:
            raise LocalCloudError(f"Container {container} of host {self.id} does not run")
        return pid

    def failure(self, container: EndedContainer) -> str:
        """Return one line that says how a container has ended, with the last lines of its log."""
        return (
            f"Container {container.name} of host {self.id} ended with status {container.status}: "
            f"{' | '.join(container.output) or 'no output'} (log: {self.log(container.name)})"
        )

    def ended(self, task: Task) -> list[EndedContainer]:
        """Return the containers of a task that have ended, as ECS describes them."""
        states = container_states([self.container(name) for name in task.names])
        return [
            EndedContainer(name, state["ExitCode"], self._last_lines(name))
            for name, state in zip(task.names, states, strict=True)
            if not state["Running"]
        ]

    def _last_lines(self, container: str) -> list[str]:
        log = self.log(container)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        # Each line: time, stream, F or P, and then what was printed.
        return [line.split(" ", 3)[-1] for line in lines[-LAST_LINES:]]

    def kill(self) -> None:
        """End the host at once, as when its power fails."""
        self._network.remove_pod(self.pod)


def instance_of(labels: Mapping[str, str]) -> Instance:
    """Return the instance of a host, by the labels of its pod; its user data has been run."""
    return Instance(
        id=labels[INSTANCE],
        group=labels[GROUP],
        user_data="",
        security_groups=tuple(labels[SECURITY_GROUPS].split()),
    )


def _keys(credentials: Credentials) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.token or "",
    }
