from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from jupyter_mlops import api
from jupyter_mlops.environment import environment_of
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.notebook.reading import read_notebook


def notebook_beside(folder: Path, files: Mapping[str, str], *sources: str) -> Notebook:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    cells = [
        {"cell_type": "code", "id": f"c{number}", "metadata": {"tags": [f"step:s{number}"]}, "source": source}
        for number, source in enumerate(sources)
    ]
    path = folder / "demo.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))
    return read_notebook(path)


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"h.py": "import os\nfrom json import loads as read\na = b = 1\n_c = 2\ndef f(): g = 1\nclass K: v = 1"},
         {"os", "read", "a", "b", "f", "K"}),
        ({"h.py": "if True:\n    x = 1\nelse:\n    y = 2\nfor i in []:\n    with open('q') as z: pass"},
         {"x", "y", "i", "z"}),
        ({"h.py": "__all__ = ['a', '_b']\na = _b = c = 1"}, {"a", "_b"}),
        ({"h/__init__.py": "from .sub import *\ntop = 1", "h/sub.py": "low = 2"}, {"top", "low"}),
        ({"h/__init__.py": "from .sub import thing", "h/sub.py": "thing = other = 2"}, {"thing"}),
        ({"h.py": "from math import *\nx = 1"}, {"x", "pi", "tau"}),
    ],
)  # fmt: skip
def test_names_of_the_projects_own_modules(tmp_path: Path, files: Mapping[str, str], names: set[str]) -> None:
    notebook = notebook_beside(tmp_path, files, "from h import *")
    found = environment_of(notebook, lambda module: ("pi", "tau") if module == "math" else None)
    assert set(found.stars["h"]) == names
    assert "h" in found.modules


@pytest.mark.parametrize(
    "text",
    ["__all__ = make()", "__all__ = ['a']\n__all__ += ['b']", "a = 1\ndel a", "from elsewhere import *", "def f(:"],
)
def test_names_that_only_running_the_module_would_tell(tmp_path: Path, text: str) -> None:
    assert environment_of(notebook_beside(tmp_path, {"h.py": text}, "from h import *")).stars == {}


def test_modules_that_import_each_other(tmp_path: Path) -> None:
    files = {"h.py": "from g import *\nx = 1", "g.py": "from h import *\ny = 1"}
    assert environment_of(notebook_beside(tmp_path, files, "from h import *")).stars == {}


def test_a_module_inside_a_package(tmp_path: Path) -> None:
    files = {"pkg/__init__.py": "", "pkg/low.py": "from .base import *\nv = 1", "pkg/base.py": "w = 1"}
    found = environment_of(notebook_beside(tmp_path, files, "x = 1; from pkg.low import *"))
    assert set(found.stars["pkg.low"]) == {"v", "w"}


def test_modules_are_not_asked_about_without_need(tmp_path: Path) -> None:
    asked: list[str] = []
    notebook = notebook_beside(tmp_path, {"h.py": "x = 1"}, "import math\nfrom h import *\nfrom math import pi")
    environment_of(notebook, asked.append)
    assert asked == []


def test_installed_names_reach_the_pipeline(tmp_path: Path) -> None:
    sources = ("e = 1", "from math import *", "print(e, floor(pi))", "e = 3")
    pipeline = api.pipeline(notebook_beside(tmp_path, {}, *sources))
    assert pipeline.step("s2").inputs == ()  # math's e, not the first step's
    assert not [item for item in pipeline.diagnostics if item.severity == "error"]
