"""Loads models that were registered here and delivered to MLflow, for ``mlflow.pyfunc.load_model``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_mlops.runtime.serializers import read_artifact

__all__ = ["Model"]


class Model:
    """What MLflow calls.

    Args:
        value: The object that was registered.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Return what the object predicts."""
        return self.value.predict(model_input, **(params or {}))


def _load_pyfunc(path: str) -> Model:
    """Return the model in a folder; MLflow looks for a function of this name.

    Raises:
        ValueError: The artifact holds several objects, and none or more than one of them predicts.
    """
    folder = Path(path)
    about = json.loads((folder / "artifact.json").read_text(encoding="utf-8"))
    values = read_artifact(folder / "object", about["serializer"], tuple(about["names"]))
    member = about.get("member")
    if member in values:
        return Model(values[member])
    models = [value for value in values.values() if hasattr(value, "predict")]
    if len(models) != 1:
        raise ValueError(f"{', '.join(values)}: {len(models)} of these can predict, not one")
    return Model(models[0])
