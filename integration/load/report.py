"""The report: one page of HTML that needs nothing else."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from matplotlib.figure import Figure

from integration.console.plots import svg
from integration.console.templates import templates
from integration.load import report_plots as plots
from integration.load.costs import costs
from integration.load.run_results import Run
from integration.load.verdict import Judgement
from scripts.capacity.figures import Prices

_TEMPLATES = templates("integration.load")


def page(run: Run, past: Sequence[Run], judgements: Sequence[Judgement], prices: Prices) -> str:
    """Return the page of a run, with the runs before it."""
    same = [earlier for earlier in past if earlier.kind == run.kind]
    bill = costs(run, prices)
    return _TEMPLATES.get_template("report.html.j2").render(
        run=run,
        started=datetime.fromtimestamp(run.started, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        judgements=judgements,
        failed=[judgement for judgement in judgements if not judgement.holds],
        costs=bill,
        dollars=sum(cost.dollars for cost in bill),
        plots={title: svg(figure) for title, figure in figures(run, [*same, run]).items()},
    )


def figures(run: Run, same: Sequence[Run]) -> dict[str, Figure]:
    """Return the plots for which there is something to show, by title."""
    found = {}
    if run.moments:
        found["Second by second"] = plots.over_time(run)
    if run.operations:
        found["How long pulls and pushes took"] = plots.distribution(run)
    if run.samples:
        found["What each host sent"] = plots.shares(run)
    if any(sample.memory_bytes for sample in run.samples):
        found["What the hosts used"] = plots.resources(run)
    if run.s3_requests:
        found["Requests to S3"] = plots.s3(run)
    if len(same) > 1:
        found["Beside the runs before"] = plots.history(same)
    return found


def write(text: str, file: Path) -> None:
    """Write a page."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
