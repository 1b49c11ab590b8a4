"""Where the calls of MLflow in a step go: to a store of files in the run's folder, which is delivered afterwards.

So a step neither fails nor waits when the server is away. A notebook that reads from MLflow, or talks to a server of
its own choice, is left alone: its steps talk to the server themselves, and what they make there is put under the run
when the run is delivered.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from jupyter_mlops.engine.mlflow_code import talks_to_server
from jupyter_mlops.store.records import Addressee

__all__ = [
    "CONTEXT",
    "EXPERIMENT_ID",
    "EXPERIMENT_NAME",
    "TRACKING_URI",
    "MlflowCalls",
    "direct_marker",
    "local_store",
    "mlflow_target",
]

TRACKING_URI = "MLFLOW_TRACKING_URI"
EXPERIMENT_NAME = "MLFLOW_EXPERIMENT_NAME"
EXPERIMENT_ID = "MLFLOW_EXPERIMENT_ID"
CONTEXT = "MLFLOW_RUN_CONTEXT"
"""JSON of tags that MLflow gives to each run that code makes."""

_RUN_ID = "MLFLOW_RUN_ID"
_FOLDER = "mlflow"


def mlflow_target(environ: Mapping[str, str], cwd: Path) -> Addressee | None:
    """Return the MLflow server that the environment names; None if there is none, or no MLflow here to talk to it.

    Args:
        cwd: Where relative paths begin: the folder of the steps, as for MLflow in a notebook.
    """
    uri = environ.get(TRACKING_URI, "").strip()
    if not uri or importlib.util.find_spec("mlflow") is None:
        return None
    options = {
        "experiment": environ.get(EXPERIMENT_NAME) or None,
        "experiment_id": environ.get(EXPERIMENT_ID) or None,
        "parent": environ.get(_RUN_ID) or None,
    }
    return Addressee("mlflow", _without_password(_absolute(uri, cwd)), {key: it for key, it in options.items() if it})


def local_store(directory: Path, slug: str, attempt: int) -> Path:
    """Return the folder for what the code of a step logs.

    Args:
        directory: The run's folder.
        attempt: At the step, from 1.
    """
    return directory / _FOLDER / (slug if attempt == 1 else f"{slug}.{attempt}")


def direct_marker(directory: Path) -> Path:
    """Return the file that is there if the steps of a run talked to the server themselves."""
    return directory / _FOLDER / "direct"


class MlflowCalls:
    """Gives the kernels of a run what leads the calls of MLflow in them.

    Args:
        directory: The run's folder.
        sources: All code of the run's steps, as far as it can be read.
        environ: The variables that the kernels would have.
    """

    def __init__(
        self, directory: Path, run_id: str, sources: Iterable[ast.AST], environ: Mapping[str, str] = os.environ
    ) -> None:
        self._directory = directory
        self._run_id = run_id
        self._environ = environ
        self._active = bool(environ.get(TRACKING_URI, "").strip()) and importlib.util.find_spec("mlflow") is not None
        self._direct = self._active and talks_to_server(sources)
        if self._direct:
            marker = direct_marker(directory)
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.touch()

    def variables(self, slug: str, attempt: int) -> dict[str, str]:
        """Return environment variables for the kernel of a step."""
        if not self._active:
            return {}
        if self._direct:
            return {CONTEXT: json.dumps({**_tags(self._environ), "mlops.run_id": self._run_id, "mlops.within": slug})}
        found = {
            TRACKING_URI: local_store(self._directory, slug, attempt).absolute().as_uri(),
            "MLFLOW_ALLOW_FILE_STORE": "true",
        }
        # What is set for the server means nothing in the store of files, and no variable can be taken away here.
        replaced = {EXPERIMENT_NAME: "Default", EXPERIMENT_ID: "0", _RUN_ID: "", "MLFLOW_REGISTRY_URI": ""}
        found.update({name: value for name, value in replaced.items() if name in self._environ})
        return found


def _tags(environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        found = json.loads(environ.get(CONTEXT, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _absolute(uri: str, cwd: Path) -> str:
    match = re.fullmatch(r"sqlite:///(?!/)(.+)", uri)
    if match:
        return f"sqlite:///{(cwd / match[1]).absolute().as_posix()}"
    if "://" in uri or uri.startswith("databricks") or uri.startswith("file:"):
        return uri
    return (cwd / Path(uri).expanduser()).absolute().as_uri()


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    if "@" not in parts.netloc:
        return uri
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
