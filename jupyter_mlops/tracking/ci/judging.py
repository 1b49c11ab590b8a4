"""Holds a run against its gates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from jupyter_mlops.engine.result import GateResult
from jupyter_mlops.notebook.names import nearest
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import RunRecord, StepRecord
from jupyter_mlops.tracking.ci.gates import Compare, Factor, Gate, Minus, Name, Number
from jupyter_mlops.tracking.formats import measure

__all__ = ["Known", "judge", "known_of"]


@dataclass(frozen=True)
class Known:
    """The numbers that are known of a run.

    Args:
        metrics: Its metrics.
        measures: ``seconds`` and the like of the run, and ``STEP.seconds`` and the like of its steps by name and slug;
            None where something was not measured.
        is_whole: Whether the run succeeded, so that nothing is missing only because it ended early.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    measures: Mapping[str, float | None] = field(default_factory=dict)
    is_whole: bool = True

    def value(self, name: str) -> float | None:
        """Return a number by its name; a metric goes before a measure.

        Raises:
            KeyError: There is nothing of this name.
        """
        return self.metrics[name] if name in self.metrics else self.measures[name]

    @property
    def names(self) -> tuple[str, ...]:
        """All names, metrics first."""
        return (*self.metrics, *self.measures)


def known_of(database: Database, run: RunRecord, steps: Sequence[StepRecord]) -> Known:
    """Gather the numbers of a run; a step that was reused has the measures of the run that it was taken from."""
    originals = [_original(database, step) for step in steps]
    measures: dict[str, float | None] = {
        "seconds": run.seconds,
        "cpu_seconds": _sum(item.cpu_seconds for item in originals),
        "peak_memory": max((item.peak_memory for item in originals if item.peak_memory is not None), default=None),
    }
    for step, original in zip(steps, originals, strict=True):
        values = {
            "seconds": original.seconds,
            "cpu_seconds": original.cpu_seconds,
            "peak_memory": original.peak_memory,
            "attempts": original.attempts or None,
        }
        if step.status in ("skipped", "cancelled", "queued") or original.status == "reused":
            values = dict.fromkeys(values)
        for name in (step.slug, step.name):
            measures |= {f"{name}.{what}": value for what, value in values.items()}
    return Known(run.metrics, measures, is_whole=run.status == "succeeded")


def judge(gate: Gate, run: Known, baseline: Known | None) -> GateResult:
    """Hold a run against a gate.

    Args:
        gate: The condition.
        run: What is known of the run.
        baseline: What is known of the run it is compared with; None if there is none.

    Returns:
        ``failed`` also where the run lacks a number; ``skipped`` where the baseline does.
    """
    judged = _Judge(gate, run, baseline)
    try:
        held = [judged.holds(item) for item in gate.compares]
    except _Undecided as undecided:
        return GateResult(gate.text, "skipped" if undecided.is_gentle else "failed", undecided.reason)
    return GateResult(gate.text, "passed" if all(held) else "failed", judged.numbers())


class _Undecided(Exception):
    """A number is missing, so that nothing can be compared."""

    def __init__(self, reason: str, *, gentle: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_gentle = gentle


class _Judge:
    """Puts numbers for names."""

    def __init__(self, gate: Gate, run: Known, baseline: Known | None) -> None:
        self._gate = gate
        self._run = run
        self._baseline = baseline

    def holds(self, item: Compare) -> bool:
        left, right = self._value(item.left), self._value(item.right)
        return {
            "<": left < right,
            "<=": left <= right,
            ">": left > right,
            ">=": left >= right,
            "==": left == right,
            "!=": left != right,
        }[item.sign]

    def numbers(self) -> str:
        """The numbers behind the names."""
        return ", ".join(f"{self._label(name)} is {self._said(name)}" for name in self._gate.names)

    def _said(self, name: Name) -> str:
        return measure(name.text or self._gate.metric, self._look(name))

    def _label(self, name: Name) -> str:
        if not name.baseline:
            return name.text
        return f"baseline({name.text})" if name.text else "baseline"

    def _value(self, side: Factor) -> float:
        if isinstance(side, Number):
            return side.value
        if isinstance(side, Name):
            return self._look(side)
        if isinstance(side, Minus):
            return -self._value(side.of)
        left, right = self._value(side.left), self._value(side.right)
        if side.sign == "/":
            if right == 0:
                raise _Undecided("it divides by zero", gentle=any(name.baseline for name in self._gate.names))
            return left / right
        return {"+": left + right, "-": left - right, "*": left * right}[side.sign]

    def _look(self, name: Name) -> float:
        text = name.text or self._gate.metric
        known = self._baseline if name.baseline else self._run
        if known is None:
            raise _Undecided("there is no baseline yet", gentle=True)
        try:
            value = known.value(text)
        except KeyError:
            raise self._unknown(text, known, name.baseline) from None
        whose = "of the baseline " if name.baseline else ""
        if value is None:
            raise _Undecided(f"{text} {whose}was not measured", gentle=True)
        if math.isnan(value):
            raise _Undecided(f"{text} {whose}is NaN", gentle=name.baseline)
        return value

    def _unknown(self, text: str, known: Known, baseline: bool) -> _Undecided:
        if baseline:
            return _Undecided(f"the baseline has no {text}", gentle=True)
        if not known.is_whole:
            return _Undecided(f"the run ended before it had {text}", gentle=True)
        near = nearest(text, known.names)
        listed = ", ".join(list(known.metrics)[:8]) or "none"
        hint = f"did you mean {near}?" if near else f"its metrics: {listed}"
        return _Undecided(f"the run has no {text} ({hint})")


def _original(database: Database, step: StepRecord) -> StepRecord:
    """The step run whose results a reused step took, where it is on record; its name and place stay."""
    if step.status != "reused" or step.reused_from is None or database.status(step.reused_from) is None:
        return step
    found = next((item for item in database.steps_of(step.reused_from) if item.cache_key == step.cache_key), None)
    return step if found is None else replace(found, slug=step.slug, name=step.name)


def _sum(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return sum(found) if found else None
