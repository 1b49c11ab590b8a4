"""A pipeline as it is shown: the values of secrets that stand in its notebook, or are given to it, are left out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.redactor import Redactor, make_redactor
from jupyter_mlops.pipeline.json_form import to_json
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.store.configuration import secret_settings
from jupyter_mlops.store.home import project_root

__all__ = ["shown_json", "shown_parameters"]


def shown_parameters(pipeline: Pipeline, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the defaults of a pipeline's parameters, and the values given to them, without secrets.

    Raises:
        UsageError: ``mlops.toml`` can't be read.
    """
    redactor = _redactor(pipeline, given)
    return redactor.declared(_defaults(pipeline)), redactor.declared(given)


def shown_json(pipeline: Pipeline, recorder: Redactor | None = None) -> dict[str, Any]:
    """Return the JSON form of a pipeline.

    Args:
        recorder: Knows the secrets of a run that records it; by default they are those that the pipeline has itself.

    Raises:
        UsageError: ``mlops.toml`` can't be read.
    """
    redactor = recorder or _redactor(pipeline, {})
    defaults = redactor.parameters(_defaults(pipeline)) if recorder else redactor.declared(_defaults(pipeline))
    form: dict[str, Any] = redactor.code(to_json(pipeline))
    for parameter in form["parameters"]:
        if redactor.is_secret(parameter["name"]):
            parameter["default"] = defaults[parameter["name"]]
    return form


def _defaults(pipeline: Pipeline) -> dict[str, Any]:
    return {parameter.name: parameter.default for parameter in pipeline.parameters}


def _redactor(pipeline: Pipeline, given: Mapping[str, Any]) -> Redactor:
    folder = Path.cwd() if pipeline.notebook is None else Path(pipeline.notebook).parent
    variables = [step.settings.env for step in pipeline.steps]
    return make_redactor([given, _defaults(pipeline)], variables, secret_settings(project_root(folder)), process=False)
