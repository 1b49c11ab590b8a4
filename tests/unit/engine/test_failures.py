"""From a kernel's report to a place in the user's notebook."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.failures import cell_failure, dead_kernel, plain_text
from jupyter_mlops.engine.result import StepFailure
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Artifact, Parameter, Pipeline, Snippet, Step
from jupyter_mlops.steps.notebook import step_notebook

TRACEBACK = [
    "\x1b[31m-----\x1b[39m",
    "ValueError   Traceback (most recent call last)",
    "\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[7]\x1b[39m\x1b[32m, line 3\x1b[39m",
    "----> 3 f()",
    "Cell In[2], line 9, in f()",
]


def fail(notebook: Notebook, step: Step, cell_id: str, evalue: str = "no", **more: Any) -> StepFailure:
    other = Step("other", "other", ())
    artifacts = tuple(Artifact(f"{step.slug}.{name}", step.slug, "value", (name,)) for name in step.outputs)
    parameters = (Parameter("n", "int", 1, "p", 1),)
    pipeline = Pipeline("x", None, "python3", parameters, (step, other), (), artifacts)
    made = step_notebook(pipeline, step, notebook.raw)
    cell = next(cell for cell in made["cells"] if cell["id"] == cell_id)
    cell["execution_count"] = 7
    return cell_failure(pipeline, step, notebook, cell, (more.get("ename", "ValueError"), evalue, TRACEBACK))


def test_line_is_that_of_the_failing_cell(make_notebook: Callable[..., Notebook]) -> None:
    notebook = make_notebook(md="text", a="1\n2\nf()")
    failure = fail(notebook, Step("s", "s", ("a",)), "a")
    assert (failure.cell, failure.cell_index, failure.line) == ("a", 1, 3)
    assert "\x1b" not in failure.traceback and "Cell 2 (s), line 3" in failure.traceback
    assert failure.message == "ValueError: no"


def test_old_tracebacks_have_an_arrow() -> None:
    assert plain_text(["\x1b[0;32m----> 3\x1b[0m f()"]) == "----> 3 f()"


def test_replayed_code_fails_in_its_own_cell(make_notebook: Callable[..., Notebook]) -> None:
    notebook = make_notebook(i="import os", g="import sys", a="1")
    step = Step("s", "s", ("a",), replay=(Snippet("i", "import os", ("os",)), Snippet("g", "import sys", ("sys",))))
    assert fail(notebook, step, "mlops-replay").cell == "g", "line 3 of the replay cell"


def test_value_that_cannot_be_saved_is_found_where_it_was_made(make_notebook: Callable[..., Notebook]) -> None:
    notebook = make_notebook(a="gen = 1\nprint(gen == 2)", b="x = 1\ngen = (i for i in x)\nprint(gen)", c="print(gen)")
    step = Step("s", "s", ("a", "b", "c"), outputs=("x", "gen"))
    failure = fail(
        notebook, step, "mlops-save", "step 's' cannot hand over 'gen': generator: no.\nWays out: x", ename="SaveError"
    )
    assert (failure.cell, failure.line) == ("b", 2)


def test_parameters_cell_is_named(make_notebook: Callable[..., Notebook]) -> None:
    notebook = make_notebook(p=("n = 1", ("parameters",)), a="n")
    assert fail(notebook, Step("s", "s", ("a",), parameters_source="n = 1"), "mlops-parameters").cell == "p"


def test_hints(make_notebook: Callable[..., Notebook]) -> None:
    notebook = make_notebook(a="x")
    missing = fail(notebook, Step("s", "s", ("a",)), "a", "name 'x' is not defined", ename="NameError")
    assert missing.hint is not None and "`in:x`" in missing.hint
    module = fail(notebook, Step("s", "s", ("a",)), "a", "No module named 'x'", ename="ModuleNotFoundError")
    assert module.hint is not None and "'python3'" in module.hint


def test_dead_kernel_says_how_and_what_it_printed(make_notebook: Callable[..., Notebook], tmp_path: Path) -> None:
    log = tmp_path / "kernel.log"
    log.write_bytes(b"x" * 5000 + b"\nfatal: bad\xff")
    failure = dead_kernel(make_notebook(a="x"), {"id": "a", "metadata": {}}, -11, log)
    assert failure.kind == "infrastructure" and "SIGSEGV" in failure.message and failure.cell == "a"
    assert failure.traceback.endswith("fatal: bad\ufffd") and len(failure.traceback) < 2100
    killed = dead_kernel(make_notebook(a="x"), None, -9, tmp_path / "none")
    assert killed.hint is not None and "memory" in killed.hint
    assert "exit code 3" in dead_kernel(make_notebook(a="x"), None, 3, log).message
