"""What a template has to be like, told from the code of the steps and from the kernelspec."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.engine.kernels import Kernel
from jupyter_mlops.engine.warm.wish import (
    Wish,
    heavy_imports,
    launch_arguments,
    resolved,
    sets_environment,
    table,
    unsuitable,
)

ARGV = ("python", "-m", "ipykernel_launcher", "-f", "{connection_file}")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pandas as pd, os, numpy", ["import pandas", "import numpy"]),
        ("import matplotlib.pyplot as plt", ["import matplotlib.pyplot"]),
        ("from sklearn.svm import SVC as S, LinearSVC", ["from sklearn.svm import SVC, LinearSVC"]),
        (
            "if x:\n    import numpy\ntry:\n    import scipy\nexcept ImportError:\n    pass",
            ["import numpy", "import scipy"],
        ),
        ("import numpy\nimport numpy", ["import numpy"]),
        ("def f():\n    import numpy\nclass C:\n    import pandas", []),
        ("from . import numpy\nfrom .pandas import x", []),
        ("import numpyish, torch, mine", []),
        ("from numpy import *", ["from numpy import *"]),
    ],
)
def test_imports_that_a_template_executes(source: str, found: list[str]) -> None:
    assert heavy_imports([ast.parse(source)]) == found


def test_imports_of_all_steps_keep_their_order() -> None:
    trees = [ast.parse("import scipy"), ast.parse("import numpy\nimport scipy")]
    assert heavy_imports(trees) == ["import scipy", "import numpy"]


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ['OMP_NUM_THREADS'] = '1'",
        "os.environ.setdefault('A', '1')",
        "os.environ.update(A='1')",
        "os.environ |= {'A': '1'}",
        "del os.environ['A']",
        "os.environ.pop('A', None)",
        "os.putenv('A', '1')",
        "from os import environ\nenviron['A'] = '1'",
        "e = os.environ\ne['A'] = '1'",
        "load_dotenv()",
        "get_ipython().run_line_magic('env', 'A=1')",
        "get_ipython().run_line_magic('set_env', 'A 1')",
        "def f():\n    os.environ['A'] = '1'",
    ],
)
def test_code_that_may_set_variables(source: str) -> None:
    assert sets_environment([ast.parse("x = 1"), ast.parse(source)])


@pytest.mark.parametrize(
    "source",
    [
        "os.environ['HOME']",
        "os.environ.get('A', '')",
        "os.getenv('A')",
        "'A' in os.environ",
        "dict(os.environ.items())",
        "os.environ.copy()",
        "get_ipython().run_line_magic('matplotlib', 'inline')",
    ],
)
def test_code_that_reads_variables(source: str) -> None:
    assert not sets_environment([ast.parse(source)])


@pytest.mark.parametrize(
    ("argv", "arguments"),
    [
        (ARGV, ["-f", "x.json"]),
        (("/p/python3", "-Xfrozen_modules=off", "-m", "ipykernel", "-f", "{connection_file}", "--debug"), None),
        (("python", "-m", "ipykernel_launcher", "-f", "{connection_file}", "{resource_dir}"), None),
        (("python", "-m", "ipykernel_launcher"), None),
        (("python", "-m", "mykernel", "-f", "{connection_file}"), None),
        (("sh", "-c", "exec python"), None),
    ],
)
def test_arguments_of_the_kernelspec(argv: tuple[str, ...], arguments: list[str] | None) -> None:
    if argv[-1] == "--debug":
        arguments = ["-f", "x.json", "--debug"]
    assert launch_arguments(Kernel("k", argv), "x.json") == arguments


def test_kernels_that_are_not_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert unsuitable(Kernel("k", ARGV)) is None
    assert unsuitable(Kernel("k", ARGV, is_plain=False)) == "the kernel is not a plain ipykernel"
    assert unsuitable(Kernel("k", ("xpython", "-f", "{connection_file}"))) == "the kernel is not a plain ipykernel"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert unsuitable(Kernel("k", ARGV)) == "kernels are forked on Linux only"


@pytest.mark.parametrize("name", ["pandas.py", "pandas/__init__.py"])
def test_a_file_that_stands_for_an_installed_module(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "lib"
    wish = Wish(("python",), {}, tmp_path, folders=(folder,))
    assert wish.shadowed(["numpy", "pandas"]) is None
    (folder / name).parent.mkdir(parents=True)
    (folder / name).touch()
    assert wish.shadowed(["numpy", "pandas"]) == name
    assert wish.shadowed(["numpy"]) is None


def test_the_environment_is_the_one_of_jupyter_client() -> None:
    given = {"HOME": "/h", "PYTHONEXECUTABLE": "x"}
    stanza = {"A": "${HOME}/a", "B": "$$5", "C": "${NOBODY}"}
    assert resolved(stanza, given) == {"HOME": "/h", "A": "/h/a", "B": "$5", "C": "${NOBODY}"}


def test_the_place_of_a_wish_leaves_out_what_can_be_imported_later() -> None:
    def place(**more: Any) -> tuple[Any, ...]:
        fields: dict[str, Any] = {"command": ("p",), "environment": {"A": "1"}, "cwd": Path("/"), **more}
        return Wish(**fields).place

    assert place() == place(imports=("import numpy",))
    others = [place(environment={"A": "2"}), place(cwd=Path("/tmp")), place(command=("q",))]
    assert all(other != place() for other in others)


def test_documented_modules_are_those_of_the_table(root: Path) -> None:
    text = (root / "docs" / "kernels.md").read_text(encoding="utf-8")
    assert ", ".join(f"`{name}`" for name in table()["modules"]).replace(" ", "") in text.replace(" ", "").replace(
        "\n", ""
    )
