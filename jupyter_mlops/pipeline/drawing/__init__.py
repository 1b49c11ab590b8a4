"""Drawings of a pipeline: for a terminal, as Mermaid text, as SVG."""

from __future__ import annotations

from jupyter_mlops.pipeline.drawing.mermaid import mermaid
from jupyter_mlops.pipeline.drawing.palette import step_color
from jupyter_mlops.pipeline.drawing.svg import svg
from jupyter_mlops.pipeline.drawing.text import text_graph

__all__ = ["mermaid", "step_color", "svg", "text_graph"]
