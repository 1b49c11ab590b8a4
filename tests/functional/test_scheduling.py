"""Which step runs when; what happens when steps fail, hang, print without end, or are tried again."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import nbformat
import pytest

import jupyter_mlops as mlops
from jupyter_mlops.engine.attempts import FAILED_ATTEMPTS
from jupyter_mlops.engine.capture import LIMITS
from jupyter_mlops.engine.events import StepFinished, StepRetrying, StepStarted
from jupyter_mlops.store.database import Database

Make = Callable[..., str]


class Watcher:
    """Remembers events."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def handle(self, event: Any) -> None:
        self.events.append(event)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def write(notebook: Make, work: Path) -> Callable[..., Path]:
    """Write a notebook of (tags, source) pairs; ``settings`` by the number of the cell, from 1."""

    def make(*cells: tuple[str, str], **settings: dict[str, Any]) -> Path:
        content = json.loads(notebook(*((tags, textwrap.dedent(source).strip()) for tags, source in cells)))
        for name, values in settings.items():
            content["cells"][int(name.removeprefix("cell")) - 1]["metadata"]["mlops"] = values
        path = work / "nb.ipynb"
        path.write_text(json.dumps(content))
        return path

    return make


def outputs(path: Path, cell: str) -> list[Any]:
    found = {item.id: item for item in nbformat.read(path, as_version=4).cells}
    return list(found[cell].outputs)


# --- order and limits -------------------------------------------------------------------------------------------------


def test_the_longest_way_goes_first_once_it_is_known(write: Any, work: Path) -> None:
    path = write(
        ("imports", "import time"),
        ("step:short", "a = 1"),
        ("step:long", "time.sleep(0.7)\nb = 1"),
        ("step:end", "c = b\ntime.sleep(1)"),
    )
    orders = []
    for _ in range(2):
        watcher = Watcher()
        result = mlops.run(path, workers=1, reporter=watcher, no_cache=True)
        assert result.status == "succeeded"
        orders.append([event.slug for event in watcher.of(StepStarted)])
    assert orders[0] == ["long", "short", "end"], "two steps are a longer way than one; ties keep the page's order"
    assert orders[1] == ["long", "end", "short"], "by what they took"


def test_a_step_that_asks_for_too_much_runs_alone_and_says_so(write: Any) -> None:
    source = """
        import pathlib, time
        name = {!r}
        pathlib.Path(name + '.begin').touch()
        time.sleep(0.5)
        others = [path.name for path in pathlib.Path('.').glob('*.begin')
                  if not pathlib.Path(path.stem + '.end').exists() and path.stem != name]
        pathlib.Path(name + '.end').touch()
        print(others)
    """
    path = write(
        ("step:huge", source.format("huge")),
        ("step:one", source.format("one")),
        ("step:two", source.format("two")),
        cell1={"cpu": 1000},
    )
    result = mlops.run(path, workers=3, output=path.with_name("out.ipynb"))
    assert [step.status for step in result.steps] == ["succeeded"] * 3, result.failures
    assert result.steps[0].reason is not None and "it asks for 1000 cores of " in result.steps[0].reason
    assert result.steps[1].reason is None
    assert outputs(path.with_name("out.ipynb"), "cell-1")[0].text == "[]\n"


# --- failures ---------------------------------------------------------------------------------------------------------

FAILING = (
    ("step:bad", "import time\ntime.sleep(0.3)\nraise ValueError('no good')"),
    ("step:slow", "import time\nfor _ in range(600):\n    time.sleep(0.1)\nx = 1"),
    ("step:after", "y = x"),
)


def test_fail_fast_ends_the_run(write: Any, run: Any) -> None:
    path = write(*FAILING)
    printed = run("run", path, "--fail-fast", "--workers", "2", "--format", "json")
    assert printed.code == 1
    result = json.loads(printed.out)
    assert result["status"] == "failed"
    why = "bad failed, and the run was to end with the first failure"
    assert [(step["status"], step["reason"]) for step in result["steps"]] == [
        ("failed", None),
        ("cancelled", why),
        ("skipped", why),
    ]


def test_a_failure_leaves_the_other_branches_alone(write: Any) -> None:
    path = write(
        ("step:bad", "x = 1 / 0"), ("step:after", "y = x"), ("step:other", "z = 1"), ("step:after other", "z + 1")
    )
    result = mlops.run(path)
    assert [step.status for step in result.steps] == ["failed", "skipped", "succeeded", "succeeded"]


