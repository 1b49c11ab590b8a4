"""How a job stands, by what its process told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from serving import validator

from jupyter_mlops.engine import events
from jupyter_mlops.engine.result import RunResult, StepFailure, StepResult
from jupyter_mlops.server.jobs.folder import JobFolder, job_folders, new_job
from jupyter_mlops.server.jobs.joblog import job_log
from jupyter_mlops.server.jobs.state import JobState
from jupyter_mlops.server.jobs.telling import Teller

_ORDER = {"kind": "run", "path": "a.ipynb", "created": "2026-01-01T00:00:00.000Z", "parameters": {"n": 1}}


def _state(folder: JobFolder) -> tuple[JobState, dict[str, Any]]:
    state = JobState(folder.id, _ORDER)
    found, _ = folder.read_events(0)
    for event in found:
        state.apply(event)
    plain = state.to_json()
    validator("Job").validate(plain)
    return state, plain


def _teller(tmp_path: Path) -> tuple[Teller, JobFolder]:
    folder = new_job(tmp_path)
    teller = Teller(folder, {"c2": 3})
    teller.tell("began", pid=1, process_started=2.0)
    started = events.RunStarted("20260101-calm-otter", "a", (("one", "One"), ("two", "Two")), tmp_path)
    teller.handle(started)
    return teller, folder


def test_a_run_is_told_as_it_goes(tmp_path: Path) -> None:
    teller, folder = _teller(tmp_path)
    _, plain = _state(folder)
    assert (plain["state"], plain["warming"], plain["run_id"]) == ("running", True, "20260101-calm-otter")
    assert [step["status"] for step in plain["steps"]] == ["queued", "queued"]
    teller.handle(events.StepStarted("one", "One", 2))
    teller.handle(events.CellStarted("one", "c1", 1, 2))
    teller.handle(events.StepOutput("one", "stdout", "hel"))
    teller.handle(events.StepOutput("one", "stdout", "lo\n"))
    teller.flush()
    _, plain = _state(folder)
    assert (plain["warming"], plain["current"], plain["log"]) == (False, {"step": "one", "cell": "c1"}, "hello\n")
    assert (plain["steps"][0]["index"], plain["steps"][0]["cells"]) == (1, 2)
    teller.handle(events.CellFinished("one", "c1", 1, 2, 0.5))
    teller.handle(events.StepFinished(StepResult("One", "one", "succeeded", seconds=1.25, kernel="warm", attempts=1)))
    failure = StepFailure("user", "ValueError", "no <b>luck</b>", "c2", 2, 7, "Traceback …", "Look again.")
    teller.handle(events.StepFinished(StepResult("Two", "two", "failed", seconds=0.5, error=failure)))
    teller.tell("result", result=RunResult("20260101-calm-otter", "failed", 2.0, (), None, tmp_path).to_json())
    teller.tell("ended", state="failed", seconds=2.0)
    state, plain = _state(folder)
    assert state.is_final and plain["current"] is None
    folder.write_end(plain)
    assert JobState.restored(folder.read_end() or {}).to_json() == plain
    assert [(step["status"], step["seconds"]) for step in plain["steps"]] == [("succeeded", 1.25), ("failed", 0.5)]
    assert (plain["failure"]["cell"], plain["failure"]["number"], plain["failure"]["line"]) == ("c2", 3, 7)
    assert plain["failure"]["message"] == "ValueError: no <b>luck</b>"


def test_a_process_that_is_gone_is_lost_unless_somebody_stopped_it(tmp_path: Path) -> None:
    for stopped, expected in ((False, "lost"), (True, "cancelled")):
        teller, folder = _teller(tmp_path)
        teller.handle(events.StepStarted("one", "One", 2))
        state, _ = _state(folder)
        state.lose(stopped=stopped, printed="Killed", at="2026-01-01T00:00:01.000Z")
        plain = state.to_json()
        validator("Job").validate(plain)
        assert plain["state"] == expected
        assert [step["status"] for step in plain["steps"]] == ["cancelled", "cancelled"]
        assert (plain["problem"] is None) == stopped


def test_events_are_read_as_far_as_they_are_whole(tmp_path: Path) -> None:
    _, folder = _teller(tmp_path)
    whole, offset = folder.read_events(0)
    with folder.events.open("ab") as file:
        file.write(b'{"e": "note", "te')
    assert folder.read_events(offset) == ([], offset)
    with folder.events.open("ab") as file:
        file.write(b'xt": "late"}\nnonsense\n[1]\n')
    found, end = folder.read_events(offset)
    assert [event["text"] for event in found] == ["late"] and len(whole) == 2
    assert folder.read_events(end) == ([], end)


def test_events_that_make_no_sense_change_nothing(tmp_path: Path) -> None:
    _, folder = _teller(tmp_path)
    for event in ({"e": "cell", "slug": "nowhere"}, {"e": "run"}, {"e": "began", "pid": "x"}, {"e": "?"}, {}):
        folder.append(event)
    _, plain = _state(folder)
    assert plain["state"] == "running" and len(plain["steps"]) == 2


def test_endless_output_is_told_up_to_a_point(tmp_path: Path) -> None:
    teller, folder = _teller(tmp_path)
    for _ in range(60):
        teller.print("one", "stdout", "x" * 100_000)
    teller.flush()
    log = job_log(folder)
    assert log["cut"] and log["bytes"] < 5_000_000 and log["text"].endswith("in the logs of the steps.)\n")
    assert job_log(folder, "two")["text"] == ""


def test_jobs_are_found_again_the_newest_first_and_private(tmp_path: Path) -> None:
    made = [new_job(tmp_path / "jobs") for _ in range(3)]
    (tmp_path / "jobs" / "something else").mkdir()
    made[0].write_order({**_ORDER, "parameters": {"x": float("nan")}})
    found = job_folders(tmp_path / "jobs")
    assert {item.id for item in found} == {item.id for item in made}
    assert [item.id for item in found] == sorted((item.id for item in found), reverse=True)
    assert (made[0].read_order() or {})["parameters"] == {"x": "NaN"}
    assert made[1].read_order() is None
    assert (tmp_path / "jobs").stat().st_mode & 0o077 == 0 and made[0].order.stat().st_mode & 0o077 == 0
