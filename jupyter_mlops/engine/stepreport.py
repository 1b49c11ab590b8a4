"""What came of a step that has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jupyter_mlops.engine.collecting import Collected
from jupyter_mlops.engine.logged import Logged
from jupyter_mlops.engine.redactor import Redactor
from jupyter_mlops.engine.result import StepFailure
from jupyter_mlops.runtime.secret_names import REDACTED
from jupyter_mlops.store.records import ArtifactRecord

__all__ = ["StepReport", "redacted_logged", "redacted_report"]


@dataclass(frozen=True)
class StepReport:
    """What came of it.

    Args:
        notebook: The executed step notebook, as far as it got.
        exited: Whether its code ended the notebook with ``sys.exit()``.
        files: The project's files that it read.
        complete: Whether all that it left behind is in the store, so that it can be reused.
        logged: What its code logged, also if it failed later.
        figures: What its cells showed.
    """

    notebook: Mapping[str, Any] | None = None
    collected: Collected = field(default_factory=Collected)
    failure: StepFailure | None = None
    exited: bool = False
    files: tuple[ArtifactRecord, ...] = ()
    complete: bool = False
    logged: Logged = field(default_factory=Logged)
    figures: tuple[ArtifactRecord, ...] = ()

    @property
    def outputs(self) -> tuple[ArtifactRecord, ...]:
        """All artifacts that it made."""
        return (*self.collected.outputs, *self.logged.artifacts, *self.figures)


def redacted_report(report: StepReport, redactor: Redactor) -> StepReport:
    """Take secrets out of what is recorded of a step besides its notebook; artifacts themselves stay as they are."""
    if not redactor.active:
        return report
    collected, failure = report.collected, report.failure
    return replace(
        report,
        collected=replace(
            collected,
            outputs=_records(collected.outputs, redactor),
            notes=tuple(map(redactor.text, collected.notes)),
        ),
        failure=None if failure is None else _failure(failure, redactor),
        logged=redacted_logged(report.logged, redactor),
        figures=_records(report.figures, redactor),
    )


def redacted_logged(logged: Logged, redactor: Redactor) -> Logged:
    """Take secrets out of what a step has logged."""
    return replace(
        logged,
        params=redactor.parameters(logged.params),
        tags={name: redactor.text(str(value)) for name, value in redactor.parameters(logged.tags).items()},
        artifacts=_records(logged.artifacts, redactor),
    )


def _failure(failure: StepFailure, redactor: Redactor) -> StepFailure:
    return replace(
        failure,
        evalue=redactor.text(failure.evalue),
        traceback=redactor.text(failure.traceback),
        hint=None if failure.hint is None else redactor.text(failure.hint),
    )


def _records(records: tuple[ArtifactRecord, ...], redactor: Redactor) -> tuple[ArtifactRecord, ...]:
    return tuple(_record(record, redactor) for record in records)


def _record(record: ArtifactRecord, redactor: Redactor) -> ArtifactRecord:
    members = {name: _about(name, about, redactor) for name, about in record.members.items()}
    preview = record.preview
    if preview is not None:
        named = any(redactor.is_secret(name) for name in record.names)
        preview = REDACTED if named and record.kind == "value" else redactor.cut(preview)
    return replace(record, preview=preview, schema=redactor.tree(record.schema), members=members)


def _about(name: str, about: Any, redactor: Redactor) -> Any:
    """What is told of one variable."""
    found = redactor.tree(about)
    if isinstance(about, Mapping) and isinstance(about.get("preview"), str):
        found["preview"] = REDACTED if redactor.is_secret(name) else redactor.cut(about["preview"])
    return found
