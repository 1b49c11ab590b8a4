"""A pipeline as it may be shown to others: the values of secrets that stand in its notebook are left out."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.engine.redactor import Redactor, make_redactor
from jupyter_mlops.pipeline.json_form import to_json
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.runtime.secret_names import REDACTED, is_secret
from jupyter_mlops.store.configuration import SecretSettings

__all__ = ["shown_json", "shown_value"]


def shown_value(name: str, value: Any) -> Any:
    """Return the value of a parameter, or words in its place if the name says that it is a secret."""
    return value if value is None or value == "" or isinstance(value, bool) or not is_secret(name) else REDACTED


def shown_json(pipeline: Pipeline, redactor: Redactor | None = None) -> dict[str, Any]:
    """Return the JSON form of a pipeline.

    Args:
        redactor: Knows the secrets; by default they are those that the pipeline has itself.
    """
    defaults = {parameter.name: parameter.default for parameter in pipeline.parameters}
    if redactor is None:
        variables = [step.settings.env for step in pipeline.steps]
        redactor = make_redactor([defaults], variables, SecretSettings(), process=False)
        defaults = redactor.declared(defaults)
    else:
        defaults = redactor.parameters(defaults)
    form: dict[str, Any] = redactor.code(to_json(pipeline))
    for parameter in form["parameters"]:
        if redactor.is_secret(parameter["name"]):
            parameter["default"] = defaults[parameter["name"]]
    return form
