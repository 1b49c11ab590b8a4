"""The pipeline as a Mermaid flowchart."""

from __future__ import annotations

from jupyter_mlops.pipeline.drawing.labels import flow_names, one_line, summary
from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["mermaid"]

_MOST_NAMES = 4


def mermaid(pipeline: Pipeline) -> str:
    """Return the pipeline as ``flowchart TD``, a dotted arrow where only the order matters.

    Args:
        pipeline: May have errors; edges that lead nowhere are left out.

    Returns:
        Lines with a newline at the end.
    """
    ids = {step.slug: f"s{number}" for number, step in enumerate(pipeline.steps, 1)}
    lines = ["flowchart TD"]
    lines += [f'    {ids[step.slug]}["{_escape(one_line(step.name))}"]' for step in pipeline.steps]
    for edge in pipeline.edges:
        if edge.source not in ids or edge.target not in ids:
            continue
        text = summary(flow_names(edge), _MOST_NAMES)
        arrow = f'-->|"{_escape(text)}"|' if text else "-.->"
        lines.append(f"    {ids[edge.source]} {arrow} {ids[edge.target]}")
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    """Write characters that mean something to Mermaid, Markdown or HTML as entity codes."""
    return "".join(
        char if char.isalnum() or char in " _-.,:/()+=" or ord(char) > 127 else f"#{ord(char)};" for char in text
    )
