"""The runs that were kept, a JSON file each."""

from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from integration.load.run_results import Run
from integration.local.errors import LocalCloudError


def keep(run: Run, directory: Path) -> Path:
    """Keep a run; return its file."""
    directory.mkdir(parents=True, exist_ok=True)
    moment = datetime.fromtimestamp(run.started, UTC).strftime("%Y%m%dT%H%M%S.%f")
    file = directory / f"{moment}-{run.workload}.json"
    file.write_text(run.model_dump_json())
    return file


def kept(directory: Path) -> list[Run]:
    """Return the runs of a directory, the oldest first.

    Raises:
        LocalCloudError: a file is none of ours.
    """
    found = []
    for file in sorted(directory.glob("*.json")):
        try:
            found.append(Run.model_validate_json(file.read_text()))
        except ValidationError:
            raise LocalCloudError(
                f"{file}: not a run of this version; move it out of the history"
            ) from None
    return sorted(found, key=lambda run: run.started)
