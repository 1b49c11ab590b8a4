"""What a cell does to IPython itself holds in later steps too, or is told."""

from __future__ import annotations

import builtins

import pytest
from building import make_notebook

from jupyter_mlops import api
from jupyter_mlops.pipeline.model import Pipeline


def sliced(*sources: str) -> Pipeline:
    return api.pipeline(make_notebook([(f"step:s{number}", source) for number, source in enumerate(sources)]))


def replayed(pipeline: Pipeline, place: int) -> str:
    return "\n".join(snippet.source for snippet in pipeline.steps[place].replay)


@pytest.mark.parametrize(
    "setting",
    [
        "get_ipython().ast_transformers.append(print)",
        "get_ipython().display_formatter.formatters['text/plain'].for_type(float, lambda o, p, c: p.text('f'))",
        "get_ipython().set_custom_exc((ValueError,), print)",
        "%alias greet echo hello",
        "%precision 3",
        "%config InlineBackend.close_figures=False",
        "import matplotlib.pyplot as plt\nplt.ioff()",
    ],
)
def test_it_is_set_again_in_each_step(setting: str) -> None:
    pipeline = sliced(setting, "x = 1.5", "print(x)")
    assert pipeline.diagnostics == ()
    assert setting in replayed(pipeline, 1) and setting in replayed(pipeline, 2)


def test_so_it_is_through_a_variable() -> None:
    pipeline = sliced("ip = get_ipython()\nip.input_transformers_cleanup.append(list)", "x = 1", "print(x)")
    assert pipeline.diagnostics == () and "ip.input_transformers" in replayed(pipeline, 2)


def test_what_needs_data_is_told() -> None:
    made = "import random\nseen = [random.random()]\nget_ipython().ast_transformers.append(seen)"
    assert "MLO050" in {item.code for item in sliced(made, "x = 1", "print(x)").diagnostics}


@pytest.mark.parametrize(
    "source",
    ["%history -n 1", "%macro again 1", "%rerun", "get_ipython().events.register('pre_run_cell', print)"],
)
def test_what_depends_on_other_cells_is_told(source: str) -> None:
    assert [item.code for item in sliced("x = 1", source).diagnostics] == ["MLO024"]


def test_a_display_that_another_step_updates_is_told() -> None:
    shown = "handle = display('first', display_id='d')"
    assert "MLO050" in {item.code for item in sliced(shown, "handle.update('second')").diagnostics}
    assert sliced(shown + "\nhandle.update('second')", "x = 1").diagnostics == ()


def test_names_that_ipython_adds_are_known_in_any_process(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = "get_ipython().ast_transformers.append(print)\nhandle = display(1, display_id='d')", "__IPYTHON__"
    before = sliced(*notebook)
    for name in ("display", "get_ipython", "_"):
        monkeypatch.setattr(builtins, name, print, raising=False)
    assert sliced(*notebook) == before and before.diagnostics == ()


def test_help_reads_what_it_is_about() -> None:
    assert sliced("x = [1]", "x?").steps[1].inputs == ("x",)


def test_the_output_of_a_script_is_bound() -> None:
    pipeline = sliced("%%bash --out found --err=problems\nls", "print(found, problems)")
    assert pipeline.steps[1].inputs == ("found", "problems")


def test_pylab_imports_everything() -> None:
    pipeline = sliced("%pylab inline", "x = arange(3)\nplt.plot(sin(x))")
    assert "from matplotlib.pylab import *" in replayed(pipeline, 1)


def test_interact_calls_what_it_decorates() -> None:
    pipeline = sliced("from ipywidgets import interact\nseen = []", "@interact(x=3)\ndef f(x): seen.append(x)", "seen")
    assert pipeline.steps[1].mutates == ("seen",)


def test_a_folder_that_is_entered_has_been_made() -> None:
    pipeline = sliced("import os\nos.mkdir('made')", "os.chdir('made')", "print(os.getcwd())")
    assert ("s0", "s1") in {(edge.source, edge.target) for edge in pipeline.edges}


def test_a_pool_of_workers_is_not_handed_to_what_it_calls() -> None:
    pipeline = sliced(
        "from multiprocessing.pool import ThreadPool\nseen = []\ndef f(x): seen.append(x)",
        "with ThreadPool(2) as pool: pool.map(f, range(4))",
        "print(sorted(seen))",
    )
    assert pipeline.diagnostics == () and pipeline.steps[1].mutates == ("seen",)


def test_parallel_gives_a_list() -> None:
    pipeline = sliced(
        "from joblib import Parallel, delayed\ndef square(x): return x * x",
        "squares = Parallel(n_jobs=2)(delayed(square)(i) for i in range(4))",
        "print(squares)",
    )
    assert pipeline.diagnostics == ()
