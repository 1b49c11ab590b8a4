"""What a cell displays, without what varies from run to run by nature: addresses, timings, ids of widgets."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["displayed", "normalised"]

_TIMES = r"(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?\s?(?:ns|[uµμ]s|ms|s|min|h|d)\s?)+"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]"), ""),
    (re.compile(r"\b0x[0-9a-fA-F]{6,}\b"), "0x…"),
    (re.compile(r"ipykernel_\d+[/\\]\d+\.py"), "ipykernel/cell.py"),
    # a step replays functions of earlier cells: the place of code in cells says nothing
    (re.compile(r"(ipykernel/cell\.py)\(\d+\)"), r"\1(…)"),
    (re.compile(r'(ipykernel/cell\.py"), line \d+'), r"\1, line …"),
    (re.compile(r"\bCell In\[\d+\], line \d+"), "Cell, line …"),
    (re.compile(r"(?m)^CPU times: .*$"), "CPU times: …"),
    (re.compile(r"(?m)^Wall time: .*$"), "Wall time: …"),
    (re.compile(r"(?m)^(?:Compiler|Parser) +: [\d.]+ .*\n?"), ""),
    (re.compile(rf"{_TIMES}± {_TIMES}per loop \(.*?\)"), "… per loop"),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"), "uuid"),
    (re.compile(r"\bsk-(container|estimator)-id-\d+"), r"sk-\1-id"),
    (re.compile(r"\b(T_|altair-viz-|plotly-|bk-)[0-9a-f]{5,}\b"), r"\1…"),
    (re.compile(r"\[\d+:\d+(?::\d+)?(?:<[^\]\n]*|, [^\]\n]*it/s|, [^\]\n]*s/it)\]"), "[…]"),
)
_WARNING = re.compile(r"(?m)^.*?:\d+: \w*Warning: .*(?:\n[ \t]+.*)?\n?")
_SVG = (
    (re.compile(r"<dc:date>.*?</dc:date>", re.DOTALL), ""),
    (re.compile(r'(\bid="|"#|url\(#|xlink:href="#)[\w.-]+'), r"\1…"),
)
_FIRST = ("text/plain", "text/html", "text/markdown", "text/latex", "image/svg+xml", "image/png", "image/jpeg")
_WIDGET_KEYS = frozenset({"model_id"})


def displayed(outputs: list[Mapping[str, Any]]) -> dict[str, str]:
    """What a cell's outputs say, by label (``stdout``, ``display 1 (text/plain)``), in an order for people."""
    found: dict[str, str] = {}
    for stream in ("stdout", "stderr"):
        text = "".join(_text(item["text"]) for item in outputs if item.get("name") == stream and "text" in item)
        text = _stderr(text) if stream == "stderr" else _stream(text)
        if text:
            found[stream] = text
    number = 0
    for item in outputs:
        if item.get("output_type") == "error":
            found["error"] = normalised(f"{item.get('ename')}: {item.get('evalue')}")
        elif "data" in item:
            number += 1
            for mime in sorted(item["data"], key=_rank):
                found[f"display {number} ({mime})"] = _data(mime, item["data"][mime])
    return found


def _rank(mime: str) -> tuple[int, str]:
    return (_FIRST.index(mime) if mime in _FIRST else len(_FIRST), mime)


def normalised(text: str) -> str:
    """Take out of a text what means nothing."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _stream(text: str) -> str:
    """What is left to see of a stream when lines that were written over are gone."""
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in normalised(text).split("\n")]
    return "\n".join(lines)


def _stderr(text: str) -> str:
    """Python shows a warning once in a process, so that each step shows it again: warnings say nothing here."""
    return _stream(_WARNING.sub("", text))


def _text(text: Any) -> str:
    return text if isinstance(text, str) else "".join(text)


def _data(mime: str, data: Any) -> str:
    if mime.startswith("image/") and mime != "image/svg+xml":
        content = _text(data).replace("\n", "")
        digest = hashlib.sha256(content.encode()).hexdigest()[:12]
        return f"{mime} of {len(content) * 3 // 4} bytes, {digest}"
    if not isinstance(data, (str, list)):
        return normalised(json.dumps(_without_ids(data), sort_keys=True, ensure_ascii=False))
    text = _text(data)
    if mime in ("image/svg+xml", "text/html"):
        for pattern, replacement in _SVG if mime == "image/svg+xml" or "<svg" in text else ():
            text = pattern.sub(replacement, text)
    return normalised(text)


def _without_ids(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _without_ids(value) for key, value in data.items() if key not in _WIDGET_KEYS}
    return [_without_ids(item) for item in data] if isinstance(data, list) else data
