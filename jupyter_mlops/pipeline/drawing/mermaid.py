"""The pipeline as a Mermaid flowchart."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_mlops.pipeline.drawing.labels import flow_names, one_line, summary
from jupyter_mlops.pipeline.drawing.palette import STATUS_COLORS
from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["mermaid"]

_MOST_NAMES = 4


def mermaid(pipeline: Pipeline, status: Mapping[str, str] | None = None) -> str:
    """Return the pipeline as ``flowchart TD``, a dotted arrow where only the order matters.

    Args:
        pipeline: May have errors; edges that lead nowhere are left out.
        status: By slug, how a step stands: a status, and what else goes below the step's name (``failed · 2 s``).

    Returns:
        Lines with a newline at the end.
    """
    status = status or {}
    ids = {step.slug: f"s{number}" for number, step in enumerate(pipeline.steps, 1)}
    lines = ["flowchart TD"]
    for step in pipeline.steps:
        name, state = _escape(one_line(step.name)), status.get(step.slug, "")
        lines.append(f'    {ids[step.slug]}["{name}{f"<br/>{_escape(one_line(state))}" if state else ""}"]')
    for edge in pipeline.edges:
        if edge.source not in ids or edge.target not in ids:
            continue
        text = summary(flow_names(edge), _MOST_NAMES)
        arrow = f'-->|"{_escape(text)}"|' if text else "-.->"
        lines.append(f"    {ids[edge.source]} {arrow} {ids[edge.target]}")
    return "\n".join([*lines, *_classes(ids, status)]) + "\n"


def _classes(ids: Mapping[str, str], status: Mapping[str, str]) -> list[str]:
    """Frames in the colours of the states; no fills, which one of the reader's themes would not suit."""
    members: dict[str, list[str]] = {}
    for slug, state in status.items():
        word = (state.split() or [""])[0]
        if slug in ids and word in STATUS_COLORS:
            members.setdefault(word, []).append(ids[slug])
    lines = []
    for word, steps in members.items():
        dashes = ",stroke-dasharray:4 3" if word not in ("succeeded", "failed", "running") else ""
        lines.append(f"    classDef {word} stroke:{STATUS_COLORS[word]},stroke-width:2px{dashes}")
        lines.append(f"    class {','.join(steps)} {word}")
    return lines


def _escape(text: str) -> str:
    """Write characters that mean something to Mermaid, Markdown or HTML as entity codes."""
    return "".join(
        char if char.isalnum() or char in " _-.,:/()+=" or ord(char) > 127 else f"#{ord(char)};" for char in text
    )
