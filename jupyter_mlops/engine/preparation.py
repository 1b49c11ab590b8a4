"""Everything a run needs before its first step: folders, the runtime, papermill, a record."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlops.engine.bundle import install_bundle
from jupyter_mlops.engine.git import current_commit
from jupyter_mlops.engine.kernels import lacks_cloudpickle
from jupyter_mlops.engine.redaction import redact_command
from jupyter_mlops.engine.request import RunRequest
from jupyter_mlops.engine.shown import shown_json
from jupyter_mlops.engine.surroundings import COMMAND
from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.steps.cells import unexecuted
from jupyter_mlops.store.configuration import FILE
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.objects import hash_file
from jupyter_mlops.store.records import NewRun

__all__ = ["Prepared", "new_run", "prepare"]

_SOCKET_PATH = 90
"""Longest path of an ipc socket that every system takes."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The places of a run.

    Args:
        directory: The run's own folder.
        steps: Its executed step notebooks, their contexts and logs.
        scratch: What steps save before it is moved into the object store.
        bundle: The runtime, for the kernels' module path.
        sockets: A private folder for ipc sockets; None if kernels must use ports.
    """

    run_id: str
    directory: Path
    steps: Path
    scratch: Path
    bundle: Path
    sockets: Path | None

    def clean_up(self) -> None:
        """Remove what only the running run needs."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        if self.sockets is not None:
            shutil.rmtree(self.sockets, ignore_errors=True)


def prepare(request: RunRequest, home: Home, run_id: str, warm_up: Callable[[Path], None]) -> Prepared:
    """Make the folders of a run and import what runs it.

    Args:
        warm_up: Called with the folder of the runtime as soon as it is there: what it starts goes on while this
            process imports.

    Raises:
        InfrastructureError: A folder can't be written.
    """
    bundle = install_bundle(home.runtime, with_cloudpickle=lacks_cloudpickle(request.kernel))
    warm_up(bundle)
    # Slow, and not safe to do in two threads at once: here, before any step's thread.
    from jupyter_mlops.engine.client import register_engine

    register_engine()
    directory = home.run(run_id)
    steps, scratch = directory / "steps", home.tmp / run_id
    try:
        steps.mkdir(parents=True, exist_ok=True)
        scratch.mkdir(parents=True)
    except OSError as error:
        raise InfrastructureError(f"The folders of the run can't be made: {error}.") from error
    sockets = _socket_folder() if request.kernel.is_plain else None
    return Prepared(run_id, directory, steps, scratch, bundle, sockets)


def new_run(request: RunRequest) -> NewRun:
    """Say what is known of a run when it begins."""
    pipeline, notebook, redactor = request.pipeline, request.notebook, request.redactor
    cells = [unexecuted(cell) for cell in notebook.raw.get("cells", [])]
    documents = {
        "pipeline": json.dumps(shown_json(pipeline, redactor), ensure_ascii=False),
        "notebook": json.dumps(redactor.tree({**notebook.raw, "cells": cells}, code=True), ensure_ascii=False),
    }
    if request.command is not None:
        documents[COMMAND] = redactor.text(redact_command(request.command))
    return NewRun(
        pipeline=pipeline.name,
        steps=[(step.slug, step.name) for step in pipeline.steps],
        parameters=redactor.parameters(request.values()),
        parameter_sources={
            name: request.sources.get(name, "given") if name in request.parameters else "default"
            for name in request.values()
        },
        notebook=None if notebook.path is None else str(notebook.path),
        kernel=request.kernel.name,
        trigger=request.trigger,
        user=_user(),
        commit=current_commit(request.project),
        configuration=_configuration(request.root),
        tags=redactor.tree(request.tags),
        documents=documents,
        addressees=request.addressees,
    )


def _configuration(root: Path) -> str | None:
    """The digest of what the project's configuration file says."""
    with contextlib.suppress(OSError):
        return hash_file(root / FILE)
    return None


def _socket_folder() -> Path | None:
    if os.name == "nt":
        return None
    for parent in (tempfile.gettempdir(), "/tmp"):
        if len(parent) <= _SOCKET_PATH - len("/mlops-xxxxxxxx/k1000-ipc-5") and Path(parent).is_dir():
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="mlops-", dir=parent))  # only its owner may enter
    return None


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None
