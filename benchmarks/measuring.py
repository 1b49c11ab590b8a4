"""How commands and functions are measured: in turn, several times, by the median."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

__all__ = ["ROOT", "CommandFailed", "Cost", "Effort", "in_turn", "median", "mlops", "run", "workplace"]

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "benchmarks" / "notebooks"
_MEASURED = Path(__file__).with_name("measured.py")
_LONGEST = 300.0

Value = TypeVar("Value")


class CommandFailed(RuntimeError):
    """A command that was to be measured did not do its work."""


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Args:
        tries: How often each thing is measured; ratios are of medians.
        gigabytes: Size of large values.
        runs: How many runs a long history has.
    """

    tries: int = 5
    gigabytes: float = 1.0
    runs: int = 10_000

    @classmethod
    def quick(cls) -> Effort:
        """Enough to see that everything works."""
        return cls(tries=1, gigabytes=0.125, runs=500)


@dataclass(frozen=True)
class Cost:
    """What a command took.

    Args:
        wall: Seconds until it ended.
        cpu: Seconds of processor time, with all processes that it started.
        peak: Bytes of memory of its first process alone, at most.
    """

    wall: float
    cpu: float
    peak: int


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Cost:
    """Run a command and measure it.

    Args:
        env: Environment variables besides this process's.

    Raises:
        CommandFailed: It returned anything but 0, or left processes behind that did not end.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment.update(env or {})
    with tempfile.TemporaryDirectory() as folder:
        result, log = Path(folder) / "result.json", Path(folder) / "log"
        with log.open("wb") as output:
            wrapped = [sys.executable, "-S", str(_MEASURED), str(result), *command]
            code = subprocess.run(
                wrapped, cwd=cwd, env=environment, stdout=output, stderr=output, timeout=_LONGEST, check=False
            ).returncode
        if code:
            end = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise CommandFailed(f"{' '.join(command)} ended with {code}:\n{end}")
        found = json.loads(result.read_text(encoding="utf-8"))
    if not found["complete"]:
        raise CommandFailed(f"{' '.join(command)} left processes behind")
    return Cost(found["wall"], found["cpu"], found["peak"])


def mlops(*arguments: str) -> list[str]:
    """Return the command line of ``jupyter mlops``, of this checkout."""
    return [sys.executable, "-m", "jupyter_mlops.cli", *arguments]


def in_turn(tries: int, tasks: Mapping[str, Callable[[], Value]]) -> dict[str, list[Value]]:
    """Do each of the tasks, then each again, and so on: A B A B, so that other load meets all alike."""
    found: dict[str, list[Value]] = {name: [] for name in tasks}
    for _ in range(tries):
        for name, task in tasks.items():
            found[name].append(task())
    return found


def median(costs: Sequence[Cost]) -> Cost:
    """Return the medians of what was measured."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        int(statistics.median(cost.peak for cost in costs)),
    )


@contextmanager
def workplace() -> Iterator[tuple[Path, dict[str, str]]]:
    """Make an empty folder, and the environment in which a run keeps its store there and uses this checkout."""
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as name:
        folder = Path(name)
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        yield folder, {"JUPYTER_MLOPS_HOME": str(folder / "store"), "PYTHONPATH": os.pathsep.join(paths)}
