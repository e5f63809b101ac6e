"""Storms that no machine here could pull: the formula beside the simulation of the same."""

from collections.abc import Callable, Sequence

from integration.storms.storm_results import Simulated
from scripts.capacity.figures import Delivery, Figures, InstanceType
from scripts.capacity.model import Model
from scripts.capacity.simulation import Simulation
from scripts.capacity.storm import Host, Storm

#: Servers, GB and layers of the image, delivery, instance type, hosts.
Case = tuple[int, float, int, Delivery, str, int]
CASES: Sequence[Case] = (
    (50, 0.5, 8, "cache", "c6in.large", 2),
    (500, 2, 10, "cache", "c7gn.4xlarge", 4),
    (500, 2, 10, "cache", "c6in.xlarge", 38),
    (500, 2, 10, "proxy", "c6in.4xlarge", 8),
    (500, 2, 10, "redirect", "t4g.medium", 1),
    (5_000, 0.5, 8, "cache", "c7gn.large", 50),
    (5_000, 0.5, 8, "redirect", "m7g.large", 10),
    (20_000, 0.5, 6, "cache", "c7gn.xlarge", 100),
    (100_000, 0.5, 6, "cache", "c7gn.4xlarge", 100),
    (100_000, 0.5, 6, "redirect", "m7g.large", 100),
)


def simulate(report: Callable[[str], None], cases: Sequence[Case] = CASES) -> list[Simulated]:
    """Simulate each case once; the largest take minutes."""
    figures, types = Figures.read(), InstanceType.all()
    found = []
    for servers, gigabytes, layers, delivery, name, hosts in cases:
        storm, host = Storm(servers, gigabytes * 1e9, layers), Host.of(types[name])
        formula = Model(figures).predict(storm, host, hosts, delivery)
        simulation = Simulation(figures, storm, host, hosts, delivery).run()
        simulated = Simulated(
            servers=servers,
            image_gb=gigabytes,
            layers=layers,
            delivery=delivery,
            instance_type=name,
            hosts=hosts,
            formula=formula.seconds,
            simulation=simulation.seconds,
            formula_peak=min(formula.s3_peak, figures.s3_reads_per_second),
            simulation_peak=simulation.s3_peak,
        )
        report(
            f"{servers} servers, {hosts} x {name}, {delivery}: formula {simulated.formula:.1f} s, "
            f"simulation {simulated.simulation:.1f} s"
        )
        found.append(simulated)
    return found
