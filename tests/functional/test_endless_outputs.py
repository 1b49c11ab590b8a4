"""Cells that print without end, or far too much: neither memory nor disk is filled."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.engine.capture import LIMITS

pytestmark = pytest.mark.alone


def outputs(path: Path, cell: str) -> list[Any]:
    found = {item.id: item for item in nbformat.read(path, as_version=4).cells}
    return list(found[cell].outputs)


ENDLESS = """
import sys, resource, json
from pathlib import Path
import psutil, threading, time
import jupyter_mlops as mlops

peak = [0]
def watch():
    me = psutil.Process()
    while True:
        peak[0] = max(peak[0], me.memory_info().rss)
        time.sleep(0.05)

import papermill.execute
before = psutil.Process().memory_info().rss
threading.Thread(target=watch, daemon=True).start()
result = mlops.run(sys.argv[1], output="out.ipynb", timeout=float(sys.argv[2]))
error = result.steps[0].error
print(json.dumps({"grown": peak[0] - before, "ename": error and error.ename, "step": repr(result.steps[0]),
                  "log": str(result.steps[0].log),
                  "home": sum(p.stat().st_size for p in Path(".mlops").rglob("*") if p.is_file())}))
"""


def endless(path: Path, seconds: float) -> dict[str, Any]:
    import subprocess

    line = [sys.executable, "-c", ENDLESS, path.name, str(seconds)]
    # Kernels that know of pytest leave what other programs print alone.
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    done = subprocess.run(
        line, cwd=path.parent, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    "source",
    [
        "n = 0\nwhile True:\n    n += 1\n    print('line', n, 'x' * 200)",
        "n = 0\nwhile True:\n    n += 1\n    print('line', n, flush=True)",
        "print('line 1')\nwhile True:\n    print('x' * 5_000_000)",
        "print('line 1')\nimport os\nos.system('yes')",
    ],
    ids=["lines", "flushed lines", "long lines", "another program"],
)
def test_a_cell_that_prints_without_end_fills_neither_memory_nor_disk(source: str, write: Any) -> None:
    found = endless(write(("step:a", source)), 12)
    assert found["ename"] == "StepTimeout", found["step"]
    assert found["grown"] < (1_000_000_000 if "5_000_000" in source else 300_000_000), "a single message may be large"
    assert found["home"] < 120_000_000, "two notebooks, in which each line takes a dozen characters more, and a log"
    texts = [item.text for item in outputs(Path("out.ipynb"), "cell-1") if item.output_type == "stream"]
    assert texts[0].startswith("line 1")
    assert sum(map(len, texts)) <= LIMITS.text + 2 * LIMITS.tail
    if "flush" not in source:
        assert "of output left out here: of a cell the first 10 MB or 200,000 lines and the end are kept]" in texts[-1]
        assert "of output left out here" in Path(found["log"]).read_text()


def test_a_display_of_500_megabytes(write: Any) -> None:
    path = write(
        ("step:a", "from IPython.display import HTML\nHTML('x' * 500_000_000)"),
        ("step:a", "print('y' * 100_000_000)"),
        ("step:a", "print('goes on')"),
    )
    found = endless(path, 100)
    assert found["ename"] is None, found["step"]
    (output,) = outputs(Path("out.ipynb"), "cell-1")
    assert output.data["text/plain"] == "[output of 500 MB left out: it is larger than 64 MB]"
    first, rest = outputs(Path("out.ipynb"), "cell-2")
    assert len(first.text) <= LIMITS.text and first.text.startswith("yyy")
    assert "[89.8 MB of output left out here" in rest.text
    assert outputs(Path("out.ipynb"), "cell-3")[0].text == "goes on\n"
    assert Path("out.ipynb").stat().st_size < 15_000_000
    assert found["grown"] < 1_200_000_000, "the message as it comes, and no copies"