def test_retries_begin_where_the_first_attempt_did(write: Any, work: Path, root: Path) -> None:
    (work / "numbers.txt").write_text("1\n")
    path = write(
        ("step:make", "open('made.txt', 'w').write('made\\n')\nbase = [1]"),
        (
            "step:flaky",
            f"""
            base.append(2)
            with open('numbers.txt', 'a') as file:
                file.write('2\\n')
            with open('made.txt', 'a') as file:
                file.write('changed\\n')
            with open('new.txt', 'x') as file:
                file.write('new')
            import os, subprocess
            tries = '{work.parent}/tries'
            count = int(subprocess.check_output(f'echo x >> {{tries}}; wc -l < {{tries}}', shell=True))
            print('attempt', count, os.getpid())
            if count < 3:
                raise ConnectionError(f'no route {{count}}')
            """,
        ),
        ("step:use", "print(base, open('made.txt').read(), open('numbers.txt').read(), open('new.txt').read())"),
        cell2={"retries": 3, "backoff": {"delay": 0.05, "factor": 2}},
    )
    watcher = Watcher()
    result = mlops.run(path, output=path.with_name("out.ipynb"), reporter=watcher)
    assert result.status == "succeeded", result.failures
    assert outputs(path.with_name("out.ipynb"), "cell-3")[0].text == "[1, 2] made\nchanged\n 1\n2\n new\n"
    flaky = result.steps[1]
    assert (flaky.attempts, flaky.reason) == (3, "attempt 3 of 4; attempt 2: ConnectionError: no route 2")
    retrying = watcher.of(StepRetrying)
    assert [(event.attempt, event.attempts, event.delay) for event in retrying] == [(1, 4, 0.05), (2, 4, 0.1)]
    assert retrying[0].failure.cell == "cell-2"
    assert [event.attempt for event in watcher.of(StepStarted) if event.slug == "flaky"] == [1, 2, 3]
    assert flaky.log is not None
    lines = [line.split() for line in flaky.log.read_text().splitlines() if line.startswith(("attempt", "[attempt"))]
    assert [line[:2] for line in lines] == [
        ["attempt", "1"],
        ["[attempt", "2]"],
        ["attempt", "2"],
        ["[attempt", "3]"],
        ["attempt", "3"],
    ]
    assert len({line[2] for line in lines if len(line) == 3}) == 3, "a kernel of its own each"
    with Database(work / ".mlops" / "mlops.db") as database:
        record = database.steps_of(result.run_id)[1]
        assert (record.status, record.attempts, record.error) == ("succeeded", 3, None)
        kept = json.loads(database.document(result.run_id, FAILED_ATTEMPTS, "flaky") or "")
        assert [failure["evalue"] for failure in kept] == ["no route 1", "no route 2"]
        assert "raise ConnectionError" in kept[0]["traceback"]
    names = sorted(item.name for item in (result.directory / "steps").glob("02-*.ipynb"))
    assert names == ["02-flaky.attempt-1.ipynb", "02-flaky.attempt-2.ipynb", "02-flaky.ipynb"]
    schema = json.loads((root / "docs" / "schema" / "run.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(result.to_json())


def test_what_is_not_tried_again(write: Any, work: Path) -> None:
    stubborn = "class Stubborn:\n    def __reduce_ex__(self, protocol):\n        raise TypeError('no')\n"
    path = write(
        ("step:syntax", "exec('x = = 1')"),
        ("step:unpicklable", f"{stubborn}g = Stubborn()"),
        ("step:use", "print(g)"),
        ("step:dead", "import os\nos._exit(3)"),
        ("step:missing", "import no_such_module_anywhere"),
        **{f"cell{number}": {"retries": 1, "backoff": 0} for number in (1, 2, 4, 5)},
    )
    result = mlops.run(path)
    by_name = {step.slug: step for step in result.steps}
    assert {name: step.attempts for name, step in by_name.items()} == {
        "syntax": 1,
        "unpicklable": 1,
        "use": 0,
        "dead": 2,
        "missing": 1,
    }
    error = by_name["dead"].error
    assert error is not None and error.ename == "DeadKernel"
    assert by_name["dead"].reason == "attempt 2 of 2; attempt 1: the kernel died with exit code 3"
    with Database(work / ".mlops" / "mlops.db") as database:
        record = database.steps_of(result.run_id)[3]
        assert record.attempts == 2 and record.error is not None and record.error.type == "DeadKernel"


def test_a_waiting_retry_takes_no_workers_place(write: Any) -> None:
    path = write(
        ("step:flaky", "raise OSError('not yet')"),
        ("step:other", "print('here')"),
        cell1={"retries": 1, "backoff": "2s"},
    )
    watcher = Watcher()
    mlops.run(path, workers=1, reporter=watcher)
    order = [
        (type(event).__name__, event.result.slug if isinstance(event, StepFinished) else event.slug)
        for event in watcher.events
        if isinstance(event, (StepStarted, StepFinished, StepRetrying))
    ]
    assert order == [
        ("StepStarted", "flaky"),
        ("StepRetrying", "flaky"),
        ("StepStarted", "other"),
        ("StepFinished", "other"),
        ("StepStarted", "flaky"),
        ("StepFinished", "flaky"),
    ]


def test_a_timeout_holds_for_each_attempt(write: Any) -> None:
    path = write(("step:slow", "import time\ntime.sleep(60)"), cell1={"retries": 1, "backoff": 0, "timeout": 4})
    watcher = Watcher()
    result = mlops.run(path, reporter=watcher)
    (slow,) = result.steps
    assert slow.attempts == 2 and slow.error is not None and slow.error.ename == "StepTimeout"
    assert slow.error.line == 2
    assert 4 <= slow.seconds < 8
    assert slow.cpu_seconds is not None and slow.peak_memory is not None, "as far as known"


def test_a_kernel_that_does_not_start_in_time(write: Any, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = work / "jupyter" / "kernels" / "sleeper"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-c", "import time; print('no hurry', flush=True); time.sleep(600)", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "S", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(work / "jupyter"))
    path = write(("step:a", "x = 1"))
    content = json.loads(path.read_text())
    content["metadata"]["kernelspec"]["name"] = "sleeper"
    path.write_text(json.dumps(content))
    result = mlops.run(path, timeout=2)
    (failed,) = result.steps
    assert failed.error is not None
    assert (failed.error.kind, failed.error.ename) == ("infrastructure", "KernelStart")
    assert failed.error.evalue == "the kernel 'sleeper' did not start within the step's timeout of 2 s"
    assert failed.error.traceback.startswith("no hurry\n"), "what it printed meanwhile"
    assert failed.seconds < 8


# --- outputs ----------------------------------------------------------------------------------------------------------


def test_showing_a_value_fails_as_in_jupyter(write: Any, run: Any) -> None:
    broken = "class Broken:\n    def _repr_html_(self):\n        raise ValueError('bad html')\n"
    path = write(
        ("step:last", f"{broken}Broken()"),
        ("step:last", "print('not reached: neither JupyterLab nor papermill go on')"),
        ("step:middle", f"{broken}display(Broken())\nprint('goes on')"),
        ("step:allowed|raises-exception", f"{broken}Broken()"),
        ("step:allowed", "print('goes on')"),
        ("step:syntax|raises-exception", "x = = 1"),
        ("step:syntax", "print('goes on')"),
    )
    printed = run("run", path, "out.ipynb", "--no-progress-bar")
    assert printed.code == 1
    assert "error: nb.ipynb, cell 1 (last), line 3: ValueError: bad html\n" in printed.err
    shown = {f"cell-{number}": outputs(Path("out.ipynb"), f"cell-{number}") for number in range(1, 8)}
    names = {
        cell: [item.get("ename") or item.get("text") or "value" for item in items] for cell, items in shown.items()
    }
    assert names["cell-1"] == ["ValueError", "value"]
    assert names["cell-2"] == []
    assert names["cell-3"] == ["ValueError", "value", "goes on\n"]
    assert names["cell-4"] == ["ValueError", "value"]
    assert names["cell-5"] == names["cell-7"] == ["goes on\n"]
    assert names["cell-6"] == ["SyntaxError"]


def test_logs_grow_while_a_step_runs(write: Any) -> None:
    path = write(
        (
            "step:a",
            """
            import sys, time
            print('first')
            sys.stdout.flush()
            print('warned', file=sys.stderr, flush=True)
            for n in range(3):
                print(f'\\r{n} %', end='', flush=True)
            print()
            import os, pathlib
            for _ in range(600):
                time.sleep(0.1)
                if pathlib.Path('seen').exists():
                    break
            raise ValueError('the end')
            """,
        )
    )
    seen: list[str] = []

    class Follower(Watcher):
        def handle(self, event: Any) -> None:
            super().handle(event)
            if self.events and type(event).__name__ == "StepOutput":
                directory = self.events[0].directory
                seen[:] = [(directory / "steps" / "01-a.log").read_text()]
                if "2 %" in seen[0]:
                    Path("seen").touch()

    result = mlops.run(path, reporter=Follower())
    assert Path("seen").exists()
    assert seen[0].splitlines() == ["first", "warned", "2 %"]
    log = result.steps[0].log
    assert log is not None
    lines = log.read_text().splitlines()
    assert lines[:3] == ["first", "warned", "2 %"] and lines[-1] == "ValueError: the end"
    assert "\x1b" not in log.read_text()


def test_what_a_step_uses_is_recorded(write: Any, run: Any, work: Path) -> None:
    path = write(
        (
            "step:busy",
            """
            import subprocess, sys, time
            code = 'x = bytearray(120_000_000)\\nimport time\\nwhile time.process_time() < 0.5: pass\\ntime.sleep(1.5)'
            subprocess.run([sys.executable, '-c', code])
            while time.process_time() < 1.5: pass
            """,
        ),
        ("step:idle", "x = 1"),
    )
    printed = run("run", path, "--no-progress-bar")
    assert printed.code == 0
    assert "  busy  " in printed.out and " s of CPU  " in printed.out
    with Database(work / ".mlops" / "mlops.db") as database:
        busy, idle = database.steps_of(database.run("latest").run_id)
    assert busy.cpu_seconds is not None and busy.peak_memory is not None
    assert idle.cpu_seconds is not None and idle.peak_memory is not None
    assert busy.cpu_seconds > 1.8, "its child's time, too"
    assert busy.peak_memory > 150_000_000, "its child's memory, too"
    assert 0 < idle.cpu_seconds < busy.cpu_seconds and 10_000_000 < idle.peak_memory < busy.peak_memory


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
