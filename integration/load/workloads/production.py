"""What IBM's registries saw: small layers mostly, few popular images, 95 pulls to 5 pushes.

A push is a build that changes 4 % of an image's bytes: its other layers are there already. It gets
the image's tag, so whoever pulls after it pulls what no cache has yet.
"""

import random
from dataclasses import replace
from itertools import accumulate

from locust import events, task
from locust.env import Environment

from integration.load.images import Image, Layer, make_image
from integration.load.sizes import IBM, Sizes, with_top, zipf
from integration.load.user import RegistryUser, options_of, prepare

#: Layers of an image, the one that builds change included.
LAYERS = 8
#: The part of an image's bytes that a build changes.
CHANGED = 0.04


def images(environment: Environment) -> list[Image]:
    """The images, the most popular first, the same in every process."""
    options = options_of(environment)
    source = random.Random(options.seed)  # noqa: S311  (sizes, not keys)
    sizes = Sizes(IBM, options.scale)
    return [
        make_image(
            f"{options.prefix}/production-{number}",
            f"run-{options.seed}",
            with_top(sizes.image(source, LAYERS - 1), CHANGED),
            f"{options.seed}/{number}",
        )
        for number in range(options.images)
    ]


def rebuilt(image: Image, build: str) -> Image:
    """The image with another layer on top, under the same tag."""
    below, top = image.layers[:-1], image.layers[-1]
    return replace(image, layers=(*below, Layer(f"{top.seed}/{build}", top.size)))


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def begin(environment: Environment, **_: object) -> None:
    """Push all images."""
    prepare(environment, images(environment))


class Production(RegistryUser):
    """Pulls and builds what is popular."""

    #: Whether pulls take the newest build of an image.
    pulls_builds = True

    def on_start(self) -> None:
        """Learn what there is, and how popular it is."""
        self.images = images(self.environment)
        self.popularity = list(accumulate(zipf(len(self.images))))

    def choose(self) -> Image:
        """An image by its popularity."""
        (image,) = self.random.choices(self.images, cum_weights=self.popularity)
        return image

    @task(95)
    def deploy(self) -> None:
        """Pull an image."""
        self.pull(self.choose())

    @task(5)
    def build(self) -> None:
        """Push an image of which a little has changed."""
        build = f"build-{self.random.getrandbits(48):x}"
        image = rebuilt(self.choose(), build)
        self.push(image if self.pulls_builds else replace(image, tag=build))
