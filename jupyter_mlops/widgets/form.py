"""A pipeline with its parameters as fields, and a button that runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import ipywidgets

from jupyter_mlops.errors import MlopsError

if TYPE_CHECKING:
    from jupyter_mlops.pipeline.model import Parameter
    from jupyter_mlops.widgets.pipeline import Pipeline

__all__ = ["form"]


def form(pipeline: Pipeline) -> Any:
    """Return the graph, fields for the parameters, and a button: a click runs the pipeline and shows its progress."""
    graph = ipywidgets.HTML(pipeline.html(parameters=False))
    fields = {item.name: _field(item) for item in pipeline.model.parameters}
    button = ipywidgets.Button(description="Run", button_style="primary", disabled=_is_broken(pipeline))

    before = {name: field.value for name, field in fields.items()}

    def draw(html: str, _text: str) -> None:
        graph.value = html

    def click(_: Any) -> None:
        button.disabled = True
        try:
            pipeline.run(_changed(fields, before), draw=draw)
        except MlopsError as error:
            note.value = " ".join(filter(None, (str(error), error.hint)))
        else:
            note.value = ""
        finally:
            button.disabled = False

    note = ipywidgets.Label()
    button.on_click(click)
    return ipywidgets.VBox([graph, *fields.values(), ipywidgets.HBox([button, note])])


def _is_broken(pipeline: Pipeline) -> bool:
    return any(item.severity == "error" for item in pipeline.model.diagnostics)


def _field(parameter: Parameter) -> Any:
    """Return the field of a parameter; in a text what is no string is JSON."""
    from jupyter_mlops.pipeline.json_form import json_value

    default = parameter.default
    shape = {"description": parameter.name, "tooltip": parameter.type, "style": {"description_width": "10em"}}
    if _is_switch(parameter):
        return ipywidgets.Checkbox(value=default, **shape)
    text = default if isinstance(default, str) else json.dumps(json_value(default))
    return ipywidgets.Text(value=text, continuous_update=False, **shape)


def _is_switch(parameter: Parameter) -> bool:
    return parameter.type == "bool" and isinstance(parameter.default, bool) and not parameter.optional


def _changed(fields: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Return what differs from the notebook, converted to the declared types.

    Raises:
        UsageError: A text is not what it should be.
    """
    from jupyter_mlops.pipeline.parameters import gather

    values = {name: field.value for name, field in fields.items() if field.value != before[name]}
    texts = [(name, value) for name, value in values.items() if isinstance(value, str)]
    return values | gather(text=texts)
