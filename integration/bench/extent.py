"""Sizes of the workloads."""

from pydantic import BaseModel

from integration.clients.image_builder import MEGABYTE


class Extent(BaseModel):
    """The extent of a run; the figures in the documentation come from the defaults.

    Attributes:
        pulls_each: layers that each client pulls.
        seconds: of small requests.
        crowd_seconds: of the crowd for which nginx needs memory.
        layer_bytes: of a pushed layer.
        storms: clients of the small storm and of the large one.
        large_bytes: of the layer that is pulled in ranges.
    """

    pulls_each: int = 2
    seconds: int = 5
    crowd_seconds: int = 40
    layer_bytes: int = 300 * MEGABYTE
    storms: tuple[int, int] = (40, 400)
    large_bytes: int = 256 * MEGABYTE


#: A run that only shows that everything works.
QUICK = Extent(
    pulls_each=1,
    seconds=2,
    crowd_seconds=15,
    layer_bytes=30 * MEGABYTE,
    storms=(4, 8),
    large_bytes=30 * MEGABYTE,
)
