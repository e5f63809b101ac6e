"""The load of production for hours, with pauses, to find resources that grow."""

from locust import between

from integration.load.workloads import production

# Importing production registers the pushes before the load.


class Soak(production.Production):
    """A user of production with pauses."""

    #: Seconds between two operations: hours of load must not fill the disk with new builds.
    wait_time = between(0.5, 2)
    #: Caches that keep each new build would grow, which is no defect.
    pulls_builds = False
