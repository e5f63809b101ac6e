import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed
from wharf_proxy import workers
from wharf_proxy.workers import GENERATIONS, OLD, end_oldest, settings

GIB = 1 << 30


@pytest.mark.parametrize(
    ("memory", "processors", "connections"),
    [
        (4 * GIB, 2, 7669),
        (GIB // 2, 2, 958),
        (64 * GIB, 2, workers.MAXIMUM),
        (64 * GIB, 32, 7669),
    ],
)
def test_connections_take_a_quarter_of_the_memory(
    memory: int, processors: int, connections: int
) -> None:
    assert settings(memory, processors) == f"worker_connections {connections};\n"


@pytest.mark.parametrize(("limit", "connections"), [("419430400", 1497), ("max", None)])
def test_the_limit_of_the_container_counts(
    limit: str, connections: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "LIMITS", ())
    unlimited = settings(workers=1)
    file = tmp_path / "memory.max"
    file.write_text(f"{limit}\n")
    monkeypatch.setattr(workers, "LIMITS", (tmp_path / "of another version", file))
    wanted = f"worker_connections {connections};\n" if connections else unlimited
    assert settings(workers=1) == wanted


@pytest.fixture
def master() -> Iterator[psutil.Process]:
    """Start a process with six old workers, a new worker, and another child."""
    titles = [OLD.decode()] * 6 + ["nginx: worker process", "nginx: cache manager process"]
    children = "".join(f'(exec -a "{title}" sleep 60) & ' for title in titles)
    with subprocess.Popen(["bash", "-c", f"{children} wait"]) as process:
        master = psutil.Process(process.pid)
        yield master
        for child in master.children():
            child.kill()


def titled(master: psutil.Process) -> list[psutil.Process]:
    """Return the children if each has its title, else none."""
    found = [child for child in master.children() if child.cmdline()[0].startswith("nginx")]
    return found if len(found) == 8 else []


@pytest.mark.parametrize(("processors", "ended"), [(1, 3), (2, 0)])
def test_oldest_workers_end_before_a_reload(
    master: psutil.Process, processors: int, ended: int
) -> None:
    waiting = Retrying(
        stop=stop_after_delay(60),
        wait=wait_fixed(0.05),
        retry=retry_if_result(lambda done: not done),
    )
    children = waiting(titled, master)
    assert GENERATIONS == 4
    end_oldest(master.pid, processors)
    gone, _ = psutil.wait_procs(children[:ended], timeout=10)
    assert len(gone) == ended, "the oldest workers live on"
    assert [child.pid for child in master.children()] == [child.pid for child in children[ended:]]
