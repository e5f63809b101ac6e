"""Rounds of a benchmark that nobody ran."""

from integration.bench.measurements import (
    ListFigures,
    Machine,
    PullFigures,
    PushFigures,
    RangeFigures,
    RequestFigures,
    Results,
    Round,
    Runs,
    S3Figures,
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
    """Return a round in which everything of Wharf's was so much faster than in the others."""
    return Round(
        s3_requests=S3Figures(
            warm_layer_steps=1, cold_layer_requests=3, tag_steps=2, digest_steps=1
        ),
        lists=ListFigures(tags=1, catalog_for_each=0.001),
        storms={"cache": {"40": 100, "400": 120}, "cache_kept": {"40": 50, "400": 55}},
        small_image={"cache": 0.3, "cache_cold": 0.5, "registry_tls": 1.0},
        ranges=RangeFigures(
            ranges_mb_per_s=150,
            whole_mb_per_s=100,
            ranges_s3_bytes=1.0,
            tail_cache_s=0.1,
            tail_proxy_s=0.2,
        ),
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
        proofs=RequestFigures(
            authenticated=930,
            without_authentication=1000,
            during_flood=837,
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
    """Return results of some rounds."""
    return Results(
        started="2026-01-01 00:00 UTC",
        seconds=600,
        machine=Machine(processor="CPU", cores=2, memory_gb=8, kernel="6.1", versions={"wrk": "4"}),
        rounds=list(rounds),
        ratios=ratios(rounds),
        nginx_memory_mb=memory(rounds),
    )


def sample_runs(*rounds: Round) -> Runs:
    """Return results of some rounds with one version of the registry."""
    return Runs({"3.1.1": sample_results(*rounds)})
