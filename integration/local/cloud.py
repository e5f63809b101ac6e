"""AWS on one machine: hosts, tasks, balancers and firewalls as the AWS API describes them."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from integration.console.display import Display
from integration.local.api.blueprint import Blueprint, read_balancers
from integration.local.api.instances import read_instances
from integration.local.api.inventory import inventory
from integration.local.emulator.process import Emulator
from integration.local.errors import LocalCloudError
from integration.local.hosts.container_images import Images
from integration.local.hosts.fleet import Fleet
from integration.local.hosts.host import Host
from integration.local.hosts.placement import place
from integration.local.hosts.rollout import Rollout
from integration.local.machine import check_machine, make_private, podman
from integration.local.network.balancer import LocalBalancer
from integration.local.network.endpoints import Endpoints, bucket_names
from integration.local.network.haproxy import HaProxy
from integration.local.network.network import Network
from integration.local.network.traffic import Traffic
from integration.local.saved import SavedCloud
from integration.local.terraform import STATE, Terraform

#: Number of the endpoints' address on the network.
ENDPOINTS = 2

#: The emulator's port on the network; the address is the cloud's own, so it is always free.
EMULATOR_PORT = 4566


def apply_with_terraform(terraform: Terraform) -> None:
    """Deploy the stack the usual way: ``terraform init`` and ``terraform apply``."""
    terraform.init()
    terraform.apply()


def apply_with_progress(display: Display) -> Callable[[Terraform], None]:
    """Return a function that deploys the stack and shows the number of resources on a display."""

    def apply(terraform: Terraform) -> None:
        with display.applying(terraform):
            apply_with_terraform(terraform)

    return apply


class LocalCloud:
    """A synthesized stack, deployed on this machine.

    Args:
        directory: for the cloud's state and logs.
        stack: the directory of ``cdk.tf.json``.
        variables: values for the stack's variables.
        contexts: for images of our own the folder with their Dockerfile.
        report: gets a line for each step.
        deploy: applies the stack.
        region: AWS region.
        stores: buckets that another S3 keeps than the emulator's, and its ``address:port``.

    Usage:

        with LocalCloud(Path("build/local"), stack, variables) as cloud:
            publish_configuration(cloud.outputs["configuration_bucket"])
            cloud.reconcile()
    """

    def __init__(
        self,
        directory: Path,
        stack: Path,
        variables: Mapping[str, Any],
        *,
        contexts: Mapping[str, Path] | None = None,
        report: Callable[[str], None] = print,
        deploy: Callable[[Terraform], None] = apply_with_terraform,
        region: str = "us-east-1",
        stores: Mapping[str, str] | None = None,
    ) -> None:
        saved = SavedCloud.new(stack, variables, contexts or {}, region)
        self._prepare(directory, saved, report)
        self._deploy = deploy
        self._stores.update(stores or {})

    def _prepare(self, directory: Path, saved: SavedCloud, report: Callable[[str], None]) -> None:
        check_machine()
        make_private(directory)
        self.directory = directory.resolve()
        self.logs = self.directory / "logs"
        self.logs.mkdir(exist_ok=True)
        self._saved = saved
        self._report = report
        self._podman = podman(self.directory)
        self.network = Network(self._podman, saved.cloud)
        self._images = Images(self._podman, self.logs / "images.log", report)
        self._deploy = apply_with_terraform
        self._stores: dict[str, str] = {}
        #: What was in the account before the stack was applied.
        self.baseline: frozenset[str] = frozenset()

    @classmethod
    def standing(cls, directory: Path, report: Callable[[str], None] = print) -> Self:
        """Take over the cloud that another process left standing in ``directory``.

        Raises:
            LocalCloudError: there is none.
        """
        cloud = cls.__new__(cls)
        cloud._prepare(directory, SavedCloud.load(directory), report)
        return cloud

    @classmethod
    def end_standing(cls, directory: Path, report: Callable[[str], None] = print) -> None:
        """Take down the cloud that stands in ``directory``, if one does."""
        if SavedCloud.stands(directory):
            report(f"Taking down the local cloud that stands in {directory}")
            cls.standing(directory, report).down()

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def up(self) -> None:
        """Start the emulator and apply the stack; hosts come with :meth:`reconcile`.

        Raises:
            LocalCloudError: something failed; nothing is left running.
        """
        SavedCloud.refuse(self.directory)
        try:
            self._up()
        except BaseException:
            self.down()
            raise

    def _up(self) -> None:
        self._saved.save(self.directory)
        # The state of an earlier cloud lists what is gone with its emulator.
        (self._saved.stack / STATE).unlink(missing_ok=True)
        shutil.rmtree(self.logs)
        self.logs.mkdir()
        self._images.prepare_own()
        self._report(f"Network {self.network.cloud} and the AWS API")
        self.network.create()
        # The first container makes the bridge, and with it the address for the emulator.
        self.endpoints.serve(f"http://{self.network.gateway}:{EMULATOR_PORT}", {})
        emulator = Emulator.from_environment(
            self.logs / "emulator.log", self.network.gateway, EMULATOR_PORT
        ).in_region(self._saved.region)
        self._saved = self._saved.model_copy(update={"emulator": emulator})
        self._saved.save(self.directory)
        self.endpoints.serve(emulator.endpoint, {})
        self.baseline = inventory(self.session)
        self._report(f"Applying the stack (about 100 s; log: {self.logs / 'terraform.log'})")
        self._deploy(self.terraform)

    @property
    def emulator(self) -> Emulator:
        """The AWS API.

        Raises:
            LocalCloudError: it was not started.
        """
        if self._saved.emulator is None:
            raise LocalCloudError("The local cloud has no AWS API yet; run up first")
        return self._saved.emulator

    @property
    def session(self) -> Any:
        """An administrator's session with the AWS API."""
        return self.emulator.session()

    @property
    def terraform(self) -> Terraform:
        """Terraform on the stack."""
        return self.terraform_with({})

    def terraform_with(self, variables: Mapping[str, Any]) -> Terraform:
        """Return Terraform on the stack, with other values for some of its variables."""
        return Terraform(
            self._saved.stack,
            self.emulator,
            self._saved.region,
            {**self._saved.variables, **variables},
            self.logs / "terraform.log",
        )

    @property
    def images(self) -> Mapping[str, str]:
        """The images that hosts run, and what stands behind the name of each."""
        return self._images.used

    @property
    def outputs(self) -> dict[str, Any]:
        """The values of the stack's outputs."""
        return self.terraform.outputs()

    @property
    def names(self) -> list[tuple[str, str]]:
        """The names of the API that containers know, with their address on this machine."""
        return self.endpoints.names(bucket_names(self.session))

    @property
    def trust(self) -> Path:
        """The certificate under which the API shows these names."""
        return self.endpoints.trust

    @property
    def endpoints(self) -> Endpoints:
        """Front of the endpoints of AWS on the network."""
        haproxy = HaProxy.named(self._podman, self.network, "endpoints", ENDPOINTS, self.logs)
        return Endpoints(haproxy, self._saved.region, self._stores)

    @property
    def fleet(self) -> Fleet:
        """The hosts together, and what EC2 and ECS do for them."""
        return Fleet(
            self._podman, self.network, self.emulator, self.endpoints, self.logs, self._report
        )

    @property
    def _traffic(self) -> Traffic:
        return Traffic(self._podman, self.network, self.logs)

    @property
    def hosts(self) -> list[Host]:
        """The hosts that run, by instance."""
        return self.fleet.hosts(read_instances(self.session))

    @property
    def balancers(self) -> dict[str, LocalBalancer]:
        """The load balancers by name, as the AWS API lists them."""
        return self._traffic.balancers(read_balancers(self.session))

    @property
    def balancer(self) -> LocalBalancer:
        """The load balancer, where there is one.

        Raises:
            LocalCloudError: there is none, or there are several.
        """
        balancers = list(self.balancers.values())
        if len(balancers) != 1:
            raise LocalCloudError(f"The account has {len(balancers)} load balancers, not one")
        return balancers[0]

    def reconcile(self) -> None:
        """Make hosts, tasks, load balancers and firewalls what the AWS API says, and wait.

        Leaving hosts are drained, and end when the new hosts are healthy.

        Raises:
            LocalCloudError: a host did not become healthy in time, or
                a container ended; the text has the last lines of its log and names the file.
        """
        plan = self._read()
        self._images.prepare(plan.images, self._saved.contexts)
        fleet = self.fleet
        leaving = fleet.leaving(plan)
        hosts = fleet.reconcile(plan)
        place(plan, hosts, leaving, fleet.run_task)
        rollout = Rollout(self._read, fleet, self._traffic)
        rollout.bring_in(plan, hosts, leaving)
        rollout.change_tasks(plan, hosts, leaving)
        rollout.let_go(hosts, leaving)
        fleet.complete_hooks(plan)

    def _read(self) -> Blueprint:
        return Blueprint.read(self.session)

    def kill_host(self, instance: str) -> None:
        """End a host without warning; the autoscaling group replaces it at the next reconcile.

        Raises:
            LocalCloudError: there is no such host.
        """
        host = next((host for host in self.hosts if host.id == instance), None)
        if host is None:
            raise LocalCloudError(f"There is no host {instance}; status lists them")
        host.kill()
        self.session.client("autoscaling").terminate_instance_in_auto_scaling_group(
            InstanceId=instance, ShouldDecrementDesiredCapacity=False
        )

    def down(self) -> None:
        """Remove everything but the logs; missing parts are no error."""
        # Whatever fails, the rest is still taken down.
        with ExitStack() as last_first:
            last_first.callback(SavedCloud.forget, self.directory)
            if self._saved.emulator is not None:
                last_first.callback(self._saved.emulator.stop)
            last_first.callback(self.network.remove)
