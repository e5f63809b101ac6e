"""Number of hosts: limits of the formula, and its dependencies."""

import gzip
import json
from pathlib import Path

import moto
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scripts.capacity.figures import (
    DELIVERIES,
    GBPS,
    GIBIBYTE,
    GIGABYTE,
    Delivery,
    Figures,
    InstanceType,
    Prices,
    Requests,
)
from scripts.capacity.model import CPU, DISK, NETWORK, S3, SERVER, Model, fullest
from scripts.capacity.plan import Planner, cache_needed
from scripts.capacity.simulation import Simulation
from scripts.capacity.storm import Host, Storm

FIGURES = Figures.read()
MODEL = Model(FIGURES)
STORM = Storm(servers=500, image=2e9, layers=10)
HOST = Host.of(InstanceType.all()["c6in.2xlarge"])

storms = st.builds(
    Storm,
    servers=st.integers(1, 100_000),
    image=st.floats(1e6, 1e11),
    layers=st.integers(1, 60),
    server_rate=st.floats(1e6, 1e10),
)
hosts = st.builds(
    Host,
    network=st.floats(1e7, 1e10),
    vcpus=st.integers(1, 64),
    memory=st.floats(1e9, 1e12),
)
numbers = st.integers(1, 99)
deliveries = st.sampled_from(DELIVERIES)


@given(storms, hosts, numbers, deliveries)
def test_another_host_never_makes_it_longer(
    storm: Storm, host: Host, number: int, delivery: Delivery
) -> None:
    # Of S3 each host asks for itself.
    endless = FIGURES.model_copy(update={"s3_reads_per_second": 1e15})
    even = Model(endless, even=True)
    fewer, more = (even.predict(storm, host, n, delivery).seconds for n in (number, number + 1))
    assert more <= fewer * (1 + 1e-9)


@given(storms, hosts, numbers, deliveries)
def test_more_servers_never_take_less(
    storm: Storm, host: Host, number: int, delivery: Delivery
) -> None:
    even = Model(FIGURES, even=True)
    twice = Storm(2 * storm.servers, storm.image, storm.layers, storm.server_rate)
    single, double = (even.predict(each, host, number, delivery).seconds for each in (storm, twice))
    assert double >= single


@given(storms, hosts, numbers, deliveries)
def test_no_storm_is_faster_than_any_of_its_parts(
    storm: Storm, host: Host, number: int, delivery: Delivery
) -> None:
    seconds = MODEL.predict(storm, host, number, delivery).seconds
    assert seconds * storm.server_rate >= storm.image * (1 - 1e-9)
    if delivery != "redirect":
        assert seconds * number * host.network >= storm.servers * storm.image
    processors = number * host.vcpus * GIGABYTE
    assert seconds * processors >= storm.servers * storm.image * FIGURES.gb_cpu[delivery] * 0.999


@given(st.integers(1, 10**6), numbers)
@example(connections=1, number=2)
def test_the_fullest_host_has_between_the_mean_and_everything(
    connections: int, number: int
) -> None:
    assert 1 <= fullest(connections, number) <= number


def test_many_connections_spread_evenly() -> None:
    assert fullest(10**9, 10) == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize(
    ("storm", "host", "number", "delivery", "limit"),
    [
        (STORM, Host(1e8, 64), 2, "cache", NETWORK),
        (STORM, Host(1e10, 1), 2, "cache", CPU),
        (STORM, Host(1e10, 64, memory=1e9), 2, "cache", DISK),
        (Storm(10, 2e9, 10, server_rate=1e6), HOST, 4, "cache", SERVER),
        (Storm(100_000, 1e6, 10), Host(1e11, 2), 100, "redirect", S3),
        (STORM, Host(1e10, 1), 2, "proxy", CPU),
    ],
)
def test_the_limit_is_named(
    storm: Storm, host: Host, number: int, delivery: Delivery, limit: str
) -> None:
    assert MODEL.predict(storm, host, number, delivery).limit == limit


def free(cost: Requests) -> Requests:
    return cost.model_copy(update={"cpu": 0.0})


