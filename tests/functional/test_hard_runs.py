"""Runs that end badly, and runs of what looks strange: names, sizes, devices, the user's errors, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., str]
Run = Callable[..., Any]


@pytest.mark.parametrize(
    "name", ["two words", "it's", 'say "hi"', "ünï ☃ 日本", "$HOME {x} %s", "-dash", "a;b&c#d", "back\\slash"]
)
def test_any_file_name_will_do(name: str, run: Run, notebook: Make, work: Path) -> None:
    (work / name).mkdir()
    (work / name / f"{name}.ipynb").write_text(notebook(("step:a", "x = 1\ny = undefined_name")))
    path = f"{name}/{name}.ipynb" if not name.startswith("-") else f"./{name}/{name}.ipynb"
    printed = run("check", path)
    assert printed.code == 3
    assert printed.out.startswith(f"{name}/{name}.ipynb, cell 1 (a), line 2: error MLO012: ")
    assert run("check", f"{path[: -len(name) - 6]}../{name}/{name}.ipynb").code == 3


def test_a_run_with_the_strangest_of_names(
    run: Run, notebook: Make, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = 'it\'s "a" $HOME {x} ünï ☃ %s;#&'
    folder = work / name / "inner"
    folder.mkdir(parents=True)
    cells = [
        ("parameters", "n = 1"),
        ("step:a b", "open('é.txt', 'w').write('é')\nx = n"),
        ("metrics", "m = x + len(open('é.txt').read())"),
    ]
    source = work / name / f"{name}.ipynb"
    source.write_text(notebook(*cells))
    before = source.read_bytes()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", f"../{name} home")
    printed = run(
        *["run", f"../{name}.ipynb", f"../inner/out {name}.ipynb", "-p", "n", "41", "--report", f"../{name}.html"],
        *["--format", "json"],
    )
    assert printed.code == 0, printed.err
    result = json.loads(printed.out)
    assert result["metrics"] == {"m": 42.0}
    assert Path(result["output_notebook"]).resolve() == folder / f"out {name}.ipynb"
    assert json.loads((folder / f"out {name}.ipynb").read_text(encoding="utf-8"))["cells"]
    assert (work / name / f"{name}.html").stat().st_size > 1000
    assert source.read_bytes() == before
    assert sorted(path.name for path in work.iterdir()) == sorted([name, "pyproject.toml"])
    assert sorted(path.name for path in (work / name).iterdir()) == sorted(
        [f"{name}.ipynb", "inner", "é.txt", f"{name}.html", f"{name} home"]
    )


def test_suggested_commands_can_be_typed(run: Run, notebook: Make, work: Path) -> None:
    name = "it's $HOME.ipynb"
    (work / name).write_text(notebook(("parameters", "n = 1"), ("step:a", "x = n")))
    printed = run("run", name, "my out.ipynb", "--no-progress-bar")
    assert printed.code == 0
    suggested = [line for line in printed.out.splitlines() if line.startswith("  jupyter mlops")]
    words = [shlex.split(line) for line in suggested]
    assert suggested and all(name in line for line in words)


def huge(path: Path, notebook: Make) -> None:
    content = json.loads(notebook(("step:a", "x = 1"), ("metrics", "m = x")))
    image = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "iVBOR" * 200_000}}
    text = {"output_type": "stream", "name": "stdout", "text": ["a line of numbers 0.12345\n"] * 1_000_000}
    content["cells"][0]["outputs"] = [image] * 72 + [text]
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("command", [["show"], ["check"], ["run", "out.ipynb"]])
def test_100_megabytes_of_outputs(command: list[str], notebook: Make, work: Path) -> None:
    huge(work / "nb.ipynb", notebook)
    assert (work / "nb.ipynb").stat().st_size > 100_000_000
    line = [sys.executable, "-m", "jupyter_mlops.cli", command[0], "nb.ipynb", *command[1:]]
    done = subprocess.run(line, cwd=work, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) < 5000
    written = sum(path.stat().st_size for path in work.rglob("*") if path.is_file() and path.name != "nb.ipynb")
    assert written < 10_000_000, "the old outputs are not copied"


def test_a_full_disk_and_no_file_at_all(run: Run, notebook: Make, work: Path) -> None:
    (work / "nb.ipynb").write_text(notebook(("step:a", "x = 1")))
    full, nothing = Path("/dev/full"), Path(os.devnull)
    (work / "full").symlink_to(full)
    (work / "nothing").symlink_to(nothing)
    printed = run("run", "nb.ipynb", "full", "--no-progress-bar")
    assert printed.code == 4
    message, hint = printed.err.splitlines()
    assert message == f"error: {work}/full can't be written: No space left on device."
    assert hint.startswith(f"hint: The run is done; its notebook is {work}/.mlops/runs/")
    assert run("run", "nb.ipynb", "nothing", "--no-progress-bar").code == 0
    assert full.is_char_device() and nothing.is_char_device(), "a device was replaced by a file"


def test_warnings_are_said_before_a_run(run: Run, notebook: Make, work: Path) -> None:
    (work / "nb.ipynb").write_text(notebook())
    printed = run("run", "nb.ipynb", "--format", "json")
    assert printed.code == 0
    assert printed.err.startswith("nb.ipynb: warning MLO019: The notebook has no code to run\n")
    assert json.loads(printed.out)["steps"] == []


# --- the user's own code fails --------------------------------------------------------------------------------------


def test_a_failure_shows_the_users_code_and_nothing_else(run: Run, notebook: Make, work: Path) -> None:
    cells = [
        ("functions", "import json\n\ndef parse(text):\n    '''Read it.'''\n    return json.loads(text)"),
        ("step:load", "text = 'no'"),
        ("step:train", "n = 1\n"),
        ("step:train", "\nrows = n\nframe = parse(text)"),
    ]
    (work / "nb.ipynb").write_text(notebook(*cells))
    printed = run("run", "nb.ipynb", "out.ipynb", "--no-progress-bar")
    assert printed.code == 1
    expected = """
            Traceback (most recent call last):
            Cell 4 (train), line 3
                  2 rows = n
            ----> 3 frame = parse(text)
            Cell 1 (functions), line 5, in parse(text)
                  3 def parse(text):
                  4     '''Read it.'''
            ----> 5     return json.loads(text)
            [3 frames in Python]
            JSONDecodeError: Expecting value: line 1 column 1 (char 0)
        error: nb.ipynb, cell 4 (train), line 3: JSONDecodeError: Expecting value: line 1 column 1 (char 0)
        """
    assert re.sub(r"\d frames", "3 frames", printed.err) == textwrap.dedent(expected).rstrip(" ")
    suggested = [line.split()[2] for line in printed.out.splitlines() if line.startswith("  jupyter lab")]
    assert [Path(path).name for path in suggested] == ["02-train.ipynb", "out.ipynb"]
    assert all(Path(path).is_file() for path in suggested)


def test_a_value_that_can_not_be_handed_over_has_no_traceback(run: Run, notebook: Make, work: Path) -> None:
    (work / "nb.ipynb").write_text(
        notebook(("step:a", "import threading\nlock = threading.Lock()"), ("step:b", "print(lock)"))
    )
    printed = run("run", "nb.ipynb", "--no-progress-bar")
    assert printed.code in (1, 3)
    assert "Traceback" not in printed.err
    assert "nb.ipynb, cell 1 (a), line 2: " in printed.err and "lock" in printed.err


def test_interrupted(notebook: Make, work: Path) -> None:
    (work / "nb.ipynb").write_text(
        notebook(("parameters", "seconds = 1"), ("step:a", "import os, time\nprint(os.getpid())\ntime.sleep(seconds)"))
    )
    line = [sys.executable, "-m", "jupyter_mlops.cli", "run", "nb.ipynb", "out.ipynb", "-p", "seconds", "60"]
    process = subprocess.Popen(
        [*line, "--log-output"], cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    kernel = next(int(text.split("│")[1]) for text in process.stderr if "│" in text)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Traceback" not in out + err
    assert "a … cancelled: the run was stopped" in err
    assert any(text.startswith("Cancelled in ") for text in out.splitlines())
    assert "  jupyter mlops run nb.ipynb out.ipynb -p seconds 60  run it again" in out.splitlines()
    assert ended(kernel)


def ended(process: int) -> bool:
    for _ in range(50):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
