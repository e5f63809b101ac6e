"""Rounds of a benchmark that nobody ran."""

from integration.bench.results import (
    Machine,
    PullFigures,
    PushFigures,
    RequestFigures,
    Results,
    Round,
    memory,
    ratios,
)

#: MB/s and CPU seconds a GB.
PULLS = {
    "cache": (90.0, 1.0),
    "proxy": (50.0, 3.0),
    "redirect": (300.0, 0.02),
    "nginx_recipe": (40.0, 4.0),
    "registry_tls": (45.0, 2.0),
    "static": (100.0, 0.9),
}


def sample_round(faster: float = 1.0) -> Round:
    """A round in which everything of Wharf's was so much faster than in the others."""
    return Round(
        pull={
            name: PullFigures(
                mb_per_s=rate * (faster if name == "cache" else 1),
                cpu_s_per_gb=cpu,
                cpu_s_per_gb_of={"nginx": cpu, "client": 1.0},
                busy=0.9,
            )
            for name, (rate, cpu) in PULLS.items()
        },
        cold_fetches=[1, 1],
        requests=RequestFigures(
            authenticated=950,
            without_authentication=1000,
            during_flood=855,
            guesses=8,
            flood_slowest_health_ms=40,
            quiet_slowest_health_ms=30,
        ),
        push=PushFigures(
            through_nginx=98,
            direct=100,
            cpu_s_of={"through_nginx": {"nginx": 0.4}, "direct": {"nginx": 0.0}},
        ),
        nginx_memory={
            "cache": {"1": 100.0, "100": 101.0},
            "proxy": {"1": 200.0, "100": 210.0},
        },
    )


def sample_results(*rounds: Round) -> Results:
    """Results of some rounds."""
    return Results(
        started="2026-01-01 00:00 UTC",
        seconds=600,
        machine=Machine(processor="CPU", cores=2, memory_gb=8, kernel="6.1", versions={"wrk": "4"}),
        rounds=list(rounds),
        ratios=ratios(rounds),
        nginx_memory_mb=memory(rounds),
    )
