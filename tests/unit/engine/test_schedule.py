"""Which step may run next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.engine.schedule import Schedule
from jupyter_mlops.pipeline.model import Edge, Pipeline, Step


def pipeline(edges: list[tuple[int, int]], count: int) -> Pipeline:
    steps = tuple(Step(f"Step {number}", f"s{number}", ()) for number in range(count))
    made = tuple(Edge(f"s{source}", f"s{target}") for source, target in edges)
    return Pipeline("p", None, "python3", (), steps, made, ())


def test_a_failure_skips_its_dependants_only() -> None:
    schedule = Schedule(pipeline([(0, 1), (1, 2), (3, 4)], 5))
    assert schedule.ready() == ["s0", "s3"]
    schedule.start("s0")
    schedule.start("s3")
    assert schedule.finish("s0", "failed") == [("s1", "Step 0 failed"), ("s2", "Step 0 failed")]
    schedule.finish("s3", "succeeded")
    assert schedule.ready() == ["s4"]
    assert not schedule.done
    schedule.finish("s4", "succeeded")
    assert schedule.done


def test_a_success_may_block_too() -> None:
    schedule = Schedule(pipeline([(0, 1)], 2))
    assert schedule.finish("s0", "succeeded", blocks="Step 0 ended the notebook") == [
        ("s1", "Step 0 ended the notebook")
    ]


def test_cancel_takes_what_has_not_begun() -> None:
    schedule = Schedule(pipeline([(0, 1)], 3))
    schedule.start("s0")
    assert schedule.cancel() == ["s1", "s2"]
    assert schedule.ready() == []
    schedule.finish("s0", "cancelled")
    assert schedule.done


@given(st.data())
def test_every_step_ends_and_none_before_its_upstream(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 8))
    pairs = [(source, target) for target in range(count) for source in range(target)]
    edges = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    schedule, running = Schedule(pipeline(edges, count)), set()
    failed: set[int] = set()
    while not schedule.done:
        for slug in schedule.ready():
            number = int(slug[1:])
            assert all(schedule.status(f"s{source}") == "succeeded" for source, target in edges if target == number)
            schedule.start(slug)
            running.add(slug)
        slug = data.draw(st.sampled_from(sorted(running)))
        running.remove(slug)
        status = data.draw(st.sampled_from(["succeeded", "failed"]))
        failed |= {int(slug[1:])} if status == "failed" else set()
        schedule.finish(slug, status)
    for number in range(count):
        behind = {source for source, target in edges if target == number}
        if schedule.status(f"s{number}") == "skipped":
            assert any(source in failed or schedule.status(f"s{source}") == "skipped" for source in behind)
