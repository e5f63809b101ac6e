"""The load of IBM's registries: mostly small layers, few popular images, 95 pulls to 5 pushes.

A push is a build that changes 4 % of an image's bytes: the registry has its other layers. The build
replaces the tag, so later pulls need a layer that no cache has.
"""

import random
from dataclasses import replace
from itertools import accumulate

from locust import events, task
from locust.env import Environment

from integration.clients.image_builder import Image, Layer
from integration.load.sizes import IBM, Sizes, with_top, zipf
from integration.load.user import RegistryUser, options_of, prepare

#: Layers of an image, with the layer that builds change.
LAYERS = 8
#: The part of an image's bytes that a build changes.
CHANGED = 0.04


def images(environment: Environment) -> list[Image]:
    """Return the images, the most popular first, the same in every process."""
    options = options_of(environment)
    source = random.Random(options.seed)  # noqa: S311  (no secret)
    sizes = Sizes(IBM, options.scale)
    return [
        Image.from_seed(
            f"{options.prefix}/production-{number}",
            f"run-{options.seed}",
            with_top(sizes.image(source, LAYERS - 1), CHANGED),
            f"{options.seed}/{number}",
        )
        for number in range(options.images)
    ]


def rebuilt(image: Image, build: str) -> Image:
    """Return the image with another top layer, under the same tag."""
    below, top = image.layers[:-1], image.layers[-1]
    return replace(image, layers=(*below, Layer(f"{top.seed}/{build}", top.size)))


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def begin(environment: Environment, **_: object) -> None:
    """Push all images."""
    prepare(environment, images(environment))


class Production(RegistryUser):
    """A user that pulls and builds images by their popularity."""

    #: Whether pulls take the newest build of an image.
    pulls_builds = True

    def on_start(self) -> None:
        """Describe the images and their popularity."""
        self.images = images(self.environment)
        self.popularity = list(accumulate(zipf(len(self.images))))

    def choose(self) -> Image:
        """Choose an image by its popularity."""
        (image,) = self.random.choices(self.images, cum_weights=self.popularity)
        return image

    @task(95)
    def deploy(self) -> None:
        """Pull an image."""
        self.pull(self.choose())

    @task(5)
    def build(self) -> None:
        """Push an image with a changed top layer."""
        build = f"build-{self.random.getrandbits(48):x}"
        image = rebuilt(self.choose(), build)
        self.push(image if self.pulls_builds else replace(image, tag=build))
