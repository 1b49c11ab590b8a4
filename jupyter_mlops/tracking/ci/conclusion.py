"""What follows a run: it is held against its gates, and what was asked for is written about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.engine.output import write_whole
from jupyter_mlops.engine.result import RunResult
from jupyter_mlops.errors import MlopsError, UsageError
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home, project_root

if TYPE_CHECKING:
    from jupyter_mlops.tracking.ci.account import Account
    from jupyter_mlops.tracking.ci.baseline import Baseline
    from jupyter_mlops.tracking.ci.gates import Gate
    from jupyter_mlops.tracking.ci.judging import Known

__all__ = ["Wishes", "conclude", "refuse_ambiguous", "wishes_of", "write_account"]


@dataclass(frozen=True)
class Wishes:
    """What is to be done about a run besides running it.

    Args:
        gates: Conditions that it must meet.
        baseline: The run to compare it with: a branch, an id, a tag, ``latest``.
        junit: Where its JUnit report goes.
        markdown: Where its page of Markdown goes.
        summary: A file that its Markdown is appended to.
        report: Where its HTML report goes.
    """

    gates: tuple[Gate, ...] = ()
    baseline: str | None = None
    junit: Path | None = None
    markdown: Path | None = None
    summary: Path | None = None
    report: Path | None = None

    @property
    def are_none(self) -> bool:
        """Whether there is nothing to do."""
        return self == Wishes()


def wishes_of(
    gates: Sequence[str] = (),
    baseline: str | None = None,
    *,
    junit: Path | None = None,
    markdown: Path | None = None,
    summary: Path | None = None,
    report: Path | None = None,
) -> Wishes:
    """Check what is wished for.

    Raises:
        UsageError: A gate has a mistake, or speaks of a baseline where none is given.
    """
    parsed: tuple[Gate, ...] = ()
    if gates:
        from jupyter_mlops.tracking.ci.gates import parse_gate

        parsed = tuple(map(parse_gate, gates))
    if baseline is not None:
        from jupyter_mlops.tracking.ci.baseline import check_baseline

        check_baseline(baseline)
    needing = next((gate for gate in parsed if gate.needs_baseline), None)
    if needing is not None and baseline is None:
        raise UsageError(
            f"The gate {needing.text!r} compares with a baseline, and none is given.",
            hint="Say which run that is, such as: --baseline main",
        )
    return Wishes(parsed, baseline, junit, markdown, summary, report)


def refuse_ambiguous(wishes: Wishes, home: Home) -> None:
    """Refuse a baseline that could be more than one run, before anything is run.

    Raises:
        UsageError: It could.
    """
    if wishes.baseline in (None, "latest") or not home.database.is_file():
        return
    with Database(home.database) as database:
        matching = database.runs_called(wishes.baseline)
    if len(matching) > 1 and wishes.baseline not in matching:
        some = ", ".join(matching[:5])
        raise UsageError(
            f"The baseline {wishes.baseline!r} could be more than one run: {some}.", hint="Give more of the id."
        )


def conclude(result: RunResult, wishes: Wishes, home: Home, pipeline: Pipeline, source: Notebook) -> RunResult:
    """Do what is wished for about a run that has ended; what can't be written is a problem in the result.

    Args:
        result: How the run ended.

    Returns:
        The result with gates, baseline and problems.
    """
    if wishes.are_none:
        return result
    from jupyter_mlops.tracking.ci.account import account_of
    from jupyter_mlops.tracking.ci.judging import known_of

    with Database(home.database) as database:
        record, steps = database.run(result.run_id), database.steps_of(result.run_id)
        known = known_of(database, record, steps)
        baseline = _baseline(database, wishes, result, pipeline)
        result = _judged(database, result, wishes, known, baseline)
        account = account_of(result, pipeline, source, record, measures=known.measures, baseline=baseline)
        problems = list(write_account(account, wishes))
        if wishes.report is not None:
            from jupyter_mlops.tracking.report import write_report

            target = wishes.report
            problems += _tried(lambda: write_report(database, home, result.run_id, target, pipeline=pipeline))
    notes = result.notes
    if baseline is not None and baseline.run is None:
        notes = (*notes, f"There is no baseline: {baseline.how}.")
    return replace(result, notes=notes, problems=(*result.problems, *problems))


def write_account(account: Account, wishes: Wishes) -> Iterator[str]:
    """Write the files for continuous integration; yield why one could not be written."""
    if wishes.junit is not None:
        from jupyter_mlops.tracking.ci.junit import junit

        target = wishes.junit
        yield from _tried(lambda: write_whole(target, junit(account)))
    if wishes.markdown is not None:
        from jupyter_mlops.tracking.ci.markdown import markdown

        page = wishes.markdown
        yield from _tried(lambda: write_whole(page, markdown(account)))
    if wishes.summary is not None:
        summary = wishes.summary
        yield from _tried(lambda: _append(account, summary))


def _append(account: Account, path: Path) -> None:
    from jupyter_mlops.tracking.ci.markdown import markdown

    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(markdown(account) + "\n")


def _tried(write: Callable[[], object]) -> Iterator[str]:
    try:
        write()
    except MlopsError as error:
        yield error.message
    except OSError as error:
        yield f"{error.filename or 'A file'} can't be written: {error.strerror or error}."
    except Exception as error:  # a defect in a report must not lose the run's result
        yield f"A file about the run can't be written: {type(error).__name__}: {error}."


def _baseline(database: Database, wishes: Wishes, result: RunResult, pipeline: Pipeline) -> Baseline | None:
    if wishes.baseline is None:
        return None
    from jupyter_mlops.tracking.ci.baseline import Baseline, find_baseline

    place = pipeline.notebook.parent if pipeline.notebook is not None else Path.cwd()
    try:
        return find_baseline(database, project_root(place), database.run(result.run_id), wishes.baseline)
    except UsageError as error:  # it became ambiguous while this run ran
        return Baseline(None, wishes.baseline, error.message.rstrip("."))


def _judged(
    database: Database, result: RunResult, wishes: Wishes, known: Known, baseline: Baseline | None
) -> RunResult:
    """Hold the run against its gates, and keep what comes of it."""
    from jupyter_mlops.tracking.ci.baseline import GATES
    from jupyter_mlops.tracking.ci.judging import judge, known_of

    other = None
    if baseline is not None and baseline.run is not None:
        other = known_of(database, baseline.run, database.steps_of(baseline.run.run_id))
    gates = tuple(judge(gate, known, other) for gate in wishes.gates)
    if gates and not database.read_only:
        failed = any(gate.verdict == "failed" for gate in gates)
        kept = {
            "baseline": None if baseline is None or baseline.run is None else baseline.run.run_id,
            "gates": [{"gate": gate.gate, "verdict": gate.verdict, "reason": gate.reason} for gate in gates],
        }
        with database.transaction():
            database.set_tag(result.run_id, GATES, "failed" if failed else "passed")
            database.record_document(result.run_id, "gates", json.dumps(kept, ensure_ascii=False))
    run_id = None if baseline is None or baseline.run is None else baseline.run.run_id
    return replace(result, gates=gates, baseline=run_id)
