"""Runs a pipeline on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from threading import Event as StopEvent
from typing import Any

from jupyter_mlops.engine.abandoned import settle_abandoned
from jupyter_mlops.engine.events import Reporter
from jupyter_mlops.engine.instruments import Instruments
from jupyter_mlops.engine.patience import Patience
from jupyter_mlops.engine.planning import RunPlan, check_needed, plan_run
from jupyter_mlops.engine.request import make_request
from jupyter_mlops.engine.result import RunResult
from jupyter_mlops.engine.run import Run
from jupyter_mlops.engine.selection import Selection
from jupyter_mlops.engine.warm.pool import KernelPool
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home, ensure_home
from jupyter_mlops.store.records import Addressee

__all__ = ["plan_pipeline", "run_pipeline"]


def run_pipeline(
    pipeline: Pipeline,
    notebook: Notebook,
    *,
    home: Path,
    parameters: Mapping[str, Any] | None = None,
    cwd: Path | None = None,
    workers: int | None = None,
    output: Path | None = None,
    reporter: Reporter | None = None,
    timeout: float | None = None,
    parameter_sources: Mapping[str, str] | None = None,
    trigger: str | None = None,
    command: str | None = None,
    stop: StopEvent | None = None,
    instruments: Instruments | None = None,
    selection: Selection | None = None,
    warm: bool = True,
    kernels: KernelPool | None = None,
    fail_fast: bool = False,
    addressees: tuple[Addressee, ...] = (),
    patience: Patience | None = None,
) -> RunResult:
    """Run every step of a pipeline in a kernel of its own, in parallel where the graph allows.

    A failing step stops its dependants only. Ctrl-C, SIGTERM and SIGHUP end the run within seconds; what has
    finished is recorded.

    Args:
        pipeline: What to run.
        notebook: The notebook it was made of.
        home: Folder of the store; made where it is missing.
        parameters: Values for declared parameters, of their types.
        cwd: Working directory of the steps; the notebook's folder by default.
        workers: How many steps may run at once; as many as there are cores by default.
        output: Where to write the executed notebook besides the run's folder; written also when a step fails.
        reporter: Told what happens, in the calling thread.
        timeout: Seconds for each step that sets none itself.
        parameter_sources: Where each passed value comes from, for the record.
        trigger: What started the run, for the record; None finds out.
        command: The command line that started it, for the record.
        stop: Ends the run when it is set, for callers outside the main thread.
        instruments: Who observes the steps from within, and says where they run; nothing is reused then.
        selection: Which steps run whatever could be reused; by default those that have to.
        warm: Whether kernels may be forked from a process that has imported heavy modules already, where that is safe.
        kernels: Where such processes are kept from run to run; by default they end with the run.
        fail_fast: Whether the first failure ends the run.
        addressees: Trackers that are to get the run once it has ended.
        patience: How long kernels and cells may take.

    Returns:
        How it ended. Failures of steps are in the result, not raised.

    Raises:
        PipelineError: The notebook has errors; nothing was run or written.
        UsageError: A parameter, path, number or the kernel makes no sense, or a step that was to run alone needs
            others; nothing was run or written.
        InfrastructureError: The store can't be used.
    """
    selection = selection or Selection()
    request = make_request(
        pipeline,
        notebook,
        parameters=parameters,
        cwd=cwd,
        workers=workers,
        output=output,
        timeout=timeout,
        sources=parameter_sources,
        trigger=trigger,
        command=command,
        instruments=instruments,
        fail_fast=fail_fast,
        addressees=addressees,
        patience=patience,
    )
    if selection.needed:
        check_needed(plan_run(request, home, selection), selection)
    folders = ensure_home(home)
    with Database(folders.database) as database, _pool(kernels) if warm else nullcontext() as pool:
        settle_abandoned(database, folders)
        request = replace(request, redactor=replace(request.redactor, key=folders.fingerprint_key()))
        return Run(request, folders, database, reporter, stop, selection, pool).execute()


def _pool(given: KernelPool | None) -> AbstractContextManager[KernelPool]:
    return KernelPool() if given is None else nullcontext(given)


def plan_pipeline(
    pipeline: Pipeline,
    notebook: Notebook,
    *,
    home: Path,
    parameters: Mapping[str, Any] | None = None,
    cwd: Path | None = None,
    selection: Selection | None = None,
) -> RunPlan:
    """Find out what ``run_pipeline`` would do; nothing is run or written. Arguments and errors are the same."""
    request = make_request(
        pipeline,
        notebook,
        parameters=parameters,
        cwd=cwd,
        workers=None,
        output=None,
        timeout=None,
        sources=None,
        trigger="hand",
    )
    key = Home(home.resolve()).fingerprint_key(make=False)
    request = replace(request, redactor=replace(request.redactor, key=key))
    selection = selection or Selection()
    plan = plan_run(request, home, selection)
    check_needed(plan, selection)
    return plan
