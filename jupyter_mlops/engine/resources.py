"""What this machine has, what steps ask of it, and which step may begin beside those that run."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlops.notebook.model import StepSettings

__all__ = ["Demand", "Machine", "Room", "demand_of", "this_machine"]

_UNITS = {unit: 1000 ** (place + 1) for place, unit in enumerate("kMGTPE")} | {
    f"{unit}i": 1024 ** (place + 1) for place, unit in enumerate("KMGTPE")
}
_QUANTITY = re.compile(r"([0-9.]+)([kMGTPE]|[KMGTPE]i)?")
_CGROUP_MEMORY = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_EXACT = 1e-9


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to share out.

    Args:
        cores: Processors.
        memory: Bytes.
    """

    cores: float
    memory: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What a step declares that it needs; 0 where it declares nothing.

    Args:
        cores: Processors.
        memory: Bytes.
    """

    cores: float = 0.0
    memory: int = 0

    def excess(self, machine: Machine) -> str | None:
        """Say what the step asks for beyond what the machine has; None if it has enough."""
        wanted = []
        if self.cores > machine.cores + _EXACT:
            wanted.append(f"{self.cores:g} cores of {machine.cores:g}")
        if self.memory > machine.memory:
            wanted.append(f"{_size(self.memory)} of memory of {_size(machine.memory)}")
        return None if not wanted else f"it asks for {' and '.join(wanted)} that this machine has, so it ran alone"


@dataclass(frozen=True, slots=True)
class Room:
    """Who may run at the same time.

    Args:
        machine: What there is.
        workers: How many steps may run at once.
        demands: What each step needs, by slug.
    """

    machine: Machine
    workers: int
    demands: Mapping[str, Demand]

    def has_room(self, slug: str, running: Iterable[str]) -> bool:
        """Tell whether a step may begin beside those that run.

        A step that declares no cores counts as a worker's share: one core, or less if there are more workers than
        cores. A step that needs more than the machine has runs alone.
        """
        beside = list(running)
        if not beside:
            return True
        if len(beside) >= self.workers:
            return False
        everyone = [*beside, slug]
        if any(self.excess(name) is not None for name in everyone):
            return False
        cores = sum(self._cores(name) for name in everyone)
        memory = sum(self.demands[name].memory for name in everyone)
        return cores <= self.machine.cores + _EXACT and memory <= self.machine.memory

    def next(self, ready: Sequence[str], running: Iterable[str]) -> str | None:
        """Return the first of the ready steps that may begin."""
        beside = list(running)
        return next((slug for slug in ready if self.has_room(slug, beside)), None)

    def excess(self, slug: str) -> str | None:
        """Say why a step has to run alone; None if it does not."""
        return self.demands[slug].excess(self.machine)

    def _cores(self, slug: str) -> float:
        return self.demands[slug].cores or min(1.0, self.machine.cores / self.workers)


def demand_of(settings: StepSettings) -> Demand:
    """Read what a step's settings declare."""
    return Demand(_cores(settings.cpu), _bytes(settings.memory))


def this_machine() -> Machine:
    """Find out what this process may use: the machine's cores and memory, or its container's share of them."""
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = int(psutil.virtual_memory().total)
    for limit in _CGROUP_MEMORY:
        with contextlib.suppress(OSError, ValueError):
            memory = min(memory, int(limit.read_text()))
    return Machine(cores, memory)


def _cores(text: str | None) -> float:
    if text is None:
        return 0.0
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)


def _bytes(text: str | None) -> int:
    if text is None:
        return 0
    match = _QUANTITY.fullmatch(text)
    if match is None:  # 1e9
        return int(float(text))
    return int(float(match[1]) * _UNITS.get(match[2] or "", 1))


def _size(number: int) -> str:
    for unit in ("Gi", "Mi", "Ki"):
        if number >= _UNITS[unit]:
            return f"{number / _UNITS[unit]:.3g} {unit}B"
    return f"{number} B"
