"""What a run comes to, and what of it is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_mlops.engine.collecting import collect, run_artifacts, source_files
from jupyter_mlops.engine.result import RunArtifact, RunResult, Status, StepFailure, StepResult
from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.pipeline.model import Step
from jupyter_mlops.store.objects import ObjectStore, hash_bytes

USER = StepFailure("user", "ValueError", "no")
DEAD = StepFailure("infrastructure", "DeadKernel", "gone")


def run_result(status: Status, *steps: StepResult) -> RunResult:
    return RunResult("r1", status, 1.23456, steps, Path("out.ipynb"), Path("runs/r1"), {"accuracy": 0.5})


def step(name: str, error: StepFailure | None = None) -> StepResult:
    return StepResult(name, name, "failed" if error else "succeeded", error=error, seconds=0.12345)


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (run_result("succeeded", step("a")), 0),
        (run_result("failed", step("a"), step("b", USER), step("c", DEAD)), 1),
        (run_result("failed", step("b", DEAD), step("c", USER)), 4),
        (run_result("cancelled", step("a", USER)), 130),
    ],
)
def test_exit_code(result: RunResult, code: int) -> None:
    assert result.exit_code == code


def test_json_form() -> None:
    result = run_result("failed", step("train", USER))
    assert json.loads(json.dumps(result.to_json())) == {
        "run_id": "r1",
        "status": "failed",
        "backend": "local",
        "notes": [],
        "gates": [],
        "baseline": None,
        "problems": [],
        "seconds": 1.235,
        "steps": [
            {
                "name": "train",
                "status": "failed",
                "cached": False,
                "seconds": 0.123,
                "reason": None,
                "attempts": 0,
                "kernel": None,
                "cpu_seconds": None,
                "peak_memory": None,
                "log": None,
            }
        ],
        "metrics": {"accuracy": 0.5},
        "artifacts": [],
        "output_notebook": "out.ipynb",
    }


def saved(folder: Path, **fields: object) -> Path:
    folder.mkdir()
    (folder / "0.bin").write_bytes(b"content")
    artifact = {
        "id": "a.x",
        "kind": "value",
        "names": ["x", "y"],
        "serializer": "numpy",
        "path": "0.bin",
        "type": "numpy.ndarray",
        "bytes": 7,
        "digest": None,
        "members": {"x": {"type": "numpy.ndarray"}, "y": {"type": "list"}},
        **fields,
    }
    (folder / "result.json").write_text(json.dumps({"schema": 1, "artifacts": [artifact], "metrics": {"m": 1}}))
    return folder


def test_results_move_into_the_store(tmp_path: Path) -> None:
    objects = ObjectStore(tmp_path / "objects")
    found = collect(saved(tmp_path / "out"), objects)
    (record,) = found.outputs
    assert record.digest == hash_bytes(b"content") and objects.verify(record.digest)
    assert found.metrics == {"m": 1} and isinstance(found.metrics["m"], int)
    assert run_artifacts(Step("Make", "make", ()), found.outputs) == [
        RunArtifact("x", "Make", record.digest, "numpy.ndarray", 7),
        RunArtifact("y", "Make", record.digest, "list", 7),
    ]


def test_hidden_state_is_not_shown_and_files_are_files(tmp_path: Path) -> None:
    half = {"members": {"x": {"type": "int"}}}
    objects = ObjectStore(tmp_path / "objects")
    state = collect(saved(tmp_path / "a", kind="state", names=["rng:numpy"]), objects).outputs
    file = collect(saved(tmp_path / "b", kind="file", names=["out.csv"], type=None), objects).outputs
    gone = collect(saved(tmp_path / "c", kind="file", names=["gone.csv"], serializer="absent"), objects).outputs
    partly = collect(saved(tmp_path / "d", **half), objects).outputs
    shown = run_artifacts(Step("Make", "make", ()), state + file + gone + partly)
    assert [(item.name, item.type) for item in shown] == [("out.csv", "file"), ("x", "int")]


def test_damaged_results_are_an_error_not_a_crash(tmp_path: Path) -> None:
    objects = ObjectStore(tmp_path / "objects")
    for name, change in [("a", {"path": "none.bin"}), ("b", {"names": None})]:
        with pytest.raises(InfrastructureError):
            collect(saved(tmp_path / name, **change), objects)
    (tmp_path / "a" / "result.json").write_text("{")
    with pytest.raises(InfrastructureError):
        collect(tmp_path / "a", objects)


def test_an_artifact_can_only_come_from_the_steps_own_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    with pytest.raises(InfrastructureError):
        collect(saved(tmp_path / "out", path="../secret.txt"), ObjectStore(tmp_path / "objects"))
    assert (tmp_path / "secret.txt").exists()


def test_project_files_are_recorded_by_content(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a\n1\n")
    reading = Step("s", "s", (), files_read=("data.csv", "missing.csv"))
    (record,) = source_files(reading, tmp_path)
    assert (record.id, record.digest, record.bytes) == ("file:data.csv", hash_bytes(b"a\n1\n"), 4)
