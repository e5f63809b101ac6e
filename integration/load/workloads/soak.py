"""The load of production for hours, with pauses; what grows meanwhile is what it is about."""

from locust import between

from integration.load.workloads import production

# The images are production's, and so is what pushes them before.


class Soak(production.Production):
    """Works as in production, but not without a rest."""

    #: Seconds between two operations: hours of it must not fill a disk by themselves.
    wait_time = between(0.5, 2)
    #: What caches keep of each new build would be growth, and is none to find.
    pulls_builds = False
