"""An executed notebook as one HTML page that stands alone; the standard library is all that an image surely has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

__all__ = ["document", "page"]

_STYLE = """\
:root { color-scheme: light dark; }
body { font: 14px/1.5 system-ui, sans-serif; margin: 1.5rem auto; max-width: 62rem; padding: 0 1rem; }
h1 { font-size: 1.3rem; margin-bottom: .2rem; }
pre { font: 12.5px/1.45 ui-monospace, monospace; margin: 0; overflow-x: auto; white-space: pre-wrap; }
.note { opacity: .7; margin-top: 0; }
.cell { border-left: 3px solid #8884; margin: 1rem 0; padding-left: .8rem; }
.cell.failed { border-color: #d33; }
.in { background: #8881; border-radius: 4px; padding: .5rem .7rem; }
.out { margin-top: .5rem; overflow-x: auto; }
.err { color: #d33; }
.prompt { font: 11px ui-monospace, monospace; opacity: .6; }
.failure { border: 1px solid #d33; border-radius: 4px; padding: .6rem .8rem; }
details > summary { cursor: pointer; opacity: .7; }
table { border-collapse: collapse; }
td, th { border-bottom: 1px solid #8883; padding: .15rem .6rem; text-align: right; }
img, svg { max-width: 100%; }"""
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_LARGEST = 5_000_000


def page(payload: Mapping[str, Any], notebook: Mapping[str, Any], failure: str | None) -> str:
    """Show the executed notebook of a step.

    Args:
        payload: What the component carries.
        notebook: The executed notebook.
        failure: Why the step failed, if it did.
    """
    duration = notebook["metadata"]["papermill"].get("duration")
    state = "succeeded" if failure is None else "failed"
    note = f"{payload['pipeline']} · {state}" + (f" after {duration:.1f} s" if duration is not None else "")
    body = [f'<p class="note">{escape(note)}</p>']
    if failure is not None:
        body.append(f'<pre class="failure err">{escape(failure)}</pre>')
    body += [_cell(cell) for cell in notebook["cells"]]
    return document(str(payload["name"]), body)


def document(title: str, body: list[str]) -> str:
    """Put parts of a page together."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body><h1>{escape(title)}</h1>\n"
        + "\n".join(part for part in body if part)
        + "\n</body></html>\n"
    )


def _cell(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    text = source if isinstance(source, str) else "".join(source)
    if cell["cell_type"] != "code":
        return f"<pre>{escape(text)}</pre>"
    metadata = cell.get("metadata", {})
    failed = metadata.get("papermill", {}).get("status") == "failed"
    count = cell.get("execution_count")
    code = f'<pre class="in">{escape(text)}</pre>'
    ours = metadata.get("mlops")
    if isinstance(ours, Mapping) and ours.get("role"):
        code = f"<details><summary>{escape(str(ours['role']))}</summary>{code}</details>"
    outputs = "".join(f'<div class="out">{_output(item)}</div>' for item in cell.get("outputs", []))
    prompt = f'<div class="prompt">[{count}]</div>' if count is not None else ""
    return f'<div class="cell{" failed" if failed else ""}">{prompt}{code}{outputs}</div>'


def _output(output: Mapping[str, Any]) -> str:
    kind = output["output_type"]
    if kind == "stream":
        return f"<pre{' class=err' if output['name'] == 'stderr' else ''}>{escape(_plain(output['text']))}</pre>"
    if kind == "error":
        text = "\n".join(output["traceback"]) or f"{output['ename']}: {output['evalue']}"
        return f'<pre class="err">{escape(_plain(text))}</pre>'
    return _rich(output.get("data", {}))


def _rich(data: Mapping[str, Any]) -> str:
    """The richest form that a page can show; as notebooks choose."""
    if "text/html" in data:
        return _limited(_text(data["text/html"]))
    if "image/svg+xml" in data:
        return _limited(_text(data["image/svg+xml"]))
    for kind in _IMAGES:
        if kind in data:
            coded = "".join(_text(data[kind]).split())
            return _limited(f'<img alt="" src="data:{kind};base64,{coded}">')
    for kind in ("text/markdown", "text/latex", "text/plain"):
        if kind in data:
            return f"<pre>{escape(_plain(_text(data[kind])))}</pre>"
    return f"<pre>[{escape(', '.join(data))}]</pre>" if data else ""


def _limited(text: str) -> str:
    return text if len(text) <= _LARGEST else f"<pre>[{len(text)} characters left out; see the notebook]</pre>"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "".join(map(str, value))


def _plain(text: str) -> str:
    return _ANSI.sub("", text)
