"""What made this, what used this."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jsonschema
from histories import History, read, value, written
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.objects import hash_bytes
from jupyter_mlops.tracking.lineage import MOST_NODES, trace
from jupyter_mlops.tracking.lineage_drawing import lineage_mermaid, lineage_svg
from jupyter_mlops.tracking.lineage_model import Lineage, LineageNode
from jupyter_mlops.tracking.lineage_read import FANOUT
from jupyter_mlops.tracking.lineage_text import lineage_text

EVIL = "<script>alert('x')</script>\"&\n../../etc;|`$(x)`"


def ends(found: Lineage) -> set[tuple[str, str, str]]:
    """Edges with names instead of ids."""

    def name(node_id: str) -> str:
        node = found.node(node_id)
        return f"{node.name}@{node.run_id[-4:]}" if node.kind in ("step", "artifact") and node.run_id else node.name

    return {(name(edge.source), edge.relation, name(edge.target)) for edge in found.edges}


def the(found: Lineage, kind: str, name: str) -> LineageNode:
    (node,) = [node for node in found.nodes if (node.kind, node.name) == (kind, name)]
    return node


def test_a_run_is_followed_back_to_cell_line_file_and_commit(history: History) -> None:
    run = history.churn(commit="c0ffee")
    found = trace(history.database, run, "up")
    assert ends(found) == {
        ("Train@0000", "part", run),
        ("frame@0000", "took", "Train@0000"),
        ("Load data@0000", "made", "frame@0000"),
        ("patients.csv", "took", "Load data@0000"),
    }
    frame, train = the(found, "artifact", "frame"), the(found, "step", "Train")
    assert [(cell.id, cell.number, cell.line) for cell in frame.cells] == [("c-load", 1, 2)]
    assert [(cell.id, cell.number, cell.line) for cell in train.cells] == [("c-train", 2, None)]
    assert the(found, "file", "patients.csv").digest == hash_bytes(b"1,2")
    assert found.runs[run].commit == "c0ffee" and found.runs[run].uncommitted is None
    assert not found.cut and found.notes == ()


def test_uncommitted_changes_are_told_as_far_as_they_were_recorded(history: History) -> None:
    plain, clean, dirty = (
        history.churn(commit="c0ffee", documents=documents) for documents in ({}, {"git-diff": ""}, {"git-diff": "+x"})
    )
    seen = [trace(history.database, run, "up").runs[run].uncommitted for run in (plain, clean, dirty)]
    assert seen == [None, False, True]
    text = "\n".join(lineage_text(trace(history.database, dirty, "up")))
    assert "commit c0ffee with uncommitted changes" in text


def test_reused_steps_point_to_the_run_that_really_computed(history: History) -> None:
    first = history.churn()
    second = history.churn(rate=0.2, reuse={"load": first})
    third = history.churn(rate=0.2, reuse={"load": second, "train": second})
    found = trace(history.database, f"{third}:model", "up")
    assert found.node(found.start).run_id == second, "the model was computed in the second run"
    assert ("Load data@0000", "made", "frame@0000") in ends(found)
    assert third not in {node.run_id for node in found.nodes}

    up = trace(history.database, third, "up")
    step = next(node for node in up.nodes if node.run_id == third and node.kind == "step")
    assert (step.status, step.computed_in) == ("reused", second)
    assert ("Train@0001", "reused", "Train@0002") in ends(up)


def test_what_used_an_artifact_is_found_across_runs(history: History) -> None:
    first = history.churn()
    second = history.churn(rate=0.2, reuse={"load": first})
    found = trace(history.database, f"{first}:load/frame", "down")
    assert {("frame@0000", "took", "Train@0000"), ("frame@0000", "took", "Train@0001")} <= ends(found)
    assert second in found.runs


def test_equal_content_that_a_run_computed_itself_is_not_taken_for_use(history: History) -> None:
    first = history.churn()
    again = history.churn()  # nothing was reused: the same frame, made once more
    found = trace(history.database, f"{first}:frame", "down")
    assert again not in found.runs
    alike = trace(history.database, hash_bytes(repr(b"1,2").encode())[:12])
    assert alike.node(alike.start).kind == "content"
    assert {
        ("frame@0000", "same", alike.node(alike.start).name),
        ("frame@0001", "same", alike.node(alike.start).name),
    } <= ends(alike)


def test_a_file_of_one_run_is_followed_into_another(history: History) -> None:
    first = history.churn()
    content = repr((b"1,2", 0.1)).encode()
    other = history.start("serve", steps=(("serve", "Serve"),))
    history.step(other, "serve", takes=[read("model.pkl", content)], makes=[value("serve", "answer", 42)])
    up = trace(history.database, f"{other}:answer", "up")
    assert ("model.pkl@0000", "same", "model.pkl") in ends(up)
    assert ("Train@0000", "made", "model.pkl@0000") in ends(up)
    assert ("patients.csv", "took", "Load data@0000") in ends(up)
    down = trace(history.database, first, "down")
    assert ("model.pkl", "took", "Serve@0001") in ends(down)
    assert ("Serve@0001", "made", "answer@0001") in ends(down)


def test_what_was_read_before_it_was_made_does_not_come_of_it(history: History) -> None:
    early = history.start("serve", steps=(("serve", "Serve"),))
    content = repr((b"1,2", 0.1)).encode()
    history.step(early, "serve", takes=[read("model.pkl", content)])
    run = history.churn()
    assert early not in trace(history.database, f"{run}:model.pkl", "down").runs
    assert run not in trace(history.database, early, "up").runs


def test_empty_files_are_not_each_other(history: History) -> None:
    one = history.start(steps=(("mark", "Mark"),))
    history.step(one, "mark", makes=[written("mark", "done.flag", b"")])
    two = history.start(steps=(("use", "Use"),))
    history.step(two, "use", takes=[read("other.flag", b"")])
    assert two not in trace(history.database, one, "down").runs
    assert one not in trace(history.database, two, "up").runs


def test_registered_models_are_told(history: History) -> None:
    run = history.churn()
    for number in range(3):
        member = "model" if number == 2 else f"part {number}"
        history.database.register_model("churn", run_id=run, step="train", artifact="train.model", member=member)
    history.database.set_model_alias("churn", "champion", 3)
    for asked in (run, f"{run}:model"):
        assert the(trace(history.database, asked, "down"), "model", "churn version 3 (champion)").run_id == run


# --- runs that are not whole ------------------------------------------------------------------------------------------


def test_a_run_in_progress_and_one_that_failed(history: History) -> None:
    going = history.start()
    history.step(going, "load", takes=[read("a.csv", b"a")], makes=[value("load", "frame", 1)])
    found = trace(history.database, going)
    assert any("in progress" in note for note in found.notes)
    assert ("a.csv", "took", f"Load data@{going[-4:]}") in ends(found)

    failed = history.start()
    history.step(failed, "load", makes=[value("load", "frame", 2)])
    history.step(failed, "train", "failed", takes=[value("load", "frame", 2)])
    history.database.finish_run(failed, "failed")
    found = trace(history.database, failed, "up")
    assert "The run failed in Train." in found.notes
    assert the(found, "step", "Train").status == "failed"


def test_runs_without_documents_and_runs_that_are_gone(history: History) -> None:
    first = history.churn(documents={})
    second = history.churn(rate=0.3, reuse={"load": first}, documents={"notebook": "no JSON", "pipeline": "[]"})
    assert all(node.cells == () for node in trace(history.database, second).nodes)
    history.database.delete_run(first)
    found = trace(history.database, f"{second}:frame")
    step = the(found, "step", "Load data")
    assert step.computed_in == first and any("not on record" in note for note in found.notes)
    assert ("patients.csv", "took", f"Load data@{second[-4:]}") in ends(found)


def test_names_can_do_no_harm(history: History) -> None:
    run = history.start(EVIL, steps=(("one", EVIL), ("two", EVIL + "2")))
    evil = value("one", EVIL, 1, type=EVIL)
    history.step(run, "one", takes=[read(EVIL, b"x")], makes=[evil])
    history.step(run, "two", takes=[evil], makes=[value("two", EVIL, 2)])
    for asked in (run, f"{run}:one/{EVIL}", f"{run}:{EVIL}2"):
        found = trace(history.database, asked)
        image = ElementTree.fromstring(lineage_svg(found))
        assert not [item for item in image.iter() if item.tag.endswith("script")]
        chart = lineage_mermaid(found)
        assert "<" not in chart.replace("-->", "") and "`" not in chart and "#quot" not in chart
        lines = lineage_text(found, width=300)
        assert all(line.isprintable() for line in lines)
        json.dumps(found.to_json(), allow_nan=False)


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_a_hub_is_bounded_and_its_rest_counted(history: History) -> None:
    first = history.churn()
    for number in range(FANOUT + 30):
        history.churn(rate=float(number), reuse={"load": first})
    total = FANOUT + 31
    found = trace(history.database, f"{first}:frame", "down")
    start = found.node(found.start)
    users = [edge for edge in found.edges if edge.source == found.start and edge.relation == "took"]
    assert len(users) + start.more_down == total and found.cut and not start.at_least
    newest = {found.node(edge.target).run_id for edge in users}
    assert max(found.runs) in newest and first in newest, "the newest, and the run itself"
    assert any(f"{start.more_down} more" in line for line in lineage_text(found))

    run = trace(history.database, first, "down")
    reused = [edge for edge in run.edges if edge.relation == "reused" and edge.source == run.start]
    assert len(reused) + run.node(run.start).more_down == FANOUT + 30

    file = trace(history.database, hash_bytes(b"1,2")[:16], "down")
    taken = [edge for edge in file.edges if edge.source == file.start]
    assert len(taken) + file.node(file.start).more_down == total


def test_a_long_way_is_bounded_and_depth_is_kept(history: History) -> None:
    previous = b""
    for number in range(MOST_NODES):
        run = history.start("chain", steps=(("next", "Next"),))
        content = f"{number}".encode()
        taken = [read("state.txt", previous)] if previous else []
        history.step(run, "next", takes=taken, makes=[written("next", "state.txt", content)])
        previous = content
    found = trace(history.database, run, "up")
    assert found.cut and len(found.nodes) <= MOST_NODES + 2
    assert sum(node.more_up for node in found.nodes) >= 1
    short = trace(history.database, run, "up", depth=2)
    assert len(short.nodes) == 3 and short.cut and short.nodes[-1].more_up == 1


def test_circles_end(history: History) -> None:
    """Files that go to and fro between two contents."""
    for number in range(6):
        run = history.start("flip", steps=(("flip", "Flip"),))
        before, after = (b"a", b"b") if number % 2 else (b"b", b"a")
        history.step(run, "flip", takes=[read("coin.txt", before)], makes=[written("flip", "coin.txt", after)])
    for direction in ("up", "down", "both"):
        found = trace(history.database, hash_bytes(b"a")[:10], direction)  # type: ignore[arg-type]
        assert lineage_text(found) and lineage_svg(found) and lineage_mermaid(found)
        assert len({node.id for node in found.nodes}) == len(found.nodes)


# --- forms ------------------------------------------------------------------------------------------------------------


def test_json_keeps_to_its_schema(history: History, root: Path) -> None:
    first = history.churn(commit="c0ffee")
    history.churn(rate=0.2, reuse={"load": first})
    schema = json.loads((root / "docs" / "schema" / "lineage.schema.json").read_text(encoding="utf-8"))
    for asked in (first, "latest", f"{first}:frame", hash_bytes(b"1,2"), f"{first}:train"):
        jsonschema.validate(json.loads(json.dumps(trace(history.database, asked).to_json())), schema)


def test_the_tree_shows_each_thing_in_full_once(history: History) -> None:
    run = history.start(steps=(("a", "A"), ("b", "B"), ("c", "C")))
    top = value("a", "top", 1)
    left, right = value("b", "left", 2), value("b", "right", 3)
    history.step(run, "a", takes=[read("x.csv", b"x")], makes=[top])
    history.step(run, "b", takes=[top], makes=[left, right])
    history.step(run, "c", takes=[left, right])
    lines = lineage_text(trace(history.database, run, "up"), width=200)
    assert sum("x.csv" in line for line in lines) == 1
    assert sum("(see above)" in line for line in lines) == 1
    plain = lineage_text(trace(history.database, run, "up"), width=60, unicode=False)
    assert all(line.isascii() and len(line) <= 60 for line in plain)


def test_boxes_of_the_drawing_do_not_overlap(history: History) -> None:
    first = history.churn()
    history.churn(rate=0.2, reuse={"load": first})
    image = ElementTree.fromstring(lineage_svg(trace(history.database, f"{first}:frame")))
    boxes = [item for item in image.iter() if item.get("class") == "box"]
    places = [tuple(float(box.get(key, "0")) for key in ("x", "y", "width", "height")) for box in boxes]
    assert len(places) >= 5
    for number, (x, y, width, height) in enumerate(places):
        assert x >= 0 and x + width <= float(image.get("width", "0"))
        for other_x, other_y, other_width, other_height in places[number + 1 :]:
            apart = x + width <= other_x or other_x + other_width <= x
            assert apart or y + height <= other_y or other_y + other_height <= y


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), min_size=1, max_size=14),
    st.integers(0, 13),
)
def test_up_and_down_are_each_others_reverse(flows: list[tuple[int, int, bool]], asked: int) -> None:
    """Runs that read and write files: x came of y if and only if y is above x."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder, Database(Path(folder) / "mlops.db") as database:
        history = History(database)
        runs = []
        for number, (source, target, _) in enumerate(flows):
            run = history.start("p", steps=(("s", f"S{number}"),))
            taken = read(f"f{source}", f"{source}".encode())
            history.step(run, "s", takes=[taken], makes=[written("s", f"f{target}", f"{target}".encode())])
            runs.append(run)
        start = runs[asked % len(runs)]
        up = trace(database, f"{start}:s", "up")
        for node in up.nodes:
            if node.kind == "step" and node.run_id != start:
                down = trace(database, f"{node.run_id}:s", "down")
                assert start in {other.run_id for other in down.nodes if other.kind == "step"}


def test_the_drawing_leads_each_run_to_its_own_step(history: History) -> None:
    first = history.churn()
    second = history.churn(rate=0.2, reuse={"load": first})
    image = ElementTree.fromstring(lineage_svg(trace(history.database, hash_bytes(b"1,2")[:16], "down")))
    lines = {(item.get("data-source"), item.get("data-target")) for item in image.iter() if item.get("class") == "edge"}
    for run in (first, second):
        assert (f"step:{run}/load", f"step:{run}/train") in lines
    assert (f"step:{first}/load", f"step:{second}/train") not in lines


def test_a_run_of_two_hundred_steps(history: History) -> None:
    steps = tuple((f"s{number}", f"Step {number}") for number in range(200))
    run = history.start(steps=steps)
    made = value("s0", "v", 0)
    history.step(run, "s0", makes=[made])
    for number in range(1, 200):
        taken, made = made, value(f"s{number}", "v", number)
        history.step(run, f"s{number}", takes=[taken], makes=[made])
    found = trace(history.database, run, "up")
    assert found.cut and found.nodes[1].step == "s199", "the nearest first"
    assert lineage_svg(found).startswith("<svg ") and len(lineage_text(found)) > MOST_NODES
