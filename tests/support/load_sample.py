"""Runs of a workload that nobody ran."""

from integration.load.run_results import Event, Figures, HostSample, Moment, Run

STARTED = 1_795_000_000.0


def sample_figures(ms: float, count: int = 100, failed: int = 0) -> Figures:
    """Return operations that all took about the same."""
    return Figures(
        count=count,
        failed=failed,
        p50_ms=ms,
        p95_ms=2 * ms,
        p99_ms=3 * ms,
        slowest_ms=4 * ms,
        bytes=count * 10_000_000,
        distribution={round(ms): count - 10, round(2 * ms): 8, round(3 * ms): 2},
    )


def sample_run(
    workload: str = "mixed",
    *,
    slower: float = 1.0,
    failed: int = 0,
    started: float = STARTED,
    memory: tuple[int, ...] = (),
    broken: list[str] | None = None,
) -> Run:
    """Return a minute in which everything took so much longer than it should; a host was killed."""
    figures = {
        "PULL image": sample_figures(500 * slower, failed=failed),
        "PUSH image": sample_figures(900 * slower, count=30),
        "GET layer": sample_figures(200 * slower),
        "PATCH layer": sample_figures(300 * slower, count=30),
    }
    return Run(
        started=started,
        workload=workload,
        target="local",
        users=20,
        scale=0.02,
        images=20,
        workers=0,
        remote_workers=0,
        hosts=2,
        wanted_seconds=60,
        kill_host=20,
        scale_out=None,
        seconds=60 * slower,
        figures=figures,
        moments=[
            Moment(
                time=started + second,
                users=20,
                operations_per_s=2 + second % 3,
                failures_per_s=0,
                mb_per_s=20 + 5 * (second % 4),
                p50_ms=500 * slower,
                p95_ms=None if second == 0 else 1000 * slower,
            )
            for second in range(60)
        ],
        events=[Event(time=started + 20, description="i-1 killed")],
        samples=[
            HostSample(
                time=started + 5 * number,
                host=host,
                sent_bytes=1e8 * (number + 1),
                requests=100 * number,
                memory_bytes=memory[number] if memory else 200_000_000,
                open_files=100,
                disk_bytes=50_000_000,
            )
            for number in range(len(memory) or 8)
            for host in ("i-1", "i-2")
        ],
        s3_requests={"GET": 2000, "HEAD": 10, "PUT": 300, "POST": 100, "LIST": 900, "DELETE": 50},
        broken=broken or [],
    )
