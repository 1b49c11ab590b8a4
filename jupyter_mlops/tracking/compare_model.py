"""How runs differ, as frozen values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import Any, Literal

from jupyter_mlops.pipeline.json_form import json_value

__all__ = [
    "SCHEMA",
    "ArtifactCell",
    "ArtifactRow",
    "CellChange",
    "CellStatus",
    "CodeChanges",
    "Comparison",
    "Field",
    "MetricRow",
    "ParameterCell",
    "ParameterRow",
    "RunColumn",
    "StepCell",
    "StepRow",
]

SCHEMA = 1

CellStatus = Literal["changed", "layout", "text", "tags", "added", "removed", "same"]


@dataclass(frozen=True, slots=True)
class RunColumn:
    """A run that is compared.

    Args:
        started: Milliseconds since the epoch, UTC.
    """

    run_id: str
    pipeline: str
    status: str
    started: int
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A fact about each run: notebook, commit, a distribution's version.

    Args:
        values: In the order of the runs; None where there is none.
        differs: Whether not all are equal.
    """

    name: str
    values: tuple[str | None, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class ParameterCell:
    """A parameter's value in one run, and where it came from; secrets are left out."""

    value: Any
    source: str | None = None


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """A parameter in all runs; None where a run has none of this name."""

    name: str
    cells: tuple[ParameterCell | None, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A metric in all runs.

    Args:
        values: None where a run did not report it.
        deltas: Value less the baseline's; None where one of them is missing or not finite.
        percents: The same in per cent of the baseline's size; None where that is zero.
    """

    name: str
    values: tuple[float | None, ...]
    deltas: tuple[float | None, ...]
    percents: tuple[float | None, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class CellChange:
    """A cell of the notebook, in the baseline and in another run.

    Args:
        status: ``changed`` code; ``layout``: comments and layout only; ``text``: a cell that is no code; ``tags``: tags
            or settings only; ``added``; ``removed``; ``same``.
        id: The cell's id, in the baseline where it has one.
        other_id: The id in the other run, where it is another.
        number: Its place on the page, counted from 1, in the baseline; None if it is new.
        other_number: The same in the other run; None if it is gone.
        step: Name of the step it belongs to, where known.
        moved: Whether it stands elsewhere among the cells that both have.
        diff: Unified, without the lines that name files; secrets are left out.
        tags: Tags in the baseline and in the other run, where they differ.
    """

    status: CellStatus
    id: str
    other_id: str | None = None
    number: int | None = None
    other_number: int | None = None
    step: str | None = None
    moved: bool = False
    diff: str = ""
    tags: tuple[tuple[str, ...], tuple[str, ...]] | None = None

    @property
    def differs(self) -> bool:
        """Whether there is anything to tell of it."""
        return self.status != "same" or self.moved or self.other_id is not None


@dataclass(frozen=True, slots=True)
class CodeChanges:
    """The notebook of a run, cell by cell against the baseline's.

    Args:
        known: Whether both runs kept their notebooks.
    """

    run_id: str
    cells: tuple[CellChange, ...]
    known: bool = True

    @property
    def differs(self) -> bool:
        """Whether code differs in more than layout."""
        return any(cell.status in ("changed", "added", "removed", "tags") or cell.moved for cell in self.cells)


@dataclass(frozen=True, slots=True)
class StepCell:
    """How a step went in one run.

    Args:
        computed_in: The run whose results it took, if it was reused.
    """

    status: str
    seconds: float | None = None
    computed_in: str | None = None


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step in all runs; None where a run has no such step."""

    name: str
    slug: str
    cells: tuple[StepCell | None, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class ArtifactCell:
    """An artifact, or a file that was read, in one run.

    Args:
        same: Whether its content is the baseline's; None if one of them has none.
        changes: How its form differs from the baseline's: columns, dtypes, rows.
    """

    digest: str
    bytes: int
    type: str | None = None
    same: bool | None = None
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ArtifactRow:
    """What a step made, or a file that the run read, in all runs.

    Args:
        step: Slug of the step that made it; empty for a file that was read.
    """

    name: str
    step: str
    kind: str
    cells: tuple[ArtifactCell | None, ...]
    differs: bool


_Row = Field | ParameterRow | MetricRow | StepRow | ArtifactRow


@dataclass(frozen=True, slots=True)
class Comparison:
    """How runs differ. The baseline is the first run.

    Args:
        fields: What is told of the runs as a whole: pipeline, status, commit, kernel, user.
        code: For each run but the baseline.
        environment: Python, platform, distributions.
        notes: What could not be compared.
    """

    runs: tuple[RunColumn, ...]
    fields: tuple[Field, ...] = ()
    parameters: tuple[ParameterRow, ...] = ()
    metrics: tuple[MetricRow, ...] = ()
    code: tuple[CodeChanges, ...] = ()
    steps: tuple[StepRow, ...] = ()
    data: tuple[ArtifactRow, ...] = ()
    environment: tuple[Field, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def baseline(self) -> str:
        """Id of the run that the others are compared with."""
        return self.runs[0].run_id

    @property
    def differs(self) -> bool:
        """Whether there is any difference to tell."""
        told: tuple[_Row, ...] = (*self.fields, *self.steps)
        cells = any(cell.differs for code in self.code for cell in code.cells)
        return self.results_differ or cells or any(row.differs for row in told)

    @property
    def results_differ(self) -> bool:
        """Whether more differs than how the runs went: parameters, metrics, code, data or environment."""
        rows: tuple[_Row, ...] = (*self.parameters, *self.metrics, *self.data, *self.environment)
        return any(row.differs for row in rows) or any(code.differs for code in self.code)

    def only_differences(self) -> Comparison:
        """Return the same without what is equal in all runs."""
        return replace(
            self,
            fields=tuple(row for row in self.fields if row.differs),
            parameters=tuple(row for row in self.parameters if row.differs),
            metrics=tuple(row for row in self.metrics if row.differs),
            code=tuple(replace(code, cells=tuple(c for c in code.cells if c.differs)) for code in self.code),
            steps=tuple(row for row in self.steps if row.differs),
            data=tuple(row for row in self.data if row.differs),
            environment=tuple(row for row in self.environment if row.differs),
        )

    def to_json(self, *, everything: bool = False) -> dict[str, Any]:
        """Return the form that ``compare --format json`` prints.

        Args:
            everything: Whether what is equal is in it, too.
        """
        shown = self if everything else self.only_differences()
        return {
            "schema": SCHEMA,
            "baseline": self.baseline,
            "differs": self.differs,
            "results_differ": self.results_differ,
            **{name: json_value(getattr(shown, name)) for name in (item.name for item in dataclasses.fields(self))},
        }
