"""The forms that the command line prints, as components of the API's description.

``python tests/unit/server/forms.py`` writes them into the description.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
DESCRIPTION = ROOT / "jupyter_mlops" / "server" / "openapi.yaml"
MARK = "# What follows is made of docs/schema by tests/unit/server/forms.py.\n"

_WHOLE = {
    "show": "Pipeline",
    "dry-run": "Plan",
    "explain": "Explanations",
    "suggest": "Suggestion",
    "run": "RunResult",
    "runs-show": "RunDetail",
    "compare": "Comparison",
    "lineage": "Lineage",
    "verify": "Verification",
}
_PARTS = {
    ("show", "slug"): "Slug",
    ("show", "names"): "Names",
    ("show", "parameter"): "Parameter",
    ("show", "step"): "Step",
    ("show", "snippet"): "Snippet",
    ("show", "settings"): "Settings",
    ("show", "artifact"): "PipelineArtifact",
    ("show", "flow"): "Flow",
    ("show", "diagnostic"): "Diagnostic",
    ("runs", "run"): "Run",
    ("run", "status"): "RunStatus",
    ("run", "seconds"): "Seconds",
    ("runs", "text"): "TextOrNull",
    ("runs", "time"): "TimeOrNull",
    ("runs", "metric"): "MetricValue",
    ("runs-show", "step"): "StepRun",
    ("runs-show", "artifact"): "RunArtifact",
    ("compare", "numbers"): "ComparedNumbers",
    ("compare", "field"): "ComparedField",
    ("compare", "cell"): "ComparedCell",
    ("lineage", "node"): "LineageNode",
    ("lineage", "run"): "LineageRun",
    ("models", "time"): "Milliseconds",
    ("models", "model"): "Model",
    ("models", "version"): "ModelVersion",
    ("models", "list"): "ModelList",
    ("models", "registered"): "ModelRegistered",
    ("models", "aliased"): "ModelAliased",
    ("models", "unaliased"): "ModelUnaliased",
    ("models", "described"): "ModelDescribed",
    ("models", "removed"): "ModelRemoved",
    ("models", "cell"): "ModelCell",
    ("models", "details"): "ModelDetails",
    ("verify", "step"): "VerifiedSlug",
    ("verify", "cell"): "VerifiedCell",
    ("verify", "line"): "VerifiedLine",
    ("verify", "name"): "VerifiedName",
    ("verify", "kind"): "VerifiedKind",
    ("verify", "text"): "VerifiedText",
}
_SAME = {
    ("runs-show", "text"): "TextOrNull",
    ("runs-show", "time"): "TimeOrNull",
    ("runs-show", "metric"): "MetricValue",
    ("runs-show", "status"): "RunStatus",
    ("models", "text"): "TextOrNull",
    ("verify", "slug"): "Slug",
}


def components() -> dict[str, Any]:
    """Return the schemas by the names that the description has for them."""
    forms = {name: _read(name) for name in {*_WHOLE, *(form for form, _ in _PARTS)}}
    found = {target: _named(forms[form], form) for form, target in _WHOLE.items()}
    for (form, part), target in _PARTS.items():
        found[target] = _named(forms[form]["$defs"][part], form)
    return {name: _typed(found[name]) for name in sorted(found)}


def _read(form: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "docs" / "schema" / f"{form}.schema.json").read_text(encoding="utf-8"))
    return found


def _named(value: Any, form: str) -> Any:
    """Let references point to components."""
    if isinstance(value, list):
        return [_named(item, form) for item in value]
    if not isinstance(value, Mapping):
        return value
    found = {key: _named(item, form) for key, item in value.items() if key not in ("$schema", "$defs", "title")}
    if isinstance(value.get("$ref"), str):
        part = value["$ref"].removeprefix("#/$defs/")
        name = _PARTS.get((form, part)) or _SAME[form, part]
        found["$ref"] = f"#/components/schemas/{name}"
    return found


def _typed(schema: dict[str, Any]) -> dict[str, Any]:
    """Say of an object that it is one, which those who generate types want to know."""
    return {"type": "object", **schema} if "properties" in schema else schema


def text() -> str:
    """Return the components as the description has them."""
    plain = yaml.safe_dump(components(), sort_keys=False, width=10_000, allow_unicode=True)
    return "".join(f"    {line}\n" for line in plain.splitlines())


if __name__ == "__main__":
    head = DESCRIPTION.read_text(encoding="utf-8").partition(MARK)[0]
    DESCRIPTION.write_text(head + MARK + text(), encoding="utf-8")
