"""Templates and their kernels seen from outside: no process is left; watching; papermill's engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kernels are forked on Linux only"),
    pytest.mark.xdist_group("ports"),  # papermill's own kernels
]

SECONDS = 60.0
WAITS = "import os, pathlib, time\npathlib.Path('part').write_text(str(os.getpid()))\nos.rename('part', 'pid')\n"


@pytest.fixture
def start(work: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that starts a command line of Python's in a session of its own."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
        with (work / "out").open("w") as out, (work / "err").open("w") as err:
            command = [sys.executable, "-m", *arguments]
            started.append(
                subprocess.Popen(
                    command, cwd=work, env=environment, stdout=out, stderr=err, text=True, start_new_session=True
                )
            )
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_for(holds: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return list(psutil.Process(process.pid).children(recursive=True))


def templates(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those that are templates, and not forked from one."""
    pids = {process.pid for process in processes}
    return [item for item in processes if "mlops_runtime.template" in item.cmdline() and item.ppid() not in pids]


def text(work: Path, name: str) -> str:
    return (work / name).read_text(encoding="utf-8") if (work / name).exists() else ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left(number: int, work: Path, notebook: Callable[..., str], start: Any) -> None:
    cells = ("step:a", WAITS + "time.sleep(600)"), ("step:b", "import time\ntime.sleep(600)")
    (work / "demo.ipynb").write_text(notebook(*cells), encoding="utf-8")
    process = start("jupyter_mlops.cli", "run", "demo.ipynb", "--workers", "2")
    wait_for(lambda: text(work, "pid"))
    processes = family(process)
    assert len(templates(processes)) == 1 and int(text(work, "pid")) in [item.pid for item in processes]
    process.send_signal(number)
    assert process.wait(SECONDS) == (130 if number == signal.SIGINT else -number)
    assert not psutil.wait_procs(processes, timeout=30)[1]


def test_a_template_that_is_killed_during_a_run(work: Path, notebook: Callable[..., str], start: Any) -> None:
    cells = ("step:a", WAITS + "while not os.path.exists('go'):\n    time.sleep(0.05)\nx = 1"), ("step:b", "y = x + 1")
    (work / "demo.ipynb").write_text(notebook(*cells), encoding="utf-8")
    process = start("jupyter_mlops.cli", "run", "demo.ipynb", "--format", "json")
    wait_for(lambda: text(work, "pid"))
    processes = family(process)
    (template,) = templates(processes)
    template.kill()
    wait_for(lambda: not template.is_running() or template.status() == psutil.STATUS_ZOMBIE)
    (work / "go").touch()
    assert process.wait(SECONDS) == 0, text(work, "err")
    steps = json.loads(text(work, "out"))["steps"]
    assert [step["kernel"] for step in steps] == ["warm", "cold: the template has ended"]
    assert not psutil.wait_procs(processes, timeout=30)[1]


def test_watching(work: Path, notebook: Callable[..., str], start: Any) -> None:
    (work / "lib.py").write_text("def double(x):\n    return 2 * x\n", encoding="utf-8")
    (work / "in.txt").write_text("5", encoding="utf-8")
    cells = (
        ("step:read", "value = int(open('in.txt').read())"),
        ("step:use|metrics", "import lib\nmetric = lib.double(value)"),
    )
    (work / "demo.ipynb").write_text(notebook(*cells), encoding="utf-8")
    process = start("jupyter_mlops.cli", "run", "demo.ipynb", "--watch", "--format", "json", "--no-progress-bar")

    def result(number: int) -> dict[str, Any]:
        wait_for(lambda: process.poll() is not None or text(work, "err").count("Watching") >= number)
        assert process.poll() is None, text(work, "err")
        lines = text(work, "out").splitlines()
        assert len(lines) == number
        found: dict[str, Any] = json.loads(lines[-1])
        return found

    assert result(1)["metrics"] == {"metric": 10}
    (template,) = templates(family(process))
    (work / "in.txt").write_text("70", encoding="utf-8")
    assert result(2)["metrics"] == {"metric": 140}
    (work / "lib.py").write_text("def double(x):\n    return 3 * x\n", encoding="utf-8")
    third = result(3)
    assert third["metrics"] == {"metric": 210} and [step["status"] for step in third["steps"]] == [
        "reused",
        "succeeded",
    ]
    changed = (cells[0], (cells[1][0], cells[1][1] + " + 1"))
    (work / "demo.ipynb").write_text("{", encoding="utf-8")
    wait_for(lambda: text(work, "err").count("Watching") >= 4)
    (work / "demo.ipynb").write_text(notebook(*changed), encoding="utf-8")
    wait_for(lambda: text(work, "err").count("Watching") >= 5)
    last = json.loads(text(work, "out").splitlines()[-1])
    assert last["metrics"] == {"metric": 211} and last["steps"][1]["kernel"] == "warm"
    assert templates(family(process)) == [template], "it is kept from run to run"
    for name in ("in.txt", "lib.py", "demo.ipynb"):
        assert f"Changed: {name}" in text(work, "err")
    processes = family(process)
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 0, text(work, "err")
    assert "Traceback" not in text(work, "err")
    assert not psutil.wait_procs(processes, timeout=30)[1]


def test_papermill_with_this_engine_gives_what_its_own_gives(
    work: Path, notebook: Callable[..., str], start: Any
) -> None:
    cells = (
        ("parameters", "n = 1"),
        ("", "import pandas as pd\npd.DataFrame({'a': range(n)})"),
        ("", "import os\nprint(os.getcwd(), __name__, pd.get_option('display.max_rows'))"),
        ("", "words = open('/proc/self/cmdline').read()\nprint('template' in words, file=open('how', 'a'))"),
        ("", "1 / 0"),
    )
    (work / "demo.ipynb").write_text(notebook(*cells), encoding="utf-8")
    codes = []
    for name, engine in (("own", []), ("forked", ["--engine", "mlops"])):
        process = start("papermill", "demo.ipynb", f"{name}.ipynb", "-p", "n", "3", "--no-progress-bar", *engine)
        codes.append(process.wait(SECONDS))
        assert "ZeroDivisionError" in text(work, "err")
    assert codes == [1, 1]
    own, forked = (json.loads(text(work, f"{name}.ipynb"))["cells"] for name in ("own", "forked"))
    assert [cell["source"] for cell in own] == [cell["source"] for cell in forked]
    assert [outputs(cell) for cell in own] == [outputs(cell) for cell in forked]
    assert text(work, "how").split() == ["False", "True"]


def outputs(cell: dict[str, Any]) -> Any:
    return [{k: v for k, v in o.items() if k != "traceback"} for o in cell.get("outputs", [])]


def test_needless_imports_are_left_out_for_the_libraries_that_ask_for_them_alone() -> None:
    code = """
import sys
from jupyter_mlops.cli.sparing import needless_imports_left_out
with needless_imports_left_out():
    import nbformat, papermill.iorw
    assert not {"rfc3987_syntax", "isoduration", "pyarrow"} & set(sys.modules), "left out"
    import pyarrow
    assert pyarrow.array([1]).to_pylist() == [1], "who else asks gets the module itself"
assert not [item for item in sys.meta_path if "sparing" in type(item).__module__]
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
nbformat.validate(notebook)
notebook.cells[0]["cell_type"] = "nonsense"
try:
    nbformat.validate(notebook)
except nbformat.ValidationError:
    print("refused")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr
