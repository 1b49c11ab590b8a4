"""Where the calls of MLflow in steps go."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from jupyter_mlops.engine.mlflow_code import talks_to_server
from jupyter_mlops.engine.mlflow_steps import CONTEXT, TRACKING_URI, MlflowCalls, direct_marker

LOGS = """
import mlflow
import mlflow.sklearn as flavor
mlflow.set_experiment("x")
mlflow.autolog()
with mlflow.start_run(run_name="a", nested=True) as run:
    mlflow.log_metric("loss", model.predict(run.info.run_id))
    flavor.log_model(model, name="m", registered_model_name="churn", signature=mlflow.models.infer_signature(X, y))
    mlflow.register_model(f"runs:/{run.info.run_id}/m", "churn")
"""


def calls(*cells: str) -> bool:
    return talks_to_server([ast.parse(cell) for cell in cells])


def test_code_that_only_logs() -> None:
    assert not calls(LOGS)
    assert not calls("import pandas as pd", "client = pd.search_runs('models:/x@y')")
    assert not calls("from mlflow import log_metric, sklearn", "log_metric('a', 1); sklearn.log_model(m, 'm')")


@pytest.mark.parametrize(
    "cell",
    [
        "mlflow.search_runs()",
        "mlflow.set_tracking_uri('http://other')",
        "mlflow.sklearn.load_model(place)",
        "client = mlflow.MlflowClient()",
        "mlflow.start_run(run_id=earlier)",
        "mlflow.start_run(earlier)",
        "mlflow.start_run(**options)",
        "from mlflow.tracking import MlflowClient",
        "place = 'models:/churn@champion'",
        "def f():\n    return mlflow.artifacts.download_artifacts(x)",
    ],
)
def test_code_that_asks_the_server(cell: str) -> None:
    assert calls("import mlflow", cell)


def test_kernels_log_to_a_folder_of_their_own(tmp_path: Path) -> None:
    environ = {
        TRACKING_URI: "http://here",
        "MLFLOW_EXPERIMENT_ID": "7",
        "MLFLOW_RUN_ID": "abc",
        "MLFLOW_TRACKING_TOKEN": "secret",
    }
    made = MlflowCalls(tmp_path, "run", [ast.parse(LOGS)], environ)
    assert made.variables("train", 1) == {
        TRACKING_URI: (tmp_path / "mlflow" / "train").as_uri(),
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "MLFLOW_EXPERIMENT_ID": "0",
        "MLFLOW_RUN_ID": "",
    }
    assert made.variables("train", 2)[TRACKING_URI] != made.variables("train", 1)[TRACKING_URI]
    assert list(tmp_path.iterdir()) == []


def test_kernels_that_ask_the_server_keep_it(tmp_path: Path) -> None:
    environ = {TRACKING_URI: "http://here", CONTEXT: '{"team": "a"}'}
    made = MlflowCalls(tmp_path, "run", [ast.parse("import mlflow\nmlflow.search_runs()")], environ)
    variables = made.variables("train", 1)
    assert list(variables) == [CONTEXT]
    assert json.loads(variables[CONTEXT]) == {"team": "a", "mlops.run_id": "run", "mlops.within": "train"}
    assert direct_marker(tmp_path).exists()


def test_without_a_server_nothing_changes(tmp_path: Path) -> None:
    assert MlflowCalls(tmp_path, "run", [ast.parse(LOGS)], {}).variables("train", 1) == {}
