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
    "talks_to_server",
]

TRACKING_URI = "MLFLOW_TRACKING_URI"
EXPERIMENT_NAME = "MLFLOW_EXPERIMENT_NAME"
EXPERIMENT_ID = "MLFLOW_EXPERIMENT_ID"
CONTEXT = "MLFLOW_RUN_CONTEXT"
"""JSON of tags that MLflow gives to each run that code makes."""

_RUN_ID = "MLFLOW_RUN_ID"
_FOLDER = "mlflow"
_WRITES = frozenset(
    [
        "ActiveRun",
        "ColSpec",
        "ModelSignature",
        "Schema",
        "TensorSpec",
        "__version__",
        "active_run",
        "artifact_uri",
        "autolog",
        "data",
        "delete_tag",
        "disable_autologging",
        "disable_system_metrics_logging",
        "enable_system_metrics_logging",
        "end_run",
        "entities",
        "flush_artifact_async_logging",
        "flush_async_logging",
        "from_numpy",
        "from_pandas",
        "get_artifact_uri",
        "infer_signature",
        "last_active_run",
        "log_artifact",
        "log_artifacts",
        "log_batch",
        "log_dict",
        "log_figure",
        "log_image",
        "log_input",
        "log_inputs",
        "log_metric",
        "log_metrics",
        "log_model",
        "log_param",
        "log_params",
        "log_table",
        "log_text",
        "models",
        "register_model",
        "save_model",
        "schema",
        "set_experiment",
        "set_experiment_tag",
        "set_experiment_tags",
        "set_system_metrics_node_id",
        "set_system_metrics_samples_before_logging",
        "set_system_metrics_sampling_interval",
        "set_tag",
        "set_tags",
        "signature",
        "start_run",
        "system_metrics",
        "types",
        "utils",
    ]
)
"""What can be asked of MLflow without a server."""

_FLAVORS = frozenset(
    [
        "catboost",
        "diviner",
        "fastai",
        "gluon",
        "h2o",
        "johnsnowlabs",
        "keras",
        "langchain",
        "lightgbm",
        "llama_index",
        "mleap",
        "onnx",
        "openai",
        "paddle",
        "pmdarima",
        "prophet",
        "pyfunc",
        "pyspark",
        "pytorch",
        "sentence_transformers",
        "shap",
        "sklearn",
        "spacy",
        "spark",
        "statsmodels",
        "tensorflow",
        "transformers",
        "xgboost",
    ]
)
_FOREIGN = ("run_id", "parent_run_id", "experiment_id", None)
"""Arguments that speak of what is on the server."""

_MERE_DATA = frozenset({"PythonModel", "PythonModelContext"})


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


def talks_to_server(sources: Iterable[ast.AST]) -> bool:
    """Tell whether code does more with MLflow than to log what it makes."""
    trees = list(sources)
    if not any(_imports_mlflow(tree) for tree in trees):
        return False
    return any(_reads(tree) for tree in trees)


def _imports_mlflow(tree: ast.AST) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(item.name.split(".")[0] == "mlflow" for item in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mlflow":
            return True
    return False


def _reads(tree: ast.AST) -> bool:
    names = _names_of_mlflow(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mlflow":
            if any(item.name not in _WRITES | _FLAVORS | _MERE_DATA for item in node.names):
                return True
        elif isinstance(node, ast.Attribute):
            if _root(node) in names and node.attr not in _WRITES | _FLAVORS | _MERE_DATA and _is_of_module(node, names):
                return True
        elif isinstance(node, ast.Call) and _last(node.func) == "start_run":
            if (
                any(item.arg in ("run_id", "parent_run_id", "experiment_id", None) for item in node.keywords)
                or node.args
            ):
                return True
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_reference(node.value):
            return True
    return False


def _names_of_mlflow(tree: ast.AST) -> frozenset[str]:
    """The names that modules of MLflow are imported under."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(
                item.asname or item.name.split(".")[0] for item in node.names if item.name.split(".")[0] == "mlflow"
            )
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mlflow":
            found.update(item.asname or item.name for item in node.names if item.name in _FLAVORS)
    return frozenset(found)


def _is_of_module(node: ast.Attribute, names: frozenset[str]) -> bool:
    """Whether an attribute is one of a module of MLflow, not of what a call returned."""
    value = node.value
    if isinstance(value, ast.Name):
        return value.id in names
    return isinstance(value, ast.Attribute) and value.attr in _FLAVORS and _is_of_module(value, names)


def _root(node: ast.AST) -> str | None:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _last(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _is_reference(text: str) -> bool:
    """Whether a text names a registered model, such as ``models:/churn@champion``."""
    return re.match(r"models:/(?!m-)", text) is not None


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
