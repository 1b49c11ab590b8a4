"""A process that is killed, or a disk that fails, at each place where something is written."""

from __future__ import annotations

import itertools
import re
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.store.conditions import equals
from jupyter_mlops.store.database import Database

RUN = "fresh"
AGAIN = "again"


def names_in_code(root: Path) -> set[str]:
    sources = (root / "jupyter_mlops").rglob("*.py")
    return {name for path in sources for name in re.findall(r'\breach\("([^"]+)"\)', path.read_text(encoding="utf-8"))}


def test_every_failpoint_is_documented_and_no_other_is(root: Path) -> None:
    text = (root / "docs" / "reliability.md").read_text(encoding="utf-8")
    table = text.partition("| failpoint |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)) == names_in_code(root)


def prepare(project: Any, scenario: str, nursery: Any) -> None:
    """Bring a project to where a scenario begins."""
    if scenario == AGAIN:
        nursery.run(project)
        project.edit("c5", CHANGED)
        (project.folder / "out.txt").unlink()
        (project.folder / "twice.txt").write_text("of somebody else", encoding="utf-8")


CHANGED = "total = 10 * sum(twice) + len(open('out.txt').read()) + len(text)\nprint('total', total)"


@pytest.fixture(scope="module")
def scenarios(nursery: Any, seed: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """For each scenario: how often each failpoint is passed, the project afterwards, the undisturbed result."""
    found = {}
    for scenario in (RUN, AGAIN):
        folder = tmp_path_factory.mktemp(scenario)
        project = seed.copy(folder / "project")
        prepare(project, scenario, nursery)
        passes = nursery.passes(project, folder / "log")
        answer = nursery.run(project)
        begins = seed.copy(folder / "begins")
        prepare(begins, scenario, nursery)
        found[scenario] = (Counter(passes), begins, answer, project)
    return found


def check_recovery(project: Any, begins: Any, nursery: Any, expected: Any, undisturbed: Any) -> None:
    """Run again without a failpoint: the same results, nothing done twice, nothing left behind."""
    done = finished_steps(project, begins)
    answer = nursery.run(project)
    assert answer.error is None, answer.message
    assert answer.result["status"] == "succeeded"
    assert answer.result["metrics"] == expected.result["metrics"]
    assert answer.values == expected.values
    assert project.files() == undisturbed.files()
    assert project.shown() == undisturbed.shown()
    assert {answer.steps[step] for step in done} <= {"reused"}, "a step that had ended was lost"
    check_clean(project)


def finished_steps(project: Any, begins: Any) -> set[str]:
    """Steps whose results the disturbed run has recorded."""
    return {
        step.name
        for run in runs_of(project) - runs_of(begins)
        for step in Database(project.home / "mlops.db").steps_of(run)
        if step.cache_key is not None
    }


def runs_of(project: Any) -> set[str]:
    if not (project.home / "mlops.db").exists():
        return set()
    with Database(project.home / "mlops.db") as database:
        return {run.run_id for run in database.runs()}


def check_clean(project: Any) -> None:
    with Database(project.home / "mlops.db") as database:
        assert database.runs(condition=equals("status", "running")) == ()
    assert [path.name for path in (project.home / "locks").glob("run-*")] == []
    assert list((project.home / "tmp").iterdir()) == []


@pytest.mark.parametrize("scenario", [RUN, AGAIN])
def test_a_kill_anywhere_loses_at_most_the_steps_that_ran(
    nursery: Any, scenarios: dict[str, Any], scenario: str, soak: bool, tmp_path: Path
) -> None:
    passes, begins, expected, undisturbed = scenarios[scenario]
    for name, count in passes.items():
        for number in range(1, count + 1) if soak else {1, count} if scenario == RUN else {count}:
            project = begins.copy(tmp_path / f"{name}-{number}")
            answer = nursery.run(project, f"{name}:{number}")
            in_kernel = answer.killed is None
            assert in_kernel or answer.killed == signal.SIGKILL
            if in_kernel and answer.error is None and number == 1 and name.startswith(("value.", "atomic.")):
                assert answer.result["status"] == "failed", name
            check_recovery(project, begins, nursery, expected, undisturbed)


@pytest.mark.parametrize("scenario", [RUN, AGAIN])
def test_a_disk_that_fails_anywhere(
    nursery: Any, scenarios: dict[str, Any], scenario: str, soak: bool, tmp_path: Path
) -> None:
    passes, begins, expected, undisturbed = scenarios[scenario]
    for name, code in itertools.product(passes, ["ENOSPC", "EIO"] if soak else ["ENOSPC"]):
        project = begins.copy(tmp_path / f"{name}-{code}")
        answer = nursery.run(project, f"{name}={code}")
        assert answer.killed is None
        assert answer.error in (None, "InfrastructureError", "OSError"), (name, answer)
        if answer.error is None and answer.result["status"] == "succeeded":
            assert answer.values.items() <= expected.values.items(), name
            lost = {name.partition(".")[0] for name in set(expected.values) - set(answer.values)}
            noted = {step["name"] for step in answer.result["steps"] if "was not kept" in str(step["reason"])}
            assert lost == noted, name
        check_recovery(project, begins, nursery, expected, undisturbed)