@pytest.fixture
def network_only() -> Figures:
    """Return a model in which only the network of the hosts takes time."""
    return FIGURES.model_copy(
        update={
            "payload": 1.0,
            "s3_seconds": 0.0,
            "cache_poll": 0.0,
            "password_cpu": 0.0,
            "s3_reads_per_second": 1e15,
            "s3_connection_rate": 1e15,
            "disk_rate": 1e15,
            "gb_cpu": dict.fromkeys(DELIVERIES, 0.0),
            "pull": {delivery: free(FIGURES.pull[delivery]) for delivery in DELIVERIES},
            "layer": {delivery: free(FIGURES.layer[delivery]) for delivery in DELIVERIES},
        }
    )


def test_what_does_not_fit_into_memory_comes_from_the_disk() -> None:
    """Expect each of two hosts to send half of the layer, at the speed of its disk."""
    host = Host(1e9, 64, memory=1e9)
    seconds = MODEL.predict(STORM, host, 2, "cache").seconds
    assert seconds > STORM.servers * STORM.image / 2 / FIGURES.disk_rate
    assert Model(FIGURES).send_rate(STORM, Host(1e9, 64, memory=1e10)) == pytest.approx(955e6)


def test_more_hosts_than_s3_serves_make_checks_slow() -> None:
    """16 workers of each of 100 hosts ask for three layers at a time: 2 requests for each."""
    storm = Storm(servers=100_000, image=5e8, layers=6)
    host = Host.of(InstanceType.all()["c7gn.4xlarge"])
    few, many = (MODEL.predict(storm, host, number, "redirect").fetch for number in (1, 100))
    assert few == pytest.approx(2 * (0.1 + FIGURES.layer["redirect"].cpu))
    assert many == pytest.approx(2 * 16 * 3 * 100 * 2 / 5500)


def test_a_storm_by_hand(network_only: Figures) -> None:
    """100 bytes to each of ten servers at 50 a second, and before 100 from S3 at 50."""
    storm, host = Storm(servers=10, image=100, layers=1), Host(network=50, vcpus=1)
    assert Model(network_only).predict(storm, host, 1, "cache").seconds == pytest.approx(22)
    assert Simulation(network_only, storm, host, 1, "cache").run().seconds == pytest.approx(22)


@pytest.mark.parametrize(
    ("layers", "waves", "received", "seconds"),
    [
        # Fetched in 1 s and transferred in 10, twice; the second is fetched meanwhile.
        (6, 2, 50, 21),
        # The same with a layer more, which takes a wave of its own.
        (7, 3, 50, 2 / 3 + 20),
        # Fetched in 20 s each, which is what takes time, and once transferred.
        (6, 2, 2.5, 50),
    ],
)
def test_waves_overlap(
    network_only: Figures, layers: int, waves: int, received: float, seconds: float
) -> None:
    storm, host = Storm(servers=10, image=100, layers=layers), Host(50, 1, received=received)
    predicted = Model(network_only).predict(storm, host, 1, "cache")
    assert predicted.waves == waves
    assert predicted.seconds == pytest.approx(seconds, rel=0.02)


def test_as_many_hosts_as_are_said_are_enough_and_fewer_are_not() -> None:
    number = MODEL.hosts(STORM, HOST, "cache", 60)
    assert number is not None
    assert MODEL.predict(STORM, HOST, number, "cache").seconds <= 60
    assert MODEL.predict(STORM, HOST, number - 1, "cache").seconds > 60


def test_what_no_number_of_hosts_can_do() -> None:
    assert MODEL.hosts(STORM, HOST, "cache", 1) is None


def test_requests_to_s3() -> None:
    """Expect one fetch a host with ``cache``, and one a server with ``redirect``."""
    single = Storm(servers=1, image=1e6, layers=4)
    predicted = MODEL.predict(single, HOST, 1, "cache")
    assert predicted.lists == 0
    assert predicted.gets == FIGURES.pull["cache"].get + 4 * (FIGURES.layer["cache"].get + 1)
    # What no server asks a host for, it does not fetch.
    assert MODEL.predict(single, HOST, 5, "cache").gets == predicted.gets
    four = Storm(servers=4, image=1e6, layers=4)
    cached, redirected = (
        MODEL.predict(four, HOST, 2, delivery) for delivery in ("cache", "redirect")
    )
    more = 4 * (FIGURES.pull["redirect"].get - FIGURES.pull["cache"].get)
    assert redirected.gets - cached.gets == 4 * (4 - 2) + more


