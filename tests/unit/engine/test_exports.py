from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from jupyter_mlops.engine import exports
from jupyter_mlops.engine.exports import exported_names
from jupyter_mlops.engine.kernels import Kernel


@pytest.fixture(autouse=True)
def own_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "find_kernel", lambda name: Kernel(name, (sys.executable, "-m", "ipykernel_launcher")))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Modules that the interpreter was asked about."""
    names: list[str] = []
    ask = exports._ask
    monkeypatch.setattr(exports, "_ask", lambda module, *rest: (names.append(module), ask(module, *rest))[1])
    return names


@pytest.mark.parametrize(("module", "some"), [("math", {"pi", "floor"}), ("os.path", {"join"}), ("random", {"seed"})])
def test_what_an_import_of_everything_binds(module: str, some: set[str]) -> None:
    space: dict[str, object] = {}
    exec(f"from {module} import *", space)
    names = exported_names(module, "python3")
    assert names is not None
    assert set(names) == set(space) - {"__builtins__"}
    assert some < set(names)


def test_a_module_that_can_not_be_imported() -> None:
    assert exported_names("no_such_module", "python3") is None


def test_what_a_module_prints_is_not_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loud.py").write_text("import os\nprint('[]')\nos.system('echo noise')\n__all__ = ['os']\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert exported_names("loud", "python3") == ("os",)


def test_a_module_in_the_current_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "beside.py").write_text("open('ran.txt', 'w')\nx = 1\n")
    monkeypatch.chdir(tmp_path)
    assert exported_names("beside", "python3") is None
    assert not (tmp_path / "ran.txt").exists()


def test_answers_are_remembered(tmp_path: Path, asked: list[str]) -> None:
    cache = tmp_path / "exports.json"
    first = exported_names("json", "python3", cache)
    assert exported_names("json", "python3", cache) == first
    assert asked == ["json"]


def test_a_changed_module_is_asked_about_again(tmp_path: Path, asked: list[str]) -> None:
    cache = tmp_path / "exports.json"
    exported_names("json", "python3", cache)
    known = json.loads(cache.read_text())
    cache.write_text(json.dumps({key: {**entry, "stamp": [1, 2], "names": ["old"]} for key, entry in known.items()}))
    assert "loads" in (exported_names("json", "python3", cache) or ())
    assert asked == ["json", "json"]


def test_modules_that_are_still_worked_on_are_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    (tmp_path / "lab.py").write_text("x = 1\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for _ in range(2):
        assert exported_names("lab", "python3", tmp_path / "exports.json") == ("x",)
    assert asked == ["lab", "lab"]


@pytest.mark.parametrize("content", ["", "[1]", '{"a": 1}', "{"])
def test_a_broken_memory_is_no_obstacle(tmp_path: Path, content: str) -> None:
    cache = tmp_path / "exports.json"
    cache.write_text(content)
    assert "pi" in (exported_names("math", "python3", cache) or ())


def test_nothing_is_written_where_nothing_was_run(tmp_path: Path) -> None:
    exported_names("math", "python3", tmp_path / ".mlops" / "exports.json")
    assert list(tmp_path.iterdir()) == []
