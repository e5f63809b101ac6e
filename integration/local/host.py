"""A host: a pod that has run its user data, joined a cluster, and runs its tasks."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from python_on_whales import DockerClient
from python_on_whales.exceptions import DockerException, NoSuchContainer

from integration.local.aws_session import Credentials
from integration.local.endpoints import Endpoints, role_id
from integration.local.errors import LocalCloudError
from integration.local.images import BASE, NEEDS_KEYS
from integration.local.instances import Instance
from integration.local.machine import ulimits
from integration.local.network import Network, described_pod
from integration.local.task import Container, Task

#: Where programs on Linux look for the certificates that they trust.
TRUST = "/etc/ssl/certs/ca-certificates.crt"
#: Labels of a host's pod; they tell what the host is when its group no longer does.
INSTANCE, ADDRESS = "wharf.instance", "wharf.address"
GROUP, SECURITY_GROUPS = "wharf.group", "wharf.security-groups"
#: Labels of a container: its pod, and the version of the task definition.
POD, TASK = "wharf.host", "wharf.task"
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
        """Whether its pod is there."""
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

    def boot(self) -> str | None:
        """Run the user data; return the cluster that it makes the host join, if any.

        Raises:
            LocalCloudError: the user data failed.
        """
        script = self._directory / "user-data"
        script.write_text(self.instance.user_data)
        script.chmod(0o755)
        log = self._directory / "user-data.log"
        try:
            said = self._podman.container.run(
                BASE,
                ["/user-data"],
                pod=self.pod,
                remove=True,
                ulimit=ulimits(),
                volumes=[(script, "/user-data", "ro"), (self._directory / "ecs", "/etc/ecs")],
                # What it says of what this machine lacks is for the log, as on EC2.
                stream=True,
            )
            log.write_bytes(b"".join(line for _, line in said))
        except DockerException as error:
            log.write_text(str(error))
            raise LocalCloudError(f"The user data of host {self.id} failed: {log}") from None
        return self.cluster

    @property
    def cluster(self) -> str | None:
        """The cluster in the ECS agent's configuration."""
        configuration = self._directory / "ecs" / "ecs.config"
        text = configuration.read_text() if configuration.exists() else ""
        found = re.search(r"^ECS_CLUSTER=(.*)$", text, re.MULTILINE)
        return found[1].strip() if found else None

    def run(
        self, task: Task, secrets: object, credentials: Credentials | None, endpoints: Endpoints
    ) -> None:
        """Run the containers of a task.

        Args:
            task: whose images are there.
            secrets: a client of Secrets Manager with the execution role's credentials.
            credentials: those of the task role, for a stand-in that cannot fetch them itself.
            endpoints: where containers find the AWS API.
        """
        for container in task.containers(secrets):
            environment = dict(container.environment)
            if task.role:
                environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = (
                    f"/v2/credentials/{role_id(task.role)}"
                )
            has_keys = "AWS_ACCESS_KEY_ID" in environment
            if credentials and not has_keys and self._needs_keys(container):
                environment |= _keys(credentials)
            self.run_container(
                dataclasses.replace(container, environment=environment), endpoints.trust, task.arn
            )

    def _needs_keys(self, container: Container) -> bool:
        image = self._podman.image.inspect(container.image)
        return NEEDS_KEYS in (image.config.labels or {})

    def run_container(self, container: Container, trust: Path, task: str = "") -> None:
        """Run a container whose environment is complete; ``trust`` has what it trusts."""
        # Given limits replace all defaults of podman, so those that a task leaves out are added.
        options = dict(container.options)
        given = {limit.partition("=")[0] for limit in options["ulimit"]}
        options["ulimit"] += [one for one in ulimits() if one.partition("=")[0] not in given]
        self._podman.container.run(
            container.image,
            list(container.command),
            name=self.container(container.name),
            pod=self.pod,
            detach=True,
            labels={POD: self.pod, TASK: task},
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
        labels = (container.config.labels or {} for container in self._containers())
        return {one[TASK] for one in labels}

    def stop(self) -> None:
        """Stop and remove all containers of tasks, the last that was started first.

        Each may end what it has begun, for as long as its task definition says.
        """
        for container in sorted(self._containers(), key=lambda one: one.created, reverse=True):
            self._podman.container.stop(container)
            self._podman.container.remove(container)

    def _containers(self) -> list[Any]:
        found = self._podman.container.list(all=True, filters=[("label", f"{POD}={self.pod}")])
        return list(found)

    def log(self, container: str) -> Path:
        """The file with what a container prints."""
        return self._directory / f"{container}.log"

    @property
    def containers(self) -> list[str]:
        """The names of its tasks' containers, as the task definition has them."""
        prefix = self.container("")
        names = [one["Name"] for one in described_pod(self.pod).get("Containers") or ()]
        return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))

    def container(self, name: str) -> str:
        """What podman calls one of its containers."""
        return f"{self.pod}-{name}"

    def restart_ended(self, task: Task) -> None:
        """Start the containers of a task that have ended, as ECS starts the task again."""
        for name in task.names:
            if not self.runs(name):
                self._podman.container.start(self.container(name))

    def runs(self, container: str) -> bool:
        """Whether a container runs, as far as podman knows."""
        return bool(self._state(container).running)

    def _state(self, name: str) -> Any:
        return self._podman.container.inspect(self.container(name)).state

    def pid(self, container: str) -> int:
        """The first process of a container, as this machine knows it.

        Raises:
            LocalCloudError: the container does not run.
        """
        pid: int | None = None
        with suppress(NoSuchContainer):  # its host may be ending
            pid = self._state(container).pid
        if not pid:
            raise LocalCloudError(f"Container {container} of host {self.id} does not run")
        return pid

    def failure(self, task: Task) -> str | None:
        """Say which container has ended, with its last words; None while all run."""
        for name in task.names:
            state = self._state(name)
            if not state.running:
                return (
                    f"Container {name} of host {self.id} ended with status {state.exit_code}: "
                    f"{self._last_words(name)} (log: {self.log(name)})"
                )
        return None

    def _last_words(self, container: str) -> str:
        log = self.log(container)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        # Each line: time, stream, F or P, and then what was printed.
        return " | ".join(line.split(" ", 3)[-1] for line in lines[-LAST_LINES:]) or "no output"

    def kill(self) -> None:
        """End the host at once, as when its power fails."""
        self._network.remove_pod(self.pod)


def instance_of(labels: Mapping[str, str]) -> Instance:
    """The instance of a host, by the labels of its pod; its user data has been run."""
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
