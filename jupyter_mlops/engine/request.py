"""What a run is asked to do, checked before anything is written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.diagnostics import has_errors
from jupyter_mlops.engine.instruments import Instruments
from jupyter_mlops.engine.kernels import Kernel, find_kernel
from jupyter_mlops.engine.origin import origin
from jupyter_mlops.engine.output import check_output
from jupyter_mlops.engine.patience import Patience
from jupyter_mlops.engine.redactor import Redactor, make_redactor
from jupyter_mlops.engine.retries import RetryPolicy
from jupyter_mlops.errors import PipelineError, UsageError
from jupyter_mlops.notebook.model import Notebook, StepSettings
from jupyter_mlops.notebook.names import nearest
from jupyter_mlops.notebook.settings import merge
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.store.configuration import SharedCacheSettings, secret_settings, shared_cache_settings
from jupyter_mlops.store.home import project_root
from jupyter_mlops.store.records import Addressee

__all__ = ["RunRequest", "make_request"]


@dataclass(frozen=True)
class RunRequest:
    """A run that can begin.

    Args:
        parameters: What was passed, all of it declared.
        cwd: Working directory of the steps, absolute.
        root: The project's root, absolute.
        shared: The cache that is shared with other machines, if there is one.
        trigger: What started the run, and ``tags`` what is known of that.
        command: The command line that started it.
        output: Where the executed notebook goes, absolute; None keeps it in the run's folder alone.
        timeout: Seconds for each step that sets none itself.
        instruments: Who observes the steps from within, and says where they run.
        fail_fast: Whether the first failure ends the run.
        addressees: Trackers that are to get the run once it has ended.
        patience: How long kernels and cells may take.
        redactor: Takes secrets out of what is recorded.
    """

    pipeline: Pipeline
    notebook: Notebook
    kernel: Kernel
    parameters: Mapping[str, Any]
    cwd: Path
    root: Path
    workers: int
    output: Path | None = None
    timeout: float | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    trigger: str = "hand"
    instruments: Instruments | None = None
    fail_fast: bool = False
    shared: SharedCacheSettings | None = None
    patience: Patience = field(default_factory=Patience)
    tags: Mapping[str, str] = field(default_factory=dict)
    command: str | None = None
    addressees: tuple[Addressee, ...] = ()
    redactor: Redactor = field(default_factory=Redactor)

    @property
    def project(self) -> Path:
        """Where the notebook is, or the steps run."""
        return self.notebook.path.parent if self.notebook.path else self.cwd

    def folder_of(self, step: Step) -> Path:
        """Return the working directory of a step that is about to begin."""
        return self.cwd if self.instruments is None else self.instruments.folder(step)

    def parameters_of(self, step: Step) -> dict[str, Any]:
        """Return what is injected into a step: passed parameters that it reads; all, if it is the whole notebook."""
        if len(self.pipeline.steps) == 1:
            return dict(self.parameters)
        return {name: self.parameters[name] for name in step.parameters if name in self.parameters}

    def timeout_of(self, step: Step) -> float | None:
        """Return the seconds that a step may take."""
        for seconds in (step.settings.timeout, self.notebook.defaults.timeout):
            if seconds is not None:
                return seconds
        return self.timeout

    def settings_of(self, step: Step) -> StepSettings:
        """Return a step's settings, with the notebook's where it has none of its own."""
        return merge(self.notebook.defaults, step.settings)

    def retries_of(self, step: Step) -> RetryPolicy:
        """Return how often a step may be tried; whoever observes steps wants to see them once."""
        return RetryPolicy() if self.instruments is not None else RetryPolicy.of(self.settings_of(step))

    def environment_of(self, step: Step) -> dict[str, str]:
        """Return the variables that settings give to a step's kernel."""
        return {**self.notebook.defaults.env, **step.settings.env}

    def values(self) -> dict[str, Any]:
        """Return every parameter with the value it runs with."""
        defaults = {parameter.name: parameter.default for parameter in self.pipeline.parameters}
        return {**defaults, **self.parameters}


def make_request(
    pipeline: Pipeline,
    notebook: Notebook,
    *,
    parameters: Mapping[str, Any] | None,
    cwd: Path | None,
    workers: int | None,
    output: Path | None,
    timeout: float | None,
    sources: Mapping[str, str] | None,
    trigger: str | None,
    command: str | None = None,
    instruments: Instruments | None = None,
    fail_fast: bool = False,
    addressees: tuple[Addressee, ...] = (),
    patience: Patience | None = None,
) -> RunRequest:
    """Check what a run is asked to do.

    Raises:
        PipelineError: The notebook has errors.
        UsageError: A parameter is not declared, the kernel is not installed, a path or number makes no sense.
    """
    if has_errors(pipeline.diagnostics):
        raise PipelineError(f"{pipeline.name} is not a valid pipeline.", pipeline.diagnostics)
    given = dict(parameters or {})
    _check_parameters(pipeline, given)
    if workers is not None and workers < 1:
        raise UsageError(f"A run needs at least one worker, not {workers}.")
    if timeout is not None and not timeout > 0:
        raise UsageError(f"A timeout is a positive number of seconds, not {timeout}.")
    folder = cwd or (notebook.path.parent if notebook.path else Path.cwd())
    root = project_root(notebook.path.parent if notebook.path else folder)
    if not folder.is_dir():
        raise UsageError(f"The working directory {folder} does not exist.")
    begun = origin()
    kernel = find_kernel(pipeline.kernel)
    return RunRequest(
        pipeline,
        notebook,
        kernel,
        given,
        folder.resolve(),
        root,
        workers or os.cpu_count() or 1,
        None if output is None else check_output(output, notebook.path),
        timeout,
        dict(sources or {}),
        trigger or begun.trigger,
        instruments,
        fail_fast,
        shared_cache_settings(root),
        patience or Patience(),
        begun.tags,
        command,
        addressees,
        _redactor(pipeline, notebook, given, kernel, root),
    )


def _redactor(pipeline: Pipeline, notebook: Notebook, given: Mapping[str, Any], kernel: Kernel, root: Path) -> Redactor:
    settings = [notebook.defaults, *(step.settings for step in pipeline.steps)]
    return make_redactor(
        [given, {parameter.name: parameter.default for parameter in pipeline.parameters}],
        [*(item.env for item in settings), kernel.env],
        secret_settings(root),
        references=[secret.env for item in settings for secret in item.secrets if secret.env],
    )


def _check_parameters(pipeline: Pipeline, given: Mapping[str, Any]) -> None:
    declared = [parameter.name for parameter in pipeline.parameters]
    for name in given:
        if name in declared:
            continue
        close = nearest(name, declared)
        listed = ", ".join(declared) or "none"
        raise UsageError(
            f"{pipeline.name} has no parameter {name!r}; it has: {listed}.",
            hint=f"Did you mean {close!r}?"
            if close
            else "Parameters are the assignments of the cell tagged `parameters`.",
        )
