"""The simulation of storms: beside the formula, and its parts."""

from typing import Any

import pytest
import simpy

from scripts.capacity.figures import Delivery, Figures, InstanceType
from scripts.capacity.model import Model
from scripts.capacity.sharing import Sharing
from scripts.capacity.simulation import Simulation
from scripts.capacity.storm import Host, Storm

pytestmark = pytest.mark.slow

FIGURES = Figures.read()
HOST = Host.of(InstanceType.all()["c6in.2xlarge"])
#: Requests a second that S3 takes, and as good as no limit.
LIMIT, NONE = FIGURES.s3_reads_per_second, 1e8


@pytest.mark.parametrize(
    ("storm", "name", "number", "delivery", "limit"),
    [
        (Storm(50, 5e8, 8), "c6in.large", 2, "cache", LIMIT),
        (Storm(500, 2e9, 10), "c6in.xlarge", 20, "cache", LIMIT),
        (Storm(500, 2e9, 10), "c6in.4xlarge", 8, "proxy", LIMIT),
        (Storm(500, 2e9, 10), "c6in.4xlarge", 8, "proxy", NONE),
        (Storm(500, 2e9, 10), "t4g.medium", 1, "redirect", LIMIT),
        (Storm(2_000, 2e9, 10), "t4g.medium", 4, "redirect", LIMIT),
        (Storm(2_000, 2e9, 10), "t4g.medium", 4, "redirect", NONE),
        (Storm(300, 1e9, 12), "t3.medium", 3, "redirect", LIMIT),
        (Storm(100, 1e8, 4, server_rate=2e6), "t3.medium", 3, "cache", LIMIT),
        (Storm(5_000, 5e8, 8), "c7gn.large", 50, "cache", LIMIT),
        (Storm(5_000, 5e8, 8), "m7g.large", 10, "redirect", NONE),
    ],
)
def test_formula_and_simulation_agree(
    storm: Storm, name: str, number: int, delivery: Delivery, limit: float
) -> None:
    """On how long it takes, the requests to S3, and the second that has the most of them."""
    figures = FIGURES.model_copy(update={"s3_reads_per_second": limit})
    host = Host.of(InstanceType.all()[name])
    formula = Model(figures).predict(storm, host, number, delivery)
    simulated = Simulation(figures, storm, host, number, delivery).run()
    assert simulated.half <= simulated.seconds
    assert formula.seconds == pytest.approx(simulated.seconds, rel=0.2)
    assert simulated.s3_requests <= (formula.gets + formula.lists) * 1.001
    # The formula says how many there are at most.
    assert simulated.s3_peak < 1.2 * min(formula.s3_peak, limit)


def test_the_same_chance_gives_the_same_storm() -> None:
    def run(seed: int) -> float:
        return Simulation(FIGURES, Storm(60, 1e8, 4), HOST, 3, "cache", seed=seed).run().seconds

    assert run(1) == run(1) != run(2)


def test_jobs_share_what_there_is() -> None:
    """Compare with a result by hand: 10 a second; 20 alone for 1 s, then beside 2.5 for 0.5 s."""
    environment, ends = simpy.Environment(), {}
    shared = Sharing(environment, rate=10)

    def job(name: str, begin: float, work: float) -> Any:
        yield environment.timeout(begin)
        yield shared.serve(work)
        ends[name] = environment.now

    environment.process(job("long", 0, 20))
    environment.process(job("short", 1, 2.5))
    environment.run()
    assert ends == {"short": pytest.approx(1.5), "long": pytest.approx(2.25)}


def test_no_job_gets_more_than_it_may() -> None:
    environment = simpy.Environment()
    environment.run(until=Sharing(environment, rate=10, most=2).serve(20))
    assert environment.now == pytest.approx(10)
