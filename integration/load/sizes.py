"""Sizes of layers, layers per image, and popularity of images."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from integration.clients.image_builder import MEGABYTE

#: Part of the layers, and the sizes in bytes between which they lie.
Mix = Sequence[tuple[float, int, int]]

#: The mix that zot's own benchmark moves (zb, "Pull Mixed").
ZB: Mix = (
    (0.2, MEGABYTE, MEGABYTE),
    (0.7, 10 * MEGABYTE, 10 * MEGABYTE),
    (0.1, 100 * MEGABYTE, 100 * MEGABYTE),
)
#: After the trace of IBM's registries: 65 % of layers below 1 MB, 80 % below 10 MB; what it does
#: not tell, where in between, is taken as even on a logarithmic scale.
#: Anwar et al., Improving Docker Registry Design Based on Production Workload Analysis, FAST 2018.
#: These are seven of an image's layers. The eighth, 4 % of the image, is below 1 MB in 27 % of all
#: images and below 10 MB in 99 %, so of these seven more are below 1 MB and fewer below 10 MB.
IBM: Mix = (
    (0.704, 1_000, MEGABYTE),
    (0.068, MEGABYTE, 10 * MEGABYTE),
    (0.228, 10 * MEGABYTE, 100 * MEGABYTE),
)


@dataclass(frozen=True)
class Sizes:
    """Sizes of layers by a mix.

    Attributes:
        mix: the parts, which sum to 1.
        scale: what each size is multiplied by, so that a small machine can run a large workload.
    """

    mix: Mix
    scale: float = 1.0

    def draw(self, source: random.Random) -> int:
        """Return the size of a layer in bytes."""
        (part,) = source.choices(self.mix, [weight for weight, _, _ in self.mix])
        _, least, most = part
        size: float = least * (most / least) ** source.random()
        return max(1, round(size * self.scale))

    def image(self, source: random.Random, layers: int) -> list[int]:
        """Return the sizes of an image's layers."""
        return [self.draw(source) for _ in range(layers)]


def zipf(count: int) -> list[float]:
    """Return the popularity of ``count`` images, the first most popular; the sum is 1."""
    weights = [1 / rank for rank in range(1, count + 1)]
    return [weight / sum(weights) for weight in weights]


def with_top(sizes: Sequence[int], part: float) -> list[int]:
    """Return the sizes with one more layer on top, which is ``part`` of the image's bytes."""
    return [*sizes, max(1, round(sum(sizes) * part / (1 - part)))]
