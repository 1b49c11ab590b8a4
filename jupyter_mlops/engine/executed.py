"""What papermill's options ask of the executed notebook."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.notebooktext import notebook_text
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.steps.combine import combined_notebook

__all__ = ["prepared_text", "printed", "with_hidden_sources"]


def prepared_text(pipeline: Pipeline, source: Notebook, parameters: Mapping[str, Any], output: str) -> str:
    """Return the text of the notebook with the parameters in it, not executed.

    Args:
        output: Where it goes, for its metadata.
    """
    given = None if source.path is None else str(source.path)
    combined = combined_notebook(source.raw, pipeline, {}, parameters, input_path=given, output_path=output)
    return notebook_text(combined)


def with_hidden_sources(text: str) -> str:
    """Return the text of a notebook whose code is folded away."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.setdefault("metadata", {}).setdefault("jupyter", {})["source_hidden"] = True
    return notebook_text(notebook)


def printed(notebook: Path) -> dict[str, str]:
    """Return what the cells of an executed notebook printed, by stream, in the order of the page."""
    found = {"stdout": "", "stderr": ""}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            if output.get("output_type") == "stream" and output.get("name") in found:
                found[output["name"]] += "".join(output["text"])
    return found
