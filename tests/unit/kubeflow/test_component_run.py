"""The program of a step's container, run as the container runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlops.api import run as run_here
from jupyter_mlops.api.kubeflow import compile_notebook

CHAIN = (
    ("parameters", "n = 4\nscale = 0.5\nname = 'x'\nflags = [1, 2]\nnothing = None\nhuge = 2**60\n_p = 3"),
    ("imports", "import numpy as np\nimport pandas as pd"),
    ("functions", "def double(x):\n    return x * 2\n\nclass Box:\n    def __init__(self, v):\n        self.v = v"),
    ("step:make", "np.random.seed(n)\nX = np.arange(n) * scale\n"
     "x = {'a': X, 'b': [1, None, float('nan')]}\nview = X[1:]"),
    ("step:draw", "df = pd.DataFrame({'r': np.random.rand(n), 's': list('abcd')[:n]})\n"
     "df.to_csv('out.csv', index=False)"),
    ("step:more", "noise = np.random.rand(2)\nbox = Box(double(X))\nn = n + 1\nview[0] = 7.0"),
    ("step:end", "total = float(X.sum()) + float(noise[0]) + n + huge + _p\nback = pd.read_csv('out.csv')\n"
     "shape = back.shape\n"
     "same = bool(x['a'] is X)\nprint(type(box).__name__, n, flags, nothing)"),
    ("metrics;step:end", "score = total\nparts = {'n': n, 'same': 1.0 if same else 0.0}"),
)  # fmt: skip


@pytest.mark.kernel
def test_the_same_as_on_this_machine(make_notebook: Any, run_notebook: Any, tmp_path: Path) -> None:
    path = make_notebook(*CHAIN)
    here = run_here(path, home=tmp_path / "home")
    there = run_notebook(path)
    assert here.status == "succeeded", here
    assert [item.returncode for item in there.processes.values()] == [0, 0, 0, 0], there.processes
    expected = {(item.step, item.name): item.digest for item in here.artifacts}
    found = {(step, name): digest for (step, names), digest in there.digests().items() for name in names.split(", ")}
    assert len(expected) >= 5
    assert {key: found.get(key) for key in expected} == expected
    assert there.metadata("end", "metrics") == dict(here.metrics)
    assert there.outputs("end") == ["Box 5 [1, 2] None\n"]


@pytest.mark.kernel
def test_an_example_has_the_same_digests(root: Path, run_notebook: Any, tmp_path: Path) -> None:
    path = root / "examples" / "digits.ipynb"
    here = run_here(path, home=tmp_path / "home", cwd=tmp_path)
    there = run_notebook(path)
    assert all(item.returncode == 0 for item in there.processes.values()), there.processes
    found = {name: digest for (_, names), digest in there.digests().items() for name in names.split(", ")}
    compared = [item for item in here.artifacts if (item.type or "").startswith(("pandas", "numpy", "int", "float"))]
    assert compared
    assert {item.name: found[item.name] for item in compared} == {item.name: item.digest for item in compared}


def test_parameters_arrive_unchanged(make_notebook: Any, run_notebook: Any) -> None:
    path = make_notebook(
        (
            "parameters",
            "a = 1\nb = 1.0\nc = [1, 2.0, None]\nd = None\ne = float('inf')\nf = {'k': -0.5}\nÄ = 'ü\"'\nX = 1\nx = 2",
        ),
        ("step:s", "print(repr((a, b, c, d, e, f, Ä, X, x)))"),
    )
    assert run_notebook(path).outputs("s") == ["(1, 1.0, [1, 2.0, None], None, inf, {'k': -0.5}, 'ü\"', 1, 2)\n"]
    given = {
        "a": 2**53 + 1,
        "b": float("nan"),
        "c": [],
        "d": {"x": [1.0]},
        "e": 5.0,
        "f": {"k": 10**20},
        "Ä": "",
        "x": -3,
    }
    again = run_notebook(path, given)
    expected = "(9007199254740993, nan, [], {'x': [1.0]}, 5.0, {'k': 100000000000000000000}, '', 1, -3)\n"
    assert again.outputs("s") == [expected]


def test_values_given_when_a_run_starts(make_notebook: Any, runner: Any) -> None:
    path = make_notebook(
        ("parameters", "n = 1\nrate: float = 2\nwords = ['a']\nflag = True\nmaybe = None"),
        ("step:s", "print(repr((n, rate, words, flag, maybe)))"),
    )
    compiled = compile_notebook(path, image="i")
    # Kubeflow's numbers are floats
    values = {"n": 7.0, "rate": 3.0, "words": ["b", 1.0], "flag": False, "maybe": "[1]"}
    assert runner.run(compiled.yaml, values=values).outputs("s") == ["(7, 3.0, ['b', 1], False, [1])\n"]
    ran = runner.run(compiled.yaml, values={"n": 1.5})
    assert ran.processes["s"].returncode == 4
    assert "parameter n of type int" in ran.processes["s"].stderr


def test_a_failure_is_told_in_few_lines(make_notebook: Any, run_notebook: Any) -> None:
    path = make_notebook(
        ("step:one", "a = 1"),
        ("step:two", "import json\nprint('before')\ndef parse(text):\n    return json.loads(text)\nparse('{' * a)"),
        ("step:two", "print('never')"),
    )
    ran = run_notebook(path)
    failed = ran.processes["two"]
    assert failed.returncode == 1
    lines = failed.stderr.splitlines()
    assert lines[0].startswith("Step 'two' failed in cell 2 (two): JSONDecodeError: Expecting property name")
    assert [line.strip() for line in lines[1:5]] == [
        "cell 2 (two), line 5",
        "parse('{' * a)",
        "cell 2 (two), line 4",
        "return json.loads(text)",
    ]
    assert "frames of libraries" in lines[5]
    assert len(lines) == 6
    assert "before" in failed.stdout
    cells = {cell["id"]: cell for cell in ran.notebook("two")["cells"]}
    assert cells["c1"]["outputs"][-1]["ename"] == "JSONDecodeError"
    assert cells["c1"]["metadata"]["papermill"]["status"] == "failed"
    assert cells["c2"]["outputs"] == []
    page = ran.path("two", "executed_notebook").read_text(encoding="utf-8")
    assert "JSONDecodeError" in page
    assert ran.metadata("two", "executed_notebook")["status"] == "failed"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = (", "SyntaxError"),
        ("class Bad:\n    def __repr__(self):\n        raise ValueError('no repr')\nBad()", "ValueError: no repr"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyError()", "KeyError"),
        ("import no_such_module_here", "The image lacks the module no_such_module_here"),
        ("input('who?')", "StdinNotImplementedError"),
    ],
)
def test_failures_of_all_kinds(make_notebook: Any, run_notebook: Any, source: str, message: str) -> None:
    if source == "x = (":
        source = "exec('x = (')"  # what is wrong on the page is found before anything is compiled
    ran = run_notebook(make_notebook(("step:one", "a = 1"), ("step:two", f"print(a)\n{source}")))
    assert ran.processes["two"].returncode == 1
    assert message in ran.processes["two"].stderr
    assert len(ran.processes["two"].stderr) < 1500


def test_what_a_cell_is_to_raise_is_no_failure(make_notebook: Any, run_notebook: Any) -> None:
    ran = run_notebook(make_notebook(("step:s;raises-exception", "1/0"), ("step:s", "print('on')")))
    assert ran.processes["s"].returncode == 0
    assert ran.outputs("s") == ["ZeroDivisionError: division by zero", "on\n"]


def test_a_step_that_ends_itself(make_notebook: Any, run_notebook: Any) -> None:
    alone = run_notebook(
        make_notebook(("step:s;metrics", "score = 2\nimport sys\nsys.exit()"), ("step:s", "print('never')"))
    )
    assert alone.processes["s"].returncode == 0
    assert alone.metadata("s", "metrics") == {"score": 2.0}
    ran = run_notebook(make_notebook(("step:s", "a = 1\nimport sys\nsys.exit(0)"), ("step:t", "print(a)")))
    assert ran.processes["s"].returncode == 1
    assert "before it could hand over a" in ran.processes["s"].stderr


def test_what_cells_show_is_kept_as_in_a_notebook(make_notebook: Any, run_notebook: Any) -> None:
    cells = {
        "print('a'); import sys; print('b', file=sys.stderr); 'last'": ["a\n", "b\n", "'last'"],
        "import os; os.system('echo from a program')": ["from a program\n", "0"],
        "!echo shell": ["shell\n"],
        "from IPython.display import display, clear_output\nprint('gone'); clear_output(); print('kept')": ["kept\n"],
        "h = display('first', display_id=True); h.update('second')": ["'second'"],
        "import asyncio\nawait asyncio.sleep(0)\nasyncio.get_running_loop().is_running()": ["True"],
        "get_ipython().__class__.__name__, __name__": ["('ZMQInteractiveShell', '__main__')"],
        "import threading\nt = threading.Thread(target=lambda: print('thread')); t.start(); t.join()": ["thread\n"],
        "x = !echo captured\nx": ["['captured']"],
        "None": [],
    }
    ran = run_notebook(make_notebook(*[("step:s", source) for source in cells]))
    assert ran.processes["s"].returncode == 0
    found = [[_shown(item) for item in cell["outputs"]] for cell in ran.notebook("s")["cells"]]
    assert found == list(cells.values())
    assert "from a program" in ran.processes["s"].stdout


def _shown(output: dict[str, Any]) -> str:
    # programs that IPython runs write to a terminal
    return output["text"].replace("\r", "") if output["output_type"] == "stream" else output["data"]["text/plain"]


def test_endless_output_is_cut(make_notebook: Any, run_notebook: Any) -> None:
    path = make_notebook(("step:s", "for i in range(120_000): print('line', i)\nprint('the end')"))
    ran = run_notebook(path)
    (text,) = [item for item in ran.outputs("s") if "left out" in item]
    assert text.rstrip().endswith("the end")
    assert ran.path("s", "executed_notebook").stat().st_size < 3_000_000


def test_secrets_are_taken_out(make_notebook: Any, run_notebook: Any, tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "token").write_text("file-secret-5678\n", encoding="utf-8")
    settings = {
        "secrets": [
            {"name": "db", "key": "password", "env": "DB_PASSWORD"},
            {"name": "api", "path": str(mounted)},
        ]
    }
    source = (
        f"import os, sys\nsecret = os.environ['DB_PASSWORD']\nother = open({str(mounted / 'token')!r}).read().strip()\n"
        "print('pw', secret); sys.stdout.write(other[:6]); sys.stdout.write(other[6:] + '\\n')\nsecret"
    )
    path = make_notebook(("step:s", source, settings), ("step:t", "raise ValueError(secret + other)", settings))
    ran = run_notebook(path, env={"DB_PASSWORD": "env-secret-1234"})
    assert ran.processes["t"].returncode == 1
    kept = "".join(
        [item.stdout + item.stderr for item in ran.processes.values()]
        + [
            ran.path(step, key).read_text()
            for step in ran.artifacts
            for key in ran.artifacts[step]
            if "executed" in key
        ]
        + [json.dumps(ran.artifacts)]
    )
    assert "[redacted]" in kept
    assert "env-secret-1234" not in kept
    assert "file-secret-5678" not in kept


def test_remote_artifacts_lie_where_the_launcher_mounts_them() -> None:
    from jupyter_mlops.runtime.executor_input import local_path

    assert local_path("minio://mlpipeline/v2/a", {}) == "/minio/mlpipeline/v2/a"
    assert local_path("s3://bucket/key?region=x", {}) == "/s3/bucket/key?region=x"
    assert local_path("gs://bucket/a/b", {}) == "/gcs/bucket/a/b"
    assert local_path("/tmp/here", {}) == "/tmp/here"
    for uri in ("minio://m/a", "s3://b/c", "gs://x/y", "oci://reg/img:1", "/plain"):
        dsl = pytest.importorskip("kfp.dsl")
        for metadata in ({}, {"_kfp_workspace": True}):
            assert local_path(uri, metadata) == dsl.Artifact(uri=uri, metadata=metadata).path


def _step(path: Path, slug: str = "s") -> dict[str, Any]:
    spec = next(yaml.safe_load_all(compile_notebook(path, image="i").yaml))
    found: dict[str, Any] = spec["deploymentSpec"]["executors"][f"exec-{slug}"]["container"]
    return found


def test_what_is_no_executor_input(make_notebook: Any, runner: Any) -> None:
    container = _step(make_notebook(("step:s", "print(1)")))
    for text in ("", "{}", "[1]", '{"outputs": 5}'):
        done = runner.start({**container, "args": [text, *container["args"][1:]]}, {})
        assert done.returncode == 4
        assert "executor input" in done.stderr
        assert "Traceback" not in done.stderr
    damaged = runner.start(
        {**container, "args": ["{{$}}", container["args"][1][:-9]]}, {"outputs": {"outputFile": "x"}}
    )
    assert damaged.returncode == 4
    assert "damaged" in damaged.stderr


def test_an_image_that_lacks_something(make_notebook: Any, run_notebook: Any, runner: Any, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("import deeper\n", encoding="utf-8")
    (tmp_path / "deeper.py").write_text("VALUE = 1\n", encoding="utf-8")
    (tmp_path / "data.csv").write_text("a\n1\n", encoding="utf-8")
    path = make_notebook(
        (
            "step:s",
            "import helper\nprint(open('data.csv').read(), helper.deeper.VALUE)",
            {"packages": ["no-such-package>=2"]},
        )
    )
    missing = run_notebook(path).processes["s"]
    assert missing.returncode == 4
    for text in ("module helper", "module deeper", "file data.csv", "package no-such-package", "jupyter mlops build"):
        assert text in missing.stderr
    for name in ("helper.py", "deeper.py", "data.csv"):
        (runner.cwd / name).write_text((tmp_path / name).read_text(encoding="utf-8"), encoding="utf-8")
    path = make_notebook(("step:s", "import helper\nprint(open('data.csv').read(), helper.deeper.VALUE)"))
    assert run_notebook(path).outputs("s") == ["a\n1\n 1\n"]


def test_what_the_users_code_leaves_behind(make_notebook: Any, run_notebook: Any, runner: Any) -> None:
    """A thread without an end does not keep the container; a module of the project does not take ours away."""
    (runner.cwd / "html.py").write_text("raise RuntimeError('not this one')\n", encoding="utf-8")
    source = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\nprint('done')"
    ran = run_notebook(make_notebook(("step:s", source)))
    assert ran.processes["s"].returncode == 0
    assert ran.outputs("s") == ["done\n"]


def test_an_input_that_is_cut_short(make_notebook: Any, runner: Any, tmp_path: Path) -> None:
    path = make_notebook(("step:s", "a = list(range(1000))"), ("step:t", "print(len(a))"))
    text = compile_notebook(path, image="i").yaml
    ran = runner.run(text)
    ran.path("s", "a").write_bytes(ran.path("s", "a").read_bytes()[:-1])
    container = _step(path, "t")
    given = {
        "inputs": {"artifacts": {"a": {"artifacts": [ran.artifacts["s"]["a"]]}}},
        "outputs": {"outputFile": str(tmp_path / "o.json")},
    }
    done = runner.start(container, given)
    assert done.returncode == 4
    assert "not whole" in done.stderr
    # without metadata, by what is in the file
    runner.run(text)
    artifact = {"name": "a", "uri": ran.artifacts["s"]["a"]["uri"], "metadata": {}}
    given["inputs"]["artifacts"]["a"]["artifacts"] = [artifact]  # type: ignore[index]
    done = runner.start(container, given)
    assert (done.returncode, done.stdout) == (0, "1000\n")


def test_a_working_directory_that_cannot_be_written(make_notebook: Any, tmp_path: Path) -> None:
    from jupyter_mlops.runtime import component

    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "data.txt").write_text("x", encoding="utf-8")
    program = (
        f"import os, sys; sys.path.insert(0, {str(Path(component.__file__).parents[2])!r}); os.chdir({str(folder)!r})\n"
        "from jupyter_mlops.runtime import component\n"
        "os.access = lambda path, mode: False\n"  # the superuser may write everywhere
        "with component._workplace() as scratch:\n"
        "    open('new.txt', 'w').write('y'); print(open('data.txt').read(), os.getcwd())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("x ")
    assert not (folder / "new.txt").exists()


def test_a_step_that_is_stopped_leaves_its_notebook(make_notebook: Any, runner: Any, tmp_path: Path) -> None:
    started = tmp_path / "started"
    source = f"print('begun')\nopen({str(started)!r}, 'w').close()\nimport time\ntime.sleep(60)"
    container = _step(make_notebook(("step:s", source)))
    outputs = {"executed_notebook_ipynb": tmp_path / "o.ipynb", "executed_notebook": tmp_path / "o.html"}
    given = {
        "outputs": {
            "outputFile": str(tmp_path / "out.json"),
            "artifacts": {key: {"artifacts": [{"name": key, "uri": str(path)}]} for key, path in outputs.items()},
        }
    }
    arguments = [json.dumps(given) if item == "{{$}}" else item for item in container["args"]]
    process = subprocess.Popen(
        [sys.executable, *container["command"][1:], *arguments],
        cwd=runner.cwd,
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[3]), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not started.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 143, err
    assert "begun" in out
    assert "begun" in outputs["executed_notebook_ipynb"].read_text(encoding="utf-8")


def test_files_are_kept_and_handed_on(make_notebook: Any, run_notebook: Any) -> None:
    path = make_notebook(
        (
            "step:write",
            "open('kept.txt', 'w').write('kept')\nopen('next.txt', 'w').write('next')",
        ),
        ("step:read", "print(open('next.txt').read())"),
    )
    ran = run_notebook(path)
    assert ran.outputs("read") == ["next\n"]
    assert ran.path("write", "file_kept_txt").read_text(encoding="utf-8") == "kept"
    assert ran.metadata("write", "file_kept_txt")["names"] == "kept.txt"


def test_what_code_logs_is_kept(make_notebook: Any, run_notebook: Any, tmp_path: Path) -> None:
    source = (
        "import jupyter_mlops as mlops\nfor i in range(3): mlops.log_metric('loss', 1.0 / (i + 1), step=i)\n"
        "mlops.log_params({'depth': 3})\nopen('a.txt', 'w').write('kept')\nmlops.log_artifact('a.txt')\n1/0"
    )
    path = make_notebook(("parameters", "n = 1"), ("step:s", f"print(n)\n{source}"), ("step:t", "print('no log')"))
    ran = run_notebook(path, until_failure=False)
    assert ran.processes["s"].returncode == 1  # what was logged before stays
    assert ran.metadata("s", "metrics") == {"loss": pytest.approx(1 / 3)}
    with tarfile.open(ran.path("s", "logged")) as archive:
        names = archive.getnames()
        lines = [name for name in names if name.endswith(".jsonl")]
        stream = archive.extractfile(lines[0])
        assert stream is not None
        entries = [json.loads(line) for line in stream.read().splitlines()]
    assert [entry["kind"] for entry in entries] == ["metric", "metric", "metric", "param", "artifact"]
    assert entries[-1]["path"] in names
    assert "logged" not in ran.artifacts["t"]
