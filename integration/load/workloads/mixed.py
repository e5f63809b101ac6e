"""75 pulls to 25 pushes of images of three layers: 20 % of 1 MB, 70 % of 10 MB, 10 % of 100 MB."""

import random

from locust import events, task
from locust.env import Environment

from integration.clients.image_builder import Image
from integration.load.sizes import ZB, Sizes
from integration.load.user import RegistryUser, options_of, prepare

#: Images that are pushed before the load.
IMAGES = 8
LAYERS = 3


def image(environment: Environment, name: str, source: random.Random) -> Image:
    """Return an image of the mix."""
    options = options_of(environment)
    sizes = Sizes(ZB, options.scale).image(source, LAYERS)
    return Image.from_seed(f"{options.prefix}/mixed", name, sizes, f"{options.seed}/{name}")


def images(environment: Environment) -> list[Image]:
    """Return the images to pull, the same in every process."""
    seed = options_of(environment).seed
    source = random.Random(seed)  # noqa: S311  (no secret)
    return [image(environment, f"{seed}-{number}", source) for number in range(IMAGES)]


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def begin(environment: Environment, **_: object) -> None:
    """Push the images to pull."""
    prepare(environment, images(environment))


class Mixed(RegistryUser):
    """A user with three pulls to one push."""

    def on_start(self) -> None:
        """Describe the images."""
        self.images = images(self.environment)

    @task(75)
    def deploy(self) -> None:
        """Pull an image."""
        self.pull(self.random.choice(self.images))

    @task(25)
    def build(self) -> None:
        """Push a new image."""
        name = f"{options_of(self.environment).seed}-{self.random.getrandbits(48):x}"
        self.push(image(self.environment, name, self.random))
