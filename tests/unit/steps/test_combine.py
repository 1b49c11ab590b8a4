"""Executed steps become one notebook again."""

from __future__ import annotations

import copy
from typing import Any

import nbformat

from jupyter_mlops.pipeline.model import Edge, Parameter, Pipeline, Snippet, Step
from jupyter_mlops.steps.combine import combined_notebook
from jupyter_mlops.steps.notebook import step_notebook


def code(cell_id: str, source: str, tags: tuple[str, ...] = ()) -> dict[str, Any]:
    metadata = {"tags": list(tags)} if tags else {}
    stale = [{"output_type": "stream", "name": "stdout", "text": "stale"}]
    return {
        "cell_type": "code",
        "id": cell_id,
        "metadata": metadata,
        "source": source,
        "outputs": stale,
        "execution_count": 99,
    }


def text(cell_id: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": cell_id, "metadata": {}, "source": f"*{cell_id}*"}


RAW = {
    "cells": [
        text("title"),
        code("p", "n = 3", ("parameters",)),
        code("i", "import math", ("imports",)),
        code("a", "x = n", ("step:one",)),
        text("middle"),
        code("b", "y = x", ("step:two",)),
        code("c", "print(y)"),
        text("end"),
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
ONE = Step("one", "one", ("a",), parameters=("n",), parameters_source="n = 3", metric_names=("x",))
TWO = Step("two", "two", ("b", "c"), replay=(Snippet("i", "import math", ("math",)),), metric_names=("y",))
PARAMETERS = (Parameter("n", "int", 3, "p", 1), Parameter("m", "int", 4, "p", 1))
PIPELINE = Pipeline("demo", None, "python3", PARAMETERS, (ONE, TWO), (Edge("one", "two", ("x",)),), ())


def executed(step: Step, *, fail: str | None = None, start: int = 0, injected: str = "") -> dict[str, Any]:
    """A step notebook as if executed: every cell shows its own id; ``fail`` ends it."""
    made = step_notebook(PIPELINE, step, RAW)
    if injected:
        made["cells"].insert(1, code("injected", injected, ("injected-parameters",)))
    count, status = 0, "completed"
    for cell in made["cells"]:
        cell["metadata"]["papermill"] = {"status": "pending", "exception": None}
        if status == "failed":
            continue
        count += 1
        status = "failed" if cell["id"] == fail else "completed"
        cell["metadata"]["papermill"] = {"status": status, "exception": status == "failed", "duration": 0.1}
        cell["execution_count"] = count
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": f"{step.slug}:{cell['id']}"}]
        if status == "failed":
            cell["outputs"] = [{"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["no"]}]
    made["metadata"]["papermill"] = {
        "version": "2.7.0",
        "parameters": {"n": 5} if injected else {},
        "start_time": f"2026-01-01T00:00:0{start}.000000+00:00",
        "end_time": f"2026-01-01T00:00:0{start + 2}.000000+00:00",
        "exception": True if status == "failed" else None,
    }
    made["metadata"]["language_info"] = {"name": "python", "version": "3.11"}
    return made


def by_id(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {cell["id"]: cell for cell in made["cells"]}


def shown(cell: dict[str, Any]) -> str:
    return "".join(output.get("text", output.get("ename", "")) for output in cell["outputs"])


def test_cells_keep_their_order_and_show_what_their_step_produced() -> None:
    made = combined_notebook(RAW, PIPELINE, {"one": executed(ONE), "two": executed(TWO, start=1)}, {})
    assert [cell["id"] for cell in made["cells"]] == [cell["id"] for cell in RAW["cells"]]
    cells = by_id(made)
    assert [shown(cells[name]) for name in ("p", "a", "b", "c")] == ["one:mlops-parameters", "one:a", "two:b", "two:c"]
    assert [cells[name]["execution_count"] for name in ("a", "b", "c")] == [2, 2, 3]
    assert cells["i"]["outputs"] == [] and cells["i"]["execution_count"] is None, "replayed, not executed itself"
    assert all(cells[name]["metadata"]["papermill"]["status"] == "completed" for name in ("title", "middle", "end"))
    nbformat.validate(nbformat.from_dict(made))


def test_source_stays_as_it_is() -> None:
    before = copy.deepcopy(RAW)
    combined_notebook(RAW, PIPELINE, {"one": executed(ONE)}, {"n": 5})
    assert before == RAW


def test_metadata_are_papermills() -> None:
    both = {"one": executed(ONE), "two": executed(TWO, start=3)}
    made = combined_notebook(RAW, PIPELINE, both, {"n": 5}, input_path="in.ipynb", output_path="out.ipynb")
    found = made["metadata"]["papermill"]
    assert found["parameters"] == {"n": 5} and found["version"] == "2.7.0" and found["exception"] is None
    assert (found["input_path"], found["output_path"]) == ("in.ipynb", "out.ipynb")
    assert found["duration"] == 5.0
    assert made["metadata"]["language_info"]["version"] == "3.11"


def test_run_is_noted_beside_the_users_settings() -> None:
    raw = {**RAW, "metadata": {**RAW["metadata"], "mlops": {"name": "mine"}}}
    made = combined_notebook(raw, PIPELINE, {}, {}, run={"id": "r1"})
    assert made["metadata"]["mlops"] == {"name": "mine", "run": {"id": "r1"}}


def test_parameters_stand_right_below_their_cell() -> None:
    executed_one = executed(ONE, injected="# Parameters\nn = 5\n")
    made = combined_notebook(RAW, PIPELINE, {"one": executed_one}, {"n": 5})
    position = [cell["id"] for cell in made["cells"]].index("p") + 1
    injected = made["cells"][position]
    assert injected["metadata"]["tags"] == ["injected-parameters"]
    assert injected["source"] == "# Parameters\nn = 5\n"
    assert injected["execution_count"] == 2


def test_all_parameters_are_shown_although_each_step_got_its_own() -> None:
    made = combined_notebook(RAW, PIPELINE, {"one": executed(ONE, injected="# Parameters\nn = 5\n")}, {"n": 5, "m": 1})
    (injected,) = [cell for cell in made["cells"] if "injected-parameters" in cell["metadata"]["tags"]]
    assert injected["source"] == "# Parameters\nn = 5\nm = 1\n"


def test_parameters_without_a_parameters_cell_stand_on_top() -> None:
    raw = {**RAW, "cells": [cell for cell in RAW["cells"] if cell["id"] != "p"]}
    pipeline = Pipeline("demo", None, "python3", (), (ONE, TWO), (), ())
    made = combined_notebook(raw, pipeline, {}, {"n": 5})
    assert made["cells"][0]["source"] == "# Parameters\nn = 5\n"
    assert made["cells"][1]["id"] == "title"


def test_earlier_injected_cell_is_replaced_where_it_stands() -> None:
    cells = [*RAW["cells"][:3], code("old", "n = 1", ("injected-parameters",)), *RAW["cells"][3:]]
    made = combined_notebook({**RAW, "cells": cells}, PIPELINE, {}, {"n": 5})
    assert len(made["cells"]) == len(cells)
    assert made["cells"][3]["source"] == "# Parameters\nn = 5\n"


def test_failed_step_gets_papermills_banner() -> None:
    made = combined_notebook(RAW, PIPELINE, {"one": executed(ONE), "two": executed(TWO, fail="b")}, {})
    order = [cell["id"] for cell in made["cells"]]
    banner, anchor = made["cells"][0], made["cells"][order.index("b") - 1]
    assert "In [2]" in banner["source"] and 'id="papermill-error-cell"' in anchor["source"]
    assert all(cell["metadata"]["tags"] == ["papermill-error-cell-tag"] for cell in (banner, anchor))
    cells = by_id(made)
    assert shown(cells["b"]) == "ValueError" and cells["c"]["outputs"] == []
    assert cells["middle"]["metadata"]["papermill"]["status"] == "completed"
    assert cells["end"]["metadata"]["papermill"]["status"] == "pending"
    assert made["metadata"]["papermill"]["exception"] is True
    again = combined_notebook(made, PIPELINE, {}, {})
    assert [cell["id"] for cell in again["cells"]] == [cell["id"] for cell in RAW["cells"]], "the banner goes again"


def test_failed_save_cell_is_shown_below_its_step() -> None:
    made = combined_notebook(RAW, PIPELINE, {"one": executed(ONE, fail="mlops-save")}, {})
    order = [cell["id"] for cell in made["cells"]]
    assert order.index("mlops-save-one") == order.index("a") + 2, "with the anchor between"
    nbformat.validate(nbformat.from_dict(made))


def test_clean_exit_is_no_error() -> None:
    one = executed(ONE, fail="a")
    error = {"output_type": "error", "ename": "SystemExit", "evalue": "0", "traceback": []}
    next(cell for cell in one["cells"] if cell["id"] == "a")["outputs"] = [error]
    made = combined_notebook(RAW, PIPELINE, {"one": one}, {})
    assert [cell["id"] for cell in made["cells"]] == [cell["id"] for cell in RAW["cells"]]


def test_widgets_of_all_steps_are_kept() -> None:
    mime = "application/vnd.jupyter.widget-state+json"
    one, two = executed(ONE), executed(TWO)
    one["metadata"]["widgets"] = {mime: {"version_major": 2, "version_minor": 0, "state": {"a": {}}}}
    two["metadata"]["widgets"] = {mime: {"version_major": 2, "version_minor": 0, "state": {"b": {}}}}
    made = combined_notebook(RAW, PIPELINE, {"one": one, "two": two}, {})
    assert set(made["metadata"]["widgets"][mime]["state"]) == {"a", "b"}
