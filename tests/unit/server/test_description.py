"""The API's description says what is there, and is made of the forms that the command line prints."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from forms import MARK, components, text
from jsonschema import Draft202012Validator
from serving import ROOT, description

from jupyter_mlops.server.routes import routes

_METHODS = ("get", "post", "put", "patch", "delete")


def _examples(template: str) -> list[str]:
    """Paths of a template: where parts may be one of some words, the template names one."""
    values = {"digest": "0" * 64, "version": "3", "id": "20260101-000000-abcdef"}
    return [re.sub(r"\{([^}]+)\}", lambda found: values.get(found[1], "some-thing"), template)]


@pytest.mark.parametrize("template", description()["paths"])
def test_every_described_request_has_a_handler(template: str) -> None:
    for path in _examples(template):
        handler = next(handler for pattern, handler in routes() if re.fullmatch(pattern, path))
        assert handler.__name__ != "MissingHandler", path
        for method in description()["paths"][template]:
            own = getattr(handler, method, None)
            assert own is not None and own.__module__.startswith("jupyter_mlops.server"), f"{method} {path}"


def test_every_handler_is_described() -> None:
    described = {
        (handler, method)
        for template, item in description()["paths"].items()
        for path in _examples(template)
        for pattern, handler in routes()
        if re.fullmatch(pattern, path)
        for method in item
    }
    there = {
        (handler, method)
        for _, handler in routes()
        for method in _METHODS
        if any(method in vars(base) for base in handler.__mro__ if base.__module__.startswith("jupyter_mlops"))
    }
    assert {(handler.__name__, method) for handler, method in there - described} == set()


def test_forms_are_those_of_the_command_line() -> None:
    written = (ROOT / "jupyter_mlops" / "server" / "openapi.yaml").read_text(encoding="utf-8")
    assert written.partition(MARK)[2] == text(), "run python tests/unit/server/forms.py"
    assert set(components()) <= set(description()["components"]["schemas"])


def test_every_reference_leads_somewhere_and_every_schema_is_one() -> None:
    whole = description()
    for pointer in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(whole))):
        found: Any = whole
        for part in pointer.split("/"):
            found = found[part]
    for schema in whole["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_request_has_a_name_of_its_own_and_says_what_goes_wrong() -> None:
    operations = [item[method] for item in description()["paths"].values() for method in _METHODS if method in item]
    names = [item["operationId"] for item in operations]
    assert len(names) == len(set(names))
    assert all(item["responses"]["default"] == {"$ref": "#/components/responses/Problem"} for item in operations)
