"""From a step that may begin to the job that a thread of its own carries out."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jupyter_mlops.engine.context import step_context
from jupyter_mlops.engine.events import Event
from jupyter_mlops.engine.execution import StepJob
from jupyter_mlops.engine.filestate import FileSnapshot
from jupyter_mlops.engine.kernels import kernel_environment
from jupyter_mlops.engine.mlflow_steps import MlflowCalls
from jupyter_mlops.engine.preparation import Prepared
from jupyter_mlops.engine.request import RunRequest
from jupyter_mlops.engine.session import Launch, StepSession
from jupyter_mlops.engine.warm.source import WarmKernels
from jupyter_mlops.pipeline.model import Step
from jupyter_mlops.store.locks import RunLock
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import ArtifactRecord

__all__ = ["Launcher"]


class Launcher:
    """Makes the jobs of a run.

    Args:
        prepared: The places of the run.
        objects: Where results go and come from.
        lock: Keeps results from being cleaned up before they are recorded, and files for the run.
        kernels: Where forked kernels come from.
        emit: Takes events; called in the steps' threads.
        sources: All code of a step, as far as it can be read, with the project's own modules that it imports.
    """

    def __init__(
        self,
        request: RunRequest,
        prepared: Prepared,
        objects: ObjectStore,
        lock: RunLock,
        kernels: WarmKernels,
        emit: Callable[[Event], None],
        sources: Callable[[Step], Sequence[ast.AST]],
    ) -> None:
        self._request = request
        self._prepared = prepared
        self._objects = objects
        self._lock = lock
        self._kernels = kernels
        self._emit = emit
        code = (tree for step in request.pipeline.steps for tree in sources(step))
        self._mlflow = MlflowCalls(prepared.directory, prepared.run_id, code)
        self._files: dict[str, FileSnapshot] = {}

    def job(self, step: Step, stem: str, attempt: int, inputs: Mapping[str, ArtifactRecord]) -> StepJob:
        """Make the job of one attempt at a step.

        Args:
            stem: Beginning of the names of the step's files.
            attempt: How often the step was begun, this time included.
            inputs: What it loads, by the artifact's id.
        """
        request, prepared = self._request, self._prepared
        folder = request.folder_of(step)
        context_path = prepared.steps / f"{stem}.json"
        session = StepSession(step.slug, step.cells, self._emit, request.timeout_of(step), context_path)
        context = step_context(
            request.pipeline,
            step,
            run_id=prepared.run_id,
            inputs=inputs,
            object_path=self._objects.path,
            output_dir=prepared.scratch / stem,
            parameters=request.redactor.declared(request.values()),
        )
        return StepJob(
            request.pipeline,
            step,
            request.notebook,
            session,
            self._launch(step, stem, attempt, folder, context_path),
            prepared.steps / f"{stem}.ipynb",
            context,
            context_path,
            request.parameters_of(step),
            self._objects,
            self._lock.in_use,
            self._lock.files,
            prepared.steps / f"{stem}.log",
            attempt,
            self._snapshot(step, stem, folder),
            request.instruments,
            request.redactor,
        )

    def _launch(self, step: Step, stem: str, attempt: int, folder: Path, context_path: Path) -> Launch:
        request = self._request
        environment = kernel_environment(
            request.kernel,
            bundle=self._prepared.bundle,
            context=context_path,
            settings={**self._mlflow.variables(step.slug, attempt), **request.environment_of(step)},
        )
        sockets = None
        if self._prepared.sockets is not None:
            position = request.pipeline.steps.index(step) + 1
            sockets = self._prepared.sockets / (f"k{position}" if attempt == 1 else f"k{position}.{attempt}")
        log = self._prepared.steps / f"{stem}.kernel.log"
        return Launch(
            request.kernel.name, environment, folder, sockets, log, self._kernels.of_step(step), request.patience
        )

    def _snapshot(self, step: Step, stem: str, folder: Path) -> FileSnapshot | None:
        """One for all attempts at a step, if there may be more than one."""
        if self._request.retries_of(step).attempts == 1 or not step.files_written:
            return None
        if step.slug not in self._files:
            self._files[step.slug] = FileSnapshot(step, folder, self._prepared.scratch / f"{stem}.before")
        return self._files[step.slug]
