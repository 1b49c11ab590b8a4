"""What calls of MLflow mean for a pipeline."""

from __future__ import annotations

import json
from pathlib import Path

from jupyter_mlops import api
from jupyter_mlops.steps.notebook import step_notebook

CELLS = {
    "load": "import mlflow\nimport pandas as pd\nX = pd.DataFrame({'a': [1, 2]})\ny = [0, 1]\n"
    "mlflow.set_experiment('x')\nmlflow.sklearn.autolog()",
    "train": "from sklearn.linear_model import LogisticRegression\n"
    "with mlflow.start_run(run_name='a') as run:\n"
    "    model = LogisticRegression().fit(X, y)\n"
    "    mlflow.log_params(model.get_params())\n"
    "    signature = mlflow.models.infer_signature(X, model.predict(X))\n"
    "    mlflow.sklearn.log_model(model, name='m', signature=signature, input_example=X)",
    "log": "mlflow.log_metric('b', model.score(X, y))\nmlflow.log_dict({'a': 1}, 'x.json')",
    "use": "print(model.predict(X))",
    "read": "earlier = mlflow.search_runs()",
}


def test_logging_changes_nothing_and_reading_is_volatile(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "code", "id": name, "metadata": {"tags": [f"step:{name}"]}, "source": source, "outputs": []}
        | {"execution_count": None}
        for name, source in CELLS.items()
    ]
    path = tmp_path / "n.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells}), "utf-8")
    notebook = api.read_notebook(path)
    pipeline = api.pipeline(notebook)
    assert {step.slug: step.mutates for step in pipeline.steps} == dict.fromkeys(CELLS, ())
    assert {step.slug: step.hidden for step in pipeline.steps} == dict.fromkeys(CELLS, ())
    assert [step.slug for step in pipeline.steps if step.volatile] == ["read"]
    assert ("log", "use") not in {(edge.source, edge.target) for edge in pipeline.edges}
    # What sets MLflow up is set again where the model is trained.
    train = step_notebook(pipeline, pipeline.step("train"), notebook.raw)
    assert "mlflow.set_experiment('x')\nmlflow.sklearn.autolog()" in train["cells"][0]["source"]
