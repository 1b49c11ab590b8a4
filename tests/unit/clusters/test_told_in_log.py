"""Runtimes without a pipeline root: what steps made is known from their logs."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_server import KfpServer
from kfp_server.faults import Fault

from jupyter_mlops.api import clusters
from jupyter_mlops.kubeflow.reports import told_in_log, without_record
from jupyter_mlops.store.database import Database

Store = Callable[[], Database]
TWO = (
    ("step:make", "rows = list(range(4))\nprint('made rows', end='')"),
    ("metrics;step:count rows", "total = float(sum(rows))\nprint('counted')"),
)


@pytest.fixture
def rootless(server: KfpServer, project: Path) -> KfpServer:
    (project / "mlops.toml").write_text(f'[runtimes.prod]\nhost = "{server.host}"\n')
    return server


def submit(run, write, *more):
    return run("submit", write(TWO), "--runtime", "prod", "--image", "image:1", *more)


def test_metrics_and_artifacts_are_on_record(rootless: KfpServer, write, run, store: Store, project: Path) -> None:
    printed = submit(run, write, "--follow")
    assert printed.code == 0 and "not recorded" not in printed.err
    assert "  make | made rows\n" in printed.err and "  count rows | counted\n" in printed.err
    assert "mlops-record" not in printed.err, "that line is for programs"
    with store() as database:
        found = database.run("latest")
        (made,) = database.artifacts_of(found.run_id)
        (taken,) = database.artifacts_of(found.run_id, direction="in")
        steps = database.steps_of(found.run_id)
    assert found.metrics == {"total": 6.0}
    assert (made.id, made.type, made.digest) == ("make.rows", "list", taken.digest)
    assert all((project / ".mlops" / "runs" / found.run_id / str(step.notebook)).is_file() for step in steps)
    assert run("lineage", f"{found.run_id}:rows").code == 0
    assert clusters.fetch_run("latest") == (1, 0)
    again = submit(run, write, "--wait", "--format", "json").json()
    assert [step["status"] for step in again["run"]["steps"]] == ["reused", "reused"]
    assert again["run"]["metrics"] == {"total": 6.0}


def test_logs_that_nobody_gives(rootless: KfpServer, write, run, store: Store) -> None:
    rootless.faults.add(Fault("/k8s/pod/logs", status=403, times=99))
    printed = submit(run, write, "--wait")
    assert printed.code == 0 and printed.err.count("not recorded: the runtime 'prod' has no pipeline_root") == 1
    with store() as database:
        assert database.run("latest").metrics == {}


def test_a_place_that_is_not_ours_to_read(server: KfpServer, write, run, store: Store, project: Path) -> None:
    """The log says it as well, so that a lacking library or right loses nothing but the executed notebooks."""
    lines = (project / "mlops.toml").read_text().replace("file://", "nowhere://")
    (project / "mlops.toml").write_text(lines)
    printed = submit(run, write, "--wait")
    assert printed.code == 0 and "not recorded" not in printed.err
    with store() as database:
        assert database.run("latest").metrics == {"total": 6.0}


def test_a_compiled_file_says_nothing_in_logs(write, run, project: Path) -> None:
    from jupyter_mlops.api.kubeflow import compile_notebook

    assert "tells" not in json.dumps(compile_notebook(write(TWO), image="i").yaml)


# --- the lines -------------------------------------------------------------------------------------------------------


def lines(content: object, width: int = 40) -> str:
    coded = base64.b64encode(zlib.compress(json.dumps(content).encode())).decode()
    parts = [coded[start : start + width] for start in range(0, len(coded), width)]
    return "".join(f"mlops-record {number}/{len(parts)} {part}\n" for number, part in enumerate(parts, 1))


def record(total: float) -> dict[str, object]:
    return {"notebook": "s3://b/x/executed_notebook_ipynb", "record": {"artifacts": [], "metrics": {"total": total}}}


def test_the_last_whole_record_counts() -> None:
    one, two = lines(record(1.0)), lines(record(2.0))
    assert one.count("\n") > 2
    found = told_in_log(f"a\n{one}b\n{two}c\n")
    assert found is not None and (found.metrics, found.place) == ({"total": 2.0}, "s3://b/x/executed_notebook_ipynb")
    cut = told_in_log(one + "".join(two.splitlines(keepends=True)[:-1]))
    assert cut is not None and cut.metrics == {"total": 1.0}


@pytest.mark.parametrize(
    "log",
    [
        "",
        "nothing\n",
        "mlops-record 1/1 AAAA\n",
        "mlops-record 2/2 AAAA\n",
        "mlops-record 1/1 ?\n",
        lines([1]),
        lines({"notebook": "x"}),
        lines({"notebook": "x", "record": {"artifacts": [{"id": 1}]}}),
        lines({"notebook": "x", "record": {"artifacts": 3}}),
    ],
)
def test_what_is_no_record(log: str) -> None:
    assert told_in_log(log) is None


def test_an_output_may_not_lead_elsewhere() -> None:
    item = {"id": "a.x", "kind": "value", "names": ["x"], "digest": "0", "bytes": 1, "output": "../../etc/passwd"}
    assert told_in_log(lines({"notebook": "file:///r/n", "record": {"artifacts": [item]}})) is None


def test_what_people_read() -> None:
    log = f"one\ntwo\n\n{lines(record(1.0))}three\n"
    assert without_record(log) == "one\ntwo\nthree\n"
    assert without_record("one\n\ntwo\n") == "one\n\ntwo\n"
