"""Keys, normal forms and what code depends on: pure."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path

import nbformat
import pytest

from jupyter_mlops.engine import filehashes
from jupyter_mlops.engine.cachekey import cache_key, changes
from jupyter_mlops.engine.codeform import CodeCell, code_cells
from jupyter_mlops.engine.codescan import scan
from jupyter_mlops.engine.filehashes import FileHashes
from jupyter_mlops.engine.interpreter import Distribution, Interpreter
from jupyter_mlops.engine.modules import find_modules
from jupyter_mlops.engine.notebooktext import notebook_text


def cell(source: str) -> CodeCell:
    raw = {"cell_type": "code", "id": "x", "metadata": {}, "source": source}
    return next(code_cells({"cells": [raw]}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x=1", "x = 1  # one"),
        ("f(a,\n  b)", "f(a, b)"),
        ("%time x = 1", "%time x = 1"),
        ("'a'", '"a"'),
        ("x;y", "x\ny"),
    ],
)
def test_equal_code(one: str, other: str) -> None:
    assert cell(one).form == cell(other).form


@pytest.mark.parametrize(
    ("one", "other"),
    [("x", "x;"), ("1", "1.0"), ("def f(): 'a'", "def f(): 'b'"), ("%%time\nx", "x"), ("!ls a", "!ls b"), ("(", "[")],
)
def test_different_code(one: str, other: str) -> None:
    assert cell(one).form != cell(other).form


def test_values_that_json_confuses_are_told_apart() -> None:
    keys = {cache_key({"parameters": {"x": value}}) for value in (1, 1.0, True, "1", None, [1], float("nan"))}
    assert len(keys) == 7


def test_a_change_is_found_in_its_line() -> None:
    old, new = cell("a = 1\nb = 2\nc = 3"), cell("a = 1\n# why\nb = 22\nc = 3")
    before = {"code": [old.form], "parameters": {"k": 1}, "distributions": {"numpy": "1.0", "gone": "2"}}
    after = {"code": [new.form], "parameters": {"k": 2}, "distributions": {"numpy": "2.0"}}
    found = {(item.part, item.name): item for item in changes(before, after, [new])}
    assert (found["code", ""].line, found["code", ""].before, found["code", ""].after) == (3, "b = 2", "b = 22")
    assert (found["parameters", "k"].before, found["parameters", "k"].after) == ("1", "2")
    assert found["distributions", "numpy"].after == "2.0" and found["distributions", "gone"].after is None
    assert len(found) == 4


def test_what_code_depends_on() -> None:
    found = scan(
        ast.parse("import a.b\nfrom c.d import e\nfrom . import f\nimport os\nos.environ['X']\nos.getenv('Y')")
    )
    assert found.imports == {"a", "c", "os"} and found.variables == {"X", "Y"} and not found.refusals


@pytest.mark.parametrize(
    "source", ["dict(os.environ)", "os.getenv(name)", "os.chdir('x')", "import_module(x)", "sys.path += ['x']"]
)
def test_what_keeps_code_from_being_reused(source: str) -> None:
    assert scan(ast.parse(source)).refusals


@pytest.mark.parametrize(
    ("source", "facts"),
    [
        ("import os\nhere = os.getcwd()", {"folder"}),
        ("from os import getcwd as g\nhere = g()", {"folder"}),
        ("from pathlib import Path\nhere = Path('data').resolve()", {"folder"}),
        ("here = __file__", {"folder"}),
        ("get_ipython().run_line_magic('pwd', '')", {"folder"}),
        ("from pathlib import Path\nhere = Path.home()", {"home"}),
        ("import os\nhere = os.path.expanduser('~')", {"home"}),
        ("import socket\nname = socket.gethostname()", {"host"}),
        ("import getpass\nname = getpass.getuser()", {"user"}),
        ("from os import cpu_count\nn = cpu_count()", {"processors"}),
        ("import tempfile\nhere = tempfile.gettempdir()", {"temporary"}),
        ("home = 1\nrows = open('in.txt').read()", set()),
    ],
)
def test_what_code_sees_of_the_place(source: str, facts: set[str]) -> None:
    assert scan(ast.parse(source)).observes == facts


def test_modules_of_the_project_and_distributions(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    (site / "big").mkdir(parents=True)
    (site / "big" / "__init__.py").touch()
    project = tmp_path / "project"
    (project / "pkg").mkdir(parents=True)
    (project / "pkg" / "__init__.py").write_text("from . import part", encoding="utf-8")
    (project / "pkg" / "part.py").write_text("import other", encoding="utf-8")
    (project / "other.py").write_text("import big, json, nowhere", encoding="utf-8")
    interpreter = Interpreter(
        {},
        frozenset({"json"}),
        paths=(str(site),),
        folders=frozenset({str(site)}),
        distributions={
            "big": Distribution("1.2", ("base",), ("big",)),
            "base": Distribution("3"),
            "unused": Distribution("9"),
        },
    )
    found = find_modules({"pkg"}, project, (), interpreter, FileHashes(None))
    assert sorted(found.local) == ["other.py", "pkg/__init__.py", "pkg/part.py"]
    assert found.distributions == {"big": "1.2", "base": "3", "nowhere": None}


def test_large_files_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filehashes, "_FRESH", -1)
    path, memory = tmp_path / "large", tmp_path / "memory.json"
    path.write_bytes(b"x" * 300_000)
    hashes = FileHashes(memory)
    digest = hashes.content(path)
    hashes.save()
    assert FileHashes(memory).content(path) == digest
    known = json.loads(memory.read_text(encoding="utf-8"))
    known[str(path.resolve())][4] = "remembered"
    memory.write_text(json.dumps(known), encoding="utf-8")
    assert FileHashes(memory).content(path) == "remembered"
    path.write_bytes(b"y" * 300_000)
    assert FileHashes(memory).content(path) not in (digest, "remembered")


def test_a_file_whose_time_was_put_back_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filehashes, "_FRESH", -1)
    path, memory = tmp_path / "large", tmp_path / "memory.json"
    path.write_bytes(b"x" * 300_000)
    before = path.stat()
    hashes = FileHashes(memory)
    digest = hashes.content(path)
    hashes.save()
    with path.open("r+b") as file:
        file.write(b"y")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert FileHashes(memory).content(path) != digest


@pytest.mark.parametrize("shift", [0, -3600, 1], ids=["just written", "the clock was put back", "a second ago"])
def test_a_file_that_may_change_within_a_tick_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift: int
) -> None:
    path, memory = tmp_path / "large", tmp_path / "memory.json"
    path.write_bytes(b"x" * 300_000)
    written = path.stat().st_mtime_ns
    monkeypatch.setattr(filehashes.time, "time_ns", lambda: written + shift * 10**9)
    hashes = FileHashes(memory)
    hashes.content(path)
    hashes.save()
    assert not memory.exists()


def test_notebooks_are_laid_out_as_jupyter_does() -> None:
    output = nbformat.v4.new_output("display_data", {"text/plain": "a\nb", "application/json": {"x": "c\nd"}})
    stream = nbformat.v4.new_output("stream", text="e\nf\n")
    code = nbformat.v4.new_code_cell("g\nh", outputs=[output, stream], id="x", metadata={"trusted": True})
    text = nbformat.v4.new_markdown_cell("ä", attachments={"p": {"image/png": "i\nj"}}, id="y")
    notebook = nbformat.v4.new_notebook(cells=[code, text])
    assert notebook_text(notebook) == nbformat.v4.writes(notebook) + "\n"
