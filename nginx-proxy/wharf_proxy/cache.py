"""The disk for layers: its size, leftovers of a killed nginx, and a flag while it is full."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from wharf_proxy.metrics import Metrics

FOLDER = Path("/var/cache/wharf")
FLAG = "cache-full"
"""While this file exists, delivery.lua delivers layers as without a cache."""

ROOM = 1 << 30
"""Bytes. nginx removes layers when less than twice as much is free: with less than this, others
fill the disk, and a layer that does not fit breaks off in the middle."""

PATH = """\
proxy_cache_path /var/cache/wharf levels=1:2 keys_zone=blobs:16m max_size={size}g min_free=2g
    inactive=30d use_temp_path=off;
"""
"""For nginx.conf: the least used layers go when there are more, or the disk is full."""

HALF_FETCHED = "?/??/*.??????????"
"""Files that a killed nginx leaves in its cache, and that no nginx looks at again."""


def sweep(folder: Path = FOLDER) -> None:
    """Remove the files that a killed nginx has left; to be called before nginx runs.

    Raises:
        OSError: there is no such folder.
    """
    os.statvfs(folder)
    for leftover in folder.glob(HALF_FETCHED):
        leftover.unlink()


def watch(directory: Path, metrics: Metrics, folder: Path = FOLDER) -> NoReturn:
    """Update the flag in ``directory`` each second: it exists while the folder's disk is full."""
    flag = directory / FLAG
    while True:
        disk = os.statvfs(folder)
        free = disk.f_bavail * disk.f_frsize
        metrics.cache_free.set(free)
        # The folder of these is in memory: it may be full by itself for a while.
        with suppress(OSError):
            if free < ROOM:
                flag.touch()
            else:
                flag.unlink(missing_ok=True)
            metrics.write()
        time.sleep(1)
