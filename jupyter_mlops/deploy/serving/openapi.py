"""The API's description, by the models that are served, and a page that shows it."""

from __future__ import annotations

from typing import Any

from jupyter_mlops import templates
from jupyter_mlops._version import __version__
from jupyter_mlops.deploy.schema import NUMBERS
from jupyter_mlops.deploy.serving.hosting import Host, Hosted

__all__ = ["description", "page"]

_PROBLEMS = {
    "400": "The request makes no sense, or its rows don't fit the model; `field` names what is wrong.",
    "401": "A token is needed.",
    "404": "There is no such model or version.",
    "408": "The model took too long.",
    "413": "The request is too large.",
    "415": "The content's type or packing is not known.",
    "422": "The model raised on these rows.",
    "429": "The server is busy; Retry-After says when to try again.",
}


def description(host: Host, *, secured: bool) -> dict[str, Any]:
    """Return the description in the form of OpenAPI 3.1."""
    paths: dict[str, Any] = {
        "/v2/health/live": {"get": _get("Whether the server lives.")},
        "/v2/health/ready": {"get": _get("Whether it is ready.", "503")},
        "/ping": {"get": _get("Whether it is ready, for MLflow's clients.", "503")},
        "/v2": {"get": _get("The server: name, version, extensions.")},
        "/v2/repository/index": {"post": _post("Models, loaded and not.", {"type": "object", "properties": {
            "ready": {"type": "boolean"}}}, required=False)},
        "/metrics": {"get": {"summary": "Numbers for Prometheus.", "responses": {"200": {
            "description": "Text.", "content": {"text/plain": {"schema": {"type": "string"}}}}, **_problems()}}},
    }  # fmt: skip
    for model in host.models:
        hosted = host.get(model, host.versions(model)[0])
        name = _quoted(model)
        paths[f"/v2/models/{name}"] = {"get": _get(f"What {model} takes and gives.")}
        paths[f"/v2/models/{name}/ready"] = {"get": _get(f"Whether {model} is ready.", "503")}
        paths[f"/v2/models/{name}/infer"] = {"post": _post("An inference (Open Inference Protocol).", _infer(hosted))}
        paths[f"/v1/models/{name}"] = {"get": _get(f"Whether {model} is ready.")}
        paths[f"/v1/models/{name}:predict"] = {"post": _post("Predictions (KServe's first protocol).", _v1(hosted))}
    if host.models:
        first = host.get(next(iter(host.models)), host.versions(next(iter(host.models)))[0])
        paths["/invocations"] = {"post": _post("Predictions (MLflow's protocol).", _mlflow(first))}
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Models of jupyter-mlops", "version": __version__},
        "paths": paths,
        "components": {"schemas": {"Problem": {"type": "object", "required": ["error"], "properties": {
            "error": {"type": "string"}, "field": {"type": "string"}}}}},
    }  # fmt: skip
    if secured:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


def page(host: Host) -> str:
    """Return a page that lists models and endpoints, with a call of each that can be copied."""
    environment = templates.environment(templates.root() / "serving", autoescape=True)
    models = []
    for model in host.models:
        for version in host.versions(model):
            hosted = host.get(model, version)
            models.append({"hosted": hosted, "schema": hosted.schema, "quoted": _quoted(model),
                           "example": hosted.bundle.example()})  # fmt: skip
    paths = description(host, secured=False)["paths"]
    return environment.get_template("docs.html.j2").render(models=models, paths=paths)


def _get(summary: str, *more: str) -> dict[str, Any]:
    answer = {"content": {"application/json": {"schema": {"type": "object"}}}}
    others = {code: {"description": "Not ready.", **answer} for code in more}
    return {"summary": summary, "responses": {"200": {"description": "JSON.", **answer}, **others, **_problems()}}


def _post(summary: str, schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {
        "summary": summary,
        "requestBody": {"required": required, "content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": "JSON.", "content": {"application/json": {}}}, **_problems()},
    }


def _problems() -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {code: {"description": text, "content": content} for code, text in _PROBLEMS.items()}


def _infer(hosted: Hosted) -> dict[str, Any]:
    names = [item.name for item in hosted.schema.inputs]
    tensor = {
        "type": "object",
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": {"type": "string", "enum": list(dict.fromkeys([*names, "input-0"]))},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 2},
            "datatype": {"enum": [*sorted(NUMBERS), "BYTES"]},
            "data": {"type": "array"},
        },
    }
    outputs = {"type": "object", "required": ["name"], "properties": {
        "name": {"enum": [item.name for item in hosted.schema.outputs]}}}  # fmt: skip
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string"},
            "inputs": {"type": "array", "minItems": 1, "items": tensor},
            "outputs": {"type": "array", "items": outputs},
        },
    }


def _row(hosted: Hosted) -> dict[str, Any]:
    width = hosted.schema.width
    size = {} if width is None else {"minItems": width, "maxItems": width}
    as_list = {"type": "array", **size}
    if hosted.schema.layout == "array":
        return {**as_list, "items": {"type": "number"}}
    kinds = {"number": "number", "integer": "integer", "bool": "boolean"}
    properties = {}
    for item in hosted.schema.columns:
        kind = kinds.get(item.kind)
        properties[item.name] = {} if kind is None else {"type": [kind, "null"] if item.missing else kind}
    as_object = {"type": "object", "required": list(hosted.schema.names), "properties": properties}
    return {"anyOf": [as_object, as_list]}


def _v1(hosted: Hosted) -> dict[str, Any]:
    rows = {"type": "array", "minItems": 1, "items": _row(hosted)}
    return {"type": "object", "required": ["instances"], "properties": {"instances": rows}}


def _mlflow(hosted: Hosted) -> dict[str, Any]:
    split = {"type": "object", "required": ["columns", "data"], "properties": {
        "columns": {"type": "array", "items": {"type": "string"}},
        "data": {"type": "array", "minItems": 1, "items": {"type": "array"}}}}  # fmt: skip
    rows = {"type": "array", "minItems": 1, "items": _row(hosted)}
    forms = {"dataframe_split": split, "dataframe_records": rows, "instances": rows}
    return {"oneOf": [{"type": "object", "required": [name], "properties": {name: form}} for name, form in
                      forms.items()]}  # fmt: skip


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")
