"""Notebooks in, cells with their tags understood out.

    .ipynb ── reading ──▶ upgrade (nbformat 4.5) ──▶ tags, kale, settings, magics ──▶ Notebook

Everything that is wrong with tags or metadata is a diagnostic of the notebook;
only a file that is no notebook is an error.
"""

from jupyter_mlops.notebook.magics import python_source
from jupyter_mlops.notebook.model import (
    Accelerator,
    Cell,
    DeclaredName,
    Magic,
    Notebook,
    PythonSource,
    Role,
    Secret,
    StepSettings,
    Volume,
)
from jupyter_mlops.notebook.names import nearest, slugify
from jupyter_mlops.notebook.reading import parse_notebook, read_notebook
from jupyter_mlops.notebook.settings import merge
from jupyter_mlops.notebook.tags import read_tags

__all__ = [
    "Accelerator",
    "Cell",
    "DeclaredName",
    "Magic",
    "Notebook",
    "PythonSource",
    "Role",
    "Secret",
    "StepSettings",
    "Volume",
    "merge",
    "nearest",
    "parse_notebook",
    "python_source",
    "read_notebook",
    "read_tags",
    "slugify",
]
