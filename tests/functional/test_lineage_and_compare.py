"""A notebook is run, changed and run again; then it is asked what differs, and where things come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jupyter_mlops as mlops
from jupyter_mlops import api
from jupyter_mlops.store.objects import hash_bytes

CELLS = (
    ("parameters", "factor = 2"),
    ("step:load", "rows = [int(line) for line in open('numbers.txt')]"),
    ("step:scale", "scaled = [row * factor for row in rows]\nopen('scaled.txt', 'w').write(str(scaled))"),
    ("metrics", "total = sum(scaled)"),
)


def test_two_runs_of_a_notebook_and_one_of_another(write: Any, work: Path) -> None:
    (work / "numbers.txt").write_text("1\n2\n3\n")
    path = write(*CELLS)
    first = mlops.run(path)
    assert first.status == "succeeded"
    scaled = (work / "scaled.txt").read_bytes()
    cells = (("step:read", "text = open('scaled.txt').read()"), ("metrics", "size = len(text)"))
    reader = write(*cells).rename(work / "other.ipynb")
    other = mlops.run(reader)
    assert other.status == "succeeded"

    changed = list(CELLS)
    changed[2] = ("step:scale", CELLS[2][1].replace("row * factor", "row * factor + 1"))
    changed[3] = ("metrics", "# the sum\n" + CELLS[3][1])
    second = mlops.run(write(*changed), {"factor": 5})
    assert second.status == "succeeded"

    found = api.comparison([first.run_id, second.run_id])
    (factor,) = [row for row in found.parameters if row.differs]
    assert [cell.value for cell in factor.cells if cell] == [2, 5]
    (total,) = found.metrics
    assert total.values == (12, 33) and total.deltas[1] == 21
    (code,) = found.code
    changes = {cell.step: (cell.status, cell.diff) for cell in code.cells if cell.differs}
    assert set(changes) == {"scale", "metrics"}
    assert changes["scale"][0] == "changed" and "+scaled = [row * factor + 1 for row in rows]" in changes["scale"][1]
    assert changes["metrics"][0] == "layout"
    assert {row.name for row in found.data if row.differs} >= {"scaled", "scaled.txt"}
    assert not any(row.differs for row in found.data if row.name in ("numbers.txt", "rows"))
    load = next(row for row in found.steps if row.slug == "load").cells[1]
    assert load is not None and (load.status, load.computed_in) == ("reused", first.run_id)

    up = mlops.lineage(f"{second.run_id}:scaled", "up")
    steps = {(node.step, node.run_id) for node in up.nodes if node.kind == "step"}
    assert steps == {("scale", second.run_id), ("load", first.run_id)}, "the step that was reused is the first run's"
    (source,) = [node for node in up.nodes if node.kind == "file"]
    assert (source.name, source.digest) == ("numbers.txt", hash_bytes(b"1\n2\n3\n"))
    (rows,) = [node for node in up.nodes if node.kind == "artifact" and node.name == "rows"]
    assert [cell.line for cell in rows.cells] == [1]

    down = mlops.lineage(hash_bytes(scaled)[:16], "down")
    assert ("read", other.run_id) in {(node.step, node.run_id) for node in down.nodes}
    across = mlops.lineage(other.run_id, "up")
    assert ("load", first.run_id) in {(node.step, node.run_id) for node in across.nodes}
    assert {second.run_id} & set(mlops.lineage("numbers.txt", "down").runs)
