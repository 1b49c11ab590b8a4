"""Files and processes are noticed, in a process of its own since nobody can take an audit hook back."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import pytest

from jupyter_mlops.verify.probe.watching import file_digest, stamps

SCRIPT = """
import json, os, sqlite3, subprocess, sys
from pathlib import Path
from jupyter_mlops.verify.probe.watching import Watcher
root, project = Path(sys.argv[1]), Path(sys.argv[2])
watcher = Watcher(root, project)
watcher.listen()
os.chdir(root / "folder")
open("before.txt").close()
watcher.watching = True
CELL
watcher.watching = False
open("before.txt").close()
print(json.dumps(watcher.take()))
"""
CELL = """
open("before.txt").close()
open("new.txt", "w").close()
open("../top.txt", "a+").close()
os.close(os.open("raw.bin", os.O_WRONLY | os.O_CREAT))
Path(project, "absolute.txt").open().close()
open(os.devnull).close()
sqlite3.connect("data.db").close()
import helper
subprocess.run([sys.executable, "-c", "pass"])
os.system("exit 0")
try:
    open("missing.txt")
except FileNotFoundError:
    pass
"""


@pytest.fixture
def noticed(tmp_path: Path) -> list[dict[str, Any]]:
    root, project = tmp_path / "copy", tmp_path / "project"
    (root / "folder").mkdir(parents=True)
    project.mkdir()
    for path in (root / "folder" / "before.txt", root / "folder" / "helper.py", project / "absolute.txt"):
        path.touch()
    # The code has the name of a cell's file, so that its lines are the notebook's.
    cell = f"sys.path.insert(0, '.')\nexec(compile({CELL!r}, '/tmp/ipykernel_12/34.py', 'exec'))"
    command = [sys.executable, "-c", SCRIPT.replace("CELL", cell), str(root), str(project)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    made = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: list[dict[str, Any]] = json.loads(made.stdout)
    return found


def test_files_of_the_project_are_noticed_with_their_line(noticed: list[dict[str, Any]]) -> None:
    files = [(item["kind"], item["name"], item["line"]) for item in noticed if item["kind"] != "process"]
    assert files == [
        ("read", "folder/before.txt", 2),
        ("write", "folder/new.txt", 3),
        ("write", "top.txt", 4),
        ("read", "top.txt", 4),
        ("write", "folder/raw.bin", 5),
        ("read", "absolute.txt", 6),
        ("write", "folder/data.db", 8),
        ("read", "folder/data.db", 8),
        ("read", "folder/missing.txt", 13),
    ]
    assert {item["cwd"] for item in noticed} == {"folder"}


def test_processes_that_the_notebook_starts_are_noticed(noticed: list[dict[str, Any]]) -> None:
    processes = [(item["name"].rpartition("/")[2], item["line"]) for item in noticed if item["kind"] == "process"]
    assert [line for _, line in processes] == [10, 11]
    assert processes[0][0].endswith(" -c pass")
    assert processes[1][0] == "exit 0"


def test_changes_on_disk_show(tmp_path: Path) -> None:
    for name in ("same.txt", "changed.txt", "gone.txt"):
        (tmp_path / name).write_text("a")
    (tmp_path / "__pycache__").mkdir()
    before = stamps(tmp_path)
    (tmp_path / "changed.txt").write_text("ab")
    (tmp_path / "gone.txt").unlink()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "new.txt").touch()
    (tmp_path / "__pycache__" / "x.pyc").touch()
    after = stamps(tmp_path)
    assert {name for name in after if after[name] != before.get(name)} == {"changed.txt", "deep/new.txt"}
    assert before.keys() - after.keys() == {"gone.txt"}


@pytest.mark.parametrize("name", ["x.pkl", "x.joblib"])
def test_pickles_are_told_by_what_they_hold(name: str, tmp_path: Path) -> None:
    """Equal values may be pickled to other bytes, since pickles tell objects apart that are equal."""

    def write(value: Any) -> tuple[bytes, str | None]:
        path = tmp_path / name
        if path.suffix == ".pkl":
            path.write_bytes(pickle.dumps(value))
        else:
            joblib.dump(value, path)
        return path.read_bytes(), file_digest(path)

    text = "".join(["long", "text"])
    one, other = write([text, text]), write([text, "".join(["long", "text"])])
    assert one[0] != other[0]
    assert one[1] == other[1]
    assert one[1] != write([text, "other"])[1]


def test_other_files_are_told_by_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"a")
    one = file_digest(path)
    path.write_bytes(b"b")
    assert one != file_digest(path)
    (tmp_path / "broken.pkl").write_bytes(b"b")
    assert file_digest(tmp_path / "broken.pkl") == file_digest(path)