@given(storms, hosts, numbers, deliveries)
def test_no_second_has_more_requests_than_there_are(
    storm: Storm, host: Host, number: int, delivery: Delivery
) -> None:
    predicted = MODEL.predict(storm, host, number, delivery)
    assert 0 < predicted.s3_peak <= predicted.gets + predicted.lists


def test_with_proxy_every_server_asks_and_with_redirect_few_do() -> None:
    """Expect 7 requests for each of 500 concurrent servers, and those for the bytes."""
    storm = Storm(servers=500, image=1e8, layers=1)
    proxied, redirected = (
        MODEL.predict(storm, HOST, 1, delivery) for delivery in ("proxy", "redirect")
    )
    own = 500 * (FIGURES.pull["proxy"].get + FIGURES.layer["proxy"].get + 1)
    assert proxied.gets == own
    assert redirected.gets < 500 + own / 10


def test_a_large_layer_is_fetched_in_slices() -> None:
    """Expect each host to fetch 24 slices a layer of 2 GB in 10 layers; each waits for S3."""
    predicted = MODEL.predict(Storm(1, 2e9, 10), HOST, 1, "cache")
    assert predicted.gets == FIGURES.pull["cache"].get + 10 * (FIGURES.layer["cache"].get + 24)
    rate = MODEL.connection_rate(STORM)
    assert rate == pytest.approx(FIGURES.slice / (0.1 + FIGURES.slice / 85e6))
    script = Path("nginx-proxy/delivery.conf").read_text()
    assert f"slice {FIGURES.slice >> 20}m;" in script


def test_a_check_that_serves_later_requests_saves_requests() -> None:
    kept = FIGURES.model_copy(update={"check_seconds": 5})
    usual, fewer = (
        Model(figures).predict(STORM, HOST, 8, "cache").gets for figures in (FIGURES, kept)
    )
    assert fewer < usual


def test_instance_types_are_as_aws_describes_them() -> None:
    file = Path(moto.__file__).parent / "ec2/resources/instance_types.json.gz"
    described = json.loads(gzip.decompress(file.read_bytes()))
    for name, kind in InstanceType.all().items():
        aws = described[name]
        (card,) = aws["NetworkInfo"]["NetworkCards"]
        assert kind.model_dump() == {
            "vcpus": aws["VCpuInfo"]["DefaultVCpus"],
            "memory": aws["MemoryInfo"]["SizeInMiB"] / 1024,
            "baseline": card["BaselineBandwidthInGbps"],
            "peak": card["PeakBandwidthInGbps"],
            "architecture": aws["ProcessorInfo"]["SupportedArchitectures"][0],
        }, name


def test_a_layer_may_take_the_part_of_the_cache_that_the_proxy_gives_it() -> None:
    """Expect a quarter of 15 GiB, 3.75 GiB."""
    script = Path("nginx-proxy/lua/wharf/delivery.lua").read_text()
    assert f"local SHARE = 1 / {1 / FIGURES.cached_layer:g}\n" in script
    largest = 15 * GIBIBYTE * FIGURES.cached_layer
    assert cache_needed(Storm(1, largest, 1), FIGURES) == 15
    assert cache_needed(Storm(1, largest + 1, 1), FIGURES) == 16
    assert cache_needed(Storm(1, 4 * largest + 1, 100), FIGURES) == 16


def test_every_instance_type_has_a_price() -> None:
    assert Prices.read().instance_hour.keys() == InstanceType.all().keys()


def test_the_cost_by_hand() -> None:
    prices = Prices.read()
    types = InstanceType.all()
    plan = Planner(STORM, FIGURES, prices, peak=False).plan(
        "cache", "m6i.large", types["m6i.large"], 5
    )
    assert plan.cost.balancer == pytest.approx(1000 * prices.balancer_traffic)
    assert plan.cost.zones == pytest.approx(1000 * 0.5 * 0.02)
    assert plan.cost.hosts == pytest.approx(5 * 0.096 * plan.prediction.seconds / 3600)
    assert plan.cost.hosts_a_month == pytest.approx(5 * 0.096 * 730)
    direct = Planner(STORM, FIGURES, prices, peak=False).plan(
        "redirect", "m6i.large", types["m6i.large"], 5
    )
    assert direct.cost.balancer == direct.cost.zones == 0


def test_bandwidth_is_bits_in_the_table_and_bytes_in_the_model() -> None:
    assert GBPS * 8 == 10**9
    assert Host.of(InstanceType.all()["t3.medium"], peak=True).network == 625e6
