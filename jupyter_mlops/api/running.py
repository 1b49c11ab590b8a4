"""Running notebooks as pipelines, and what goes with it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.api.ci import check_wishes
from jupyter_mlops.api.notebooks import PathLike, pipeline, source_of
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline

if TYPE_CHECKING:
    from jupyter_mlops.engine.cleaning import Cleaned
    from jupyter_mlops.engine.doctor import Check
    from jupyter_mlops.engine.events import Reporter
    from jupyter_mlops.engine.planning import RunPlan
    from jupyter_mlops.engine.result import RunResult
    from jupyter_mlops.engine.warm.pool import KernelPool
    from jupyter_mlops.verify.model import Verification

__all__ = ["doctor", "dry_run", "gc", "run", "verify"]


def run(
    notebook: PathLike | Notebook,
    parameters: Mapping[str, Any] | None = None,
    *,
    output: PathLike | None = None,
    workers: int | None = None,
    cwd: PathLike | None = None,
    home: PathLike | None = None,
    reporter: Reporter | None = None,
    report: PathLike | None = None,
    junit: PathLike | None = None,
    markdown: PathLike | None = None,
    summary: PathLike | None = None,
    gates: Sequence[str] = (),
    baseline: str | None = None,
    timeout: float | None = None,
    start_timeout: float | None = None,
    execution_timeout: float | None = None,
    no_cache: bool = False,
    force: Sequence[str] = (),
    start: str | None = None,
    only: str | None = None,
    warm: bool = True,
    kernels: KernelPool | None = None,
    fail_fast: bool = False,
    sliced: Pipeline | None = None,
    sources: Mapping[str, str] | None = None,
    trigger: str | None = None,
    command: str | None = None,
) -> RunResult:
    """Run a notebook as a pipeline on this machine.

    Args:
        notebook: A file, or a notebook that was read before; the file is never written.
        parameters: Values for declared parameters.
        output: Where to write the whole executed notebook.
        workers: How many steps may run at once; as many as there are cores by default.
        cwd: Working directory of the steps; the notebook's folder by default.
        home: Folder of the store; ``.mlops`` at the project's root by default.
        reporter: Told what happens while it runs.
        report: Where to write the run's HTML report.
        junit: Where to write its JUnit report.
        markdown: Where to write a page of Markdown about it, such as a pull request's comment.
        summary: A file to append that page to.
        gates: Conditions that it must meet, such as ``accuracy >= 0.95``; a failed one is in the result, not raised.
        baseline: The run to compare it with: a branch, a run's id, a tag, or ``latest``.
        timeout: Seconds for each step that sets none itself.
        start_timeout: Seconds for each kernel to start; 120 by default.
        execution_timeout: Seconds for each cell.
        no_cache: Run all steps, whatever could be reused.
        force: Names of steps to run in any case.
        start: Name of a step to run in any case, with all that depend on it.
        only: Name of the one step to run; those before it must be reusable, all others are left out.
        warm: Whether kernels may be forked from a process that has imported heavy modules already, where that is safe.
        kernels: Keeps such processes from run to run; by default they end with the run.
        fail_fast: Whether the first failure ends the run.
        sliced: What ``pipeline`` returned for this notebook, if it was called before.
        sources: Where each of ``parameters`` comes from, for the record.
        trigger: What started the run, for the record; by default ``ci`` where a CI service runs it, else ``hand``.
        command: The command line that started it, for the record.

    Returns:
        How it ended; a failure of the user's code is in the result, not raised, and so is a file about the run that
        could not be written.

    Raises:
        PipelineError: The notebook has errors; nothing was run or written.
        UsageError: A parameter, path, gate or number makes no sense; nothing was run or written.
        InfrastructureError: The store can't be used.
    """
    from jupyter_mlops.engine.patience import Patience
    from jupyter_mlops.engine.runner import run_pipeline
    from jupyter_mlops.engine.selection import select
    from jupyter_mlops.pipeline.parameters import resolve
    from jupyter_mlops.store.home import Home, ensure_home, find_home
    from jupyter_mlops.tracking.ci.conclusion import conclude, refuse_ambiguous
    from jupyter_mlops.tracking.handover import hand_over
    from jupyter_mlops.tracking.trackers import addressees

    wishes = check_wishes(gates, baseline, junit=junit, markdown=markdown, summary=summary, report=report)
    source = source_of(notebook)
    sliced = sliced or pipeline(source)
    place = source.path.parent if source.path is not None else Path.cwd()
    folder = Path(home) if home is not None else find_home(place)
    if wishes.baseline is not None:
        refuse_ambiguous(wishes, Home(folder))
    result = run_pipeline(
        sliced,
        source,
        home=folder,
        parameters=resolve(sliced, parameters or {}),
        cwd=Path(cwd) if cwd is not None else None,
        workers=workers,
        output=Path(output) if output is not None else None,
        reporter=reporter,
        timeout=timeout,
        selection=select(sliced, no_cache=no_cache, force=force, start=start, only=only),
        warm=warm,
        kernels=kernels,
        fail_fast=fail_fast,
        patience=Patience(start_timeout, execution_timeout),
        parameter_sources=sources,
        trigger=trigger,
        command=command,
        addressees=addressees(os.environ, Path(cwd) if cwd is not None else place),
    )
    concluded = conclude(result, wishes, ensure_home(folder), sliced, source)
    return hand_over(concluded, folder, os.environ)


def dry_run(
    notebook: PathLike | Notebook,
    parameters: Mapping[str, Any] | None = None,
    *,
    cwd: PathLike | None = None,
    home: PathLike | None = None,
    no_cache: bool = False,
    force: Sequence[str] = (),
    start: str | None = None,
    only: str | None = None,
) -> RunPlan:
    """Find out which steps ``run`` would run, which it would reuse, and why; nothing is run or written.

    Args:
        notebook: A file, or a notebook that was read before; the other arguments are those of ``run``.

    Raises:
        PipelineError: The notebook has errors.
        UsageError: A parameter, step or path makes no sense, or a step that was to run alone needs others.
        InfrastructureError: The store can't be read.
    """
    from jupyter_mlops.engine.runner import plan_pipeline
    from jupyter_mlops.engine.selection import select
    from jupyter_mlops.pipeline.parameters import resolve
    from jupyter_mlops.store.home import find_home

    source = source_of(notebook)
    sliced = pipeline(source)
    place = source.path.parent if source.path is not None else Path.cwd()
    return plan_pipeline(
        sliced,
        source,
        home=Path(home) if home is not None else find_home(place),
        parameters=resolve(sliced, parameters or {}),
        cwd=Path(cwd) if cwd is not None else None,
        selection=select(sliced, no_cache=no_cache, force=force, start=start, only=only),
    )


def verify(
    notebook: PathLike | Notebook,
    parameters: Mapping[str, Any] | None = None,
    *,
    timeout: float | None = None,
    reporter: Reporter | None = None,
) -> Verification:
    """Find out whether a notebook's pipeline computes what the notebook computes when it runs whole.

    Everything runs in copies of the project; neither the project nor the store is written.

    Args:
        notebook: A file, or a notebook that was read before.
        parameters: Values for declared parameters.
        timeout: Seconds for each run of the whole notebook, and for each step that sets none itself.
        reporter: Told what happens while it runs.

    Returns:
        What differs, where, and why; a failure of the notebook itself is in the result, not raised.

    Raises:
        PipelineError: The notebook has errors; nothing was run.
        UsageError: A parameter or the kernel makes no sense, or the project is too large to copy.
        InfrastructureError: A kernel died, or the disk is full.
    """
    from jupyter_mlops.pipeline.parameters import resolve
    from jupyter_mlops.verify.runner import verify_notebook

    source = source_of(notebook)
    sliced = pipeline(source)
    values = resolve(sliced, parameters or {})
    return verify_notebook(sliced, source, parameters=values, timeout=timeout, reporter=reporter)


def gc(
    *,
    home: PathLike | None = None,
    dry_run: bool = False,
    keep_runs: int | None = None,
    older_than: str | float | None = None,
    grace: float | None = None,
) -> Cleaned:
    """Remove from a store what nothing refers to; what a run in progress needs is never touched.

    Args:
        home: Folder of the store; ``.mlops`` at the project's root by default.
        dry_run: Only find out what would be removed.
        keep_runs: Forget all runs but this many of each pipeline, the newest.
        older_than: Forget runs that are older: seconds, or a text such as ``30d``. With both, only runs that neither
            keeps are forgotten. Runs with tags, notes or registered models always stay, and so does each pipeline's
            newest that succeeded.
        grace: Seconds for which young objects without a run are spared; ten minutes by default.

    Returns:
        What was removed, by kind.

    Raises:
        UsageError: There is no store, it may only be read, or a number makes no sense.
        InfrastructureError: The store can't be used.
    """
    from jupyter_mlops.engine.cleaning import GRACE, clean
    from jupyter_mlops.engine.retention import Retention, duration
    from jupyter_mlops.errors import UsageError
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import Home, find_home

    if keep_runs is not None and keep_runs < 0:
        raise UsageError(f"A number of runs to keep can't be {keep_runs}.")
    folders = Home(Path(home).resolve() if home is not None else find_home(Path.cwd()))
    if not folders.database.is_file():
        raise UsageError(f"There is no store at {folders.root}.", hint="The first run makes one.")
    seconds = duration(older_than) if isinstance(older_than, str) else older_than
    with Database(folders.database) as database:
        if database.read_only and not dry_run:
            raise UsageError(f"The store {folders.root} may only be read.", hint="Use --dry-run to look at it.")
        wanted = Retention(keep_runs, seconds)
        return clean(database, folders, wanted, dry_run=dry_run, grace=GRACE if grace is None else grace)


def doctor() -> list[Check]:
    """Look at what works on this machine: interpreter, kernels, containers, disk, store."""
    from jupyter_mlops.engine.doctor import examine

    return examine()
