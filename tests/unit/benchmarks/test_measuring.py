"""What the benchmarks measure, compare and write down."""

from __future__ import annotations

import importlib
import json
import sys

import pytest


@pytest.fixture(autouse=True)
def importable(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / "benchmarks"))


@pytest.fixture
def budget():
    return importlib.import_module("budget")


@pytest.fixture
def measuring():
    return importlib.import_module("measuring")


def test_bars_are_the_most_or_the_least_that_a_figure_may_be(budget):
    assert budget.Row("time", 0.6, 0.6).holds is True
    assert budget.Row("time", 0.61, 0.6).holds is False
    assert budget.Row("speed", 0.8, 0.8, at_least=True).holds is True
    assert budget.Row("speed", 0.79, 0.8, at_least=True).holds is False
    assert budget.Row("unknown", None, 1).holds is None


def test_ratios_are_ours_to_the_peers(budget):
    row = budget.ratio("time", 1.0, 4.0, 0.3, note="on a Monday")
    assert (row.figure, row.holds, row.note) == (0.25, True, "1.00 s against 4.00 s; on a Monday")


def test_the_page_says_of_each_row_what_it_is_worth(budget):
    rows = [
        budget.Row("fast", 0.25, 0.3),
        budget.Row("slow", 2.5, 0.3, "s", note="a | b"),
        budget.Row("peer", None, 0.8, note="it can't be installed"),
        budget.Row("speed", 1.0, 0.8, at_least=True),
    ]
    page = budget.page(rows, {"cores": "2"}, ["Why.\n"], quick=True)
    assert "| fast | 0.25 x | ≤ 0.3 x | yes |  |" in page
    assert "| slow | 2.5 s | ≤ 0.3 s | **no** | a \\| b |" in page
    assert "| peer |  | ≤ 0.8 x | not measured | it can't be installed |" in page
    assert "| speed | 1 x | ≥ 0.8 x | yes |  |" in page
    assert "| cores | 2 |" in page
    assert "A quick look" in page and page.endswith("Why.\n")
    assert "A quick look" not in budget.page(rows, {})


def test_tasks_are_done_in_turn(measuring):
    done = []
    tasks = {name: lambda name=name: done.append(name) or len(done) for name in "ab"}
    assert measuring.in_turn(3, tasks) == {"a": [1, 3, 5], "b": [2, 4, 6]}
    assert done == list("ababab")


def test_medians_are_taken_of_each_figure(measuring):
    costs = [measuring.Cost(1, 30, 5), measuring.Cost(3, 10, 7), measuring.Cost(2, 20, 6)]
    assert measuring.median(costs) == measuring.Cost(2, 20, 6)


def test_costs_hold_what_descendants_use_even_those_that_outlive_the_command(measuring, tmp_path):
    late = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass\nopen('done', 'w')"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {late!r}], start_new_session=True)"
    cost = measuring.run([sys.executable, "-c", code], cwd=tmp_path)
    assert (tmp_path / "done").exists()
    assert cost.cpu >= 0.3
    assert cost.peak > 1_000_000


def test_the_memory_is_that_of_the_first_process_alone(measuring, tmp_path):
    big = "import time; block = bytearray(150_000_000); time.sleep(0.2)"
    alone = measuring.run([sys.executable, "-c", big], cwd=tmp_path)
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {big!r}])"
    parent = measuring.run([sys.executable, "-c", code], cwd=tmp_path)
    assert alone.peak > 150_000_000 > parent.peak


def test_a_command_that_fails_says_how(measuring, tmp_path):
    with pytest.raises(measuring.CommandFailed, match=r"(?s)ended with 3.*it is broken"):
        measuring.run([sys.executable, "-c", "print('it is broken'); raise SystemExit(3)"], cwd=tmp_path)


def test_the_last_step_alone_is_edited(root):
    five_steps = importlib.import_module("bench_five_steps")
    before = json.loads(five_steps.NOTEBOOK.read_text())
    after = five_steps.edit(json.loads(five_steps.NOTEBOOK.read_text()), 7)
    changed = [new["id"] for old, new in zip(before["cells"], after["cells"], strict=True) if old != new]
    assert changed == ["metrics"]
    assert "".join(after["cells"][-1]["source"]).endswith("\nversion = 7")


def test_what_a_step_costs_is_what_a_longer_chain_takes_more(measuring):
    overhead = importlib.import_module("bench_overhead")
    short, long = measuring.Cost(2.0, 3.0, 0), measuring.Cost(8.0, 5.0, 0)
    assert overhead.per_step(short, long) == pytest.approx((0.1, 0.2))


def test_absolute_times_are_the_shortest(measuring):
    overhead = importlib.import_module("bench_overhead")
    costs = [measuring.Cost(1, 30, 5), measuring.Cost(3, 10, 7), measuring.Cost(2, 20, 6)]
    assert overhead.undisturbed(costs) == measuring.Cost(1, 20, 6)


def test_a_long_history_has_all_its_runs(root, tmp_path):
    from jupyter_mlops.store.database import Database

    history = importlib.import_module("bench_history")
    history.fill(tmp_path / "mlops.db", 3)
    with Database(tmp_path / "mlops.db") as database:
        runs = database.runs()
        assert [run.status for run in runs] == ["succeeded"] * 3
        assert len(database.steps_of(runs[0].run_id)) == history.STEPS
