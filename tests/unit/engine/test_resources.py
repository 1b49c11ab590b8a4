"""Who may run beside whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.engine.priority import remaining_paths
from jupyter_mlops.engine.resources import Demand, Machine, Room, demand_of, this_machine
from jupyter_mlops.engine.schedule import Schedule
from jupyter_mlops.notebook.model import StepSettings
from jupyter_mlops.pipeline.model import Edge, Pipeline, Step

GI = 1024**3


def room(workers: int, **demands: Demand) -> Room:
    return Room(Machine(4, 8 * GI), workers, demands)


def pipeline(edges: list[tuple[int, int]], count: int) -> Pipeline:
    steps = tuple(Step(f"Step {number}", f"s{number}", ()) for number in range(count))
    return Pipeline("p", None, "python3", (), steps, tuple(Edge(f"s{a}", f"s{b}") for a, b in edges), ())


@pytest.mark.parametrize(
    ("cpu", "memory", "demand"),
    [
        (None, None, Demand()),
        ("2", "4Gi", Demand(2, 4 * GI)),
        ("500m", "512Mi", Demand(0.5, 512 * 1024**2)),
        ("0.25", "1k", Demand(0.25, 1000)),
        ("1", "1e9", Demand(1, 10**9)),
        ("1", "1.5M", Demand(1, 1_500_000)),
    ],
)
def test_quantities_are_kubernetes_own(cpu: str | None, memory: str | None, demand: Demand) -> None:
    assert demand_of(StepSettings(cpu=cpu, memory=memory)) == demand


def test_steps_without_declarations_count_as_workers() -> None:
    many = room(8, **{name: Demand() for name in "abcdefghi"})
    assert many.has_room("h", "abcdefg"), "eight workers on four cores is what was asked for"
    assert not many.has_room("i", "abcdefgh")


def test_declared_cores_and_memory_are_kept() -> None:
    shared = room(4, big=Demand(3), small=Demand(1), other=Demand(1), plain=Demand(), heavy=Demand(0, 7 * GI))
    assert shared.has_room("small", ["big"])
    assert not shared.has_room("other", ["big", "small"])
    assert not shared.has_room("plain", ["big", "small"]), "a worker is a core here"
    assert shared.has_room("plain", ["heavy"])
    assert not room(2, a=Demand(0, 5 * GI), b=Demand(0, 4 * GI)).has_room("b", ["a"])


def test_what_asks_for_too_much_runs_alone_and_says_so() -> None:
    shared = room(4, huge=Demand(16, 64 * GI), small=Demand())
    assert shared.has_room("huge", [])
    assert not shared.has_room("huge", ["small"])
    assert not shared.has_room("small", ["huge"])
    assert shared.excess("huge") == (
        "it asks for 16 cores of 4 and 64 GiB of memory of 8 GiB that this machine has, so it ran alone"
    )
    assert shared.excess("small") is None


def test_this_machine_has_something() -> None:
    machine = this_machine()
    assert machine.cores >= 1 and machine.memory > 2**20


def test_the_longest_way_goes_first() -> None:
    made = pipeline([(0, 2), (1, 3)], 4)
    assert remaining_paths(made, {}) == {"s0": 2.0, "s1": 2.0, "s2": 1.0, "s3": 1.0}
    assert remaining_paths(made, {"s3": 10.0, "s0": 2.0}) == {"s0": 8.0, "s1": 16.0, "s2": 6.0, "s3": 10.0}
    schedule = Schedule(made)
    assert schedule.ready() == ["s0", "s1"], "the order of the page"
    schedule.prefer(remaining_paths(made, {"s3": 10.0}))
    assert schedule.ready() == ["s0", "s1"], "what is not known counts as what is"
    schedule.prefer(remaining_paths(made, {"s3": 10.0, "s0": 2.0}))
    assert schedule.ready() == ["s1", "s0"]


@given(st.data())
def test_no_worker_idles_and_no_limit_is_passed(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 8))
    pairs = [(source, target) for target in range(count) for source in range(target)]
    edges = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    made = pipeline(edges, count)
    slugs = [step.slug for step in made.steps]
    cores = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, 9.0])
    memory = st.sampled_from([0, GI, 5 * GI, 9 * GI])
    demands = {slug: Demand(data.draw(cores), data.draw(memory)) for slug in slugs}
    shared = Room(Machine(4, 8 * GI), data.draw(st.integers(1, 6)), demands)
    schedule = Schedule(made)
    durations = data.draw(st.dictionaries(st.sampled_from(slugs), st.floats(0, 100)))
    schedule.prefer(remaining_paths(made, durations))
    running: list[str] = []
    while not schedule.done:
        while (chosen := shared.next(schedule.ready(), running)) is not None:
            assert all(schedule.status(source) == "succeeded" for source in made.upstream(chosen))
            schedule.start(chosen)
            running.append(chosen)
        assert running, "something that is ready always begins in the end"
        assert len(running) <= shared.workers
        if any(shared.excess(slug) for slug in running):
            assert len(running) == 1
        else:
            assert sum(demands[slug].cores for slug in running) <= 4
            assert sum(demands[slug].memory for slug in running) <= 8 * GI
        for slug in schedule.ready():
            assert not shared.has_room(slug, running), "a worker idles although there is work"
        ended = data.draw(st.sampled_from(running))
        running.remove(ended)
        schedule.finish(ended, "succeeded")
