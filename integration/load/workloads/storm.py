"""Servers pull an image right after its push, all at the same time, each once."""

from locust import events, task
from locust.env import Environment
from locust.exception import StopUser

from integration.clients.image_builder import MEGABYTE, Image
from integration.load.user import RegistryUser, options_of, prepare

#: Bytes of the layers of a deployed image: 100 MB.
LAYERS = (60 * MEGABYTE, 20 * MEGABYTE, 10 * MEGABYTE, 8 * MEGABYTE, MEGABYTE, 500_000, 1_000)


def image(environment: Environment) -> Image:
    """Return the image that all servers pull."""
    options = options_of(environment)
    sizes = [max(1, round(size * options.scale)) for size in LAYERS]
    return Image.from_seed(f"{options.prefix}/storm", f"run-{options.seed}", sizes, options.seed)


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def begin(environment: Environment, **_: object) -> None:
    """Push the image, and end the run when every server has pulled it."""
    servers = options_of(environment).num_users

    def done() -> bool:
        return bool(environment.stats.get("image", "PULL").num_requests >= servers)

    prepare(environment, [image(environment)], done)


class Server(RegistryUser):
    """A server that pulls once."""

    @task
    def deploy(self) -> None:
        """Pull the image, and stop."""
        self.pull(image(self.environment))
        raise StopUser
