"""Hidden states, captured in one process and restored in another."""

from __future__ import annotations

import decimal
import os
import random
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.runtime import load, save
from jupyter_mlops.runtime.states import STATES


@pytest.fixture
def through(context, tmp_path, monkeypatch):
    """Do something, save a state, undo it, load the state."""
    monkeypatch.chdir(tmp_path)

    def run(name, do, undo=lambda: None):
        namespace: dict[str, object] = {}
        load(namespace, context())
        do()
        made = context(saves=[{"id": "x", "kind": "state", "names": [name]}])
        save(namespace, made)
        undo()
        (path,) = [path for path in made.output_dir.iterdir() if path.suffix in (".pickle5", ".absent")]
        serializer = "absent" if path.suffix == ".absent" else "pickle"
        item = {"id": "x", "kind": "state", "names": [name], "bind": [], "path": str(path), "serializer": serializer}
        load({"_dh": [str(tmp_path)]}, context(loads=[item]))
        path.unlink()

    return run


def test_random_generators(through):
    for name, seed, draw in (
        ("rng:random", random.seed, lambda: [random.random(), random.gauss(0, 1)]),
        ("rng:numpy", np.random.seed, lambda: [*np.random.rand(3), np.random.normal()]),
    ):
        seed(5)
        draw()
        expected = []

        def do(name=name, draw=draw, expected=expected):
            state = STATES[name].capture(None)
            expected.extend(draw())
            STATES[name].restore(state, None)

        through(name, do, lambda seed=seed: seed(99))
        assert draw() == expected


def test_another_global_bit_generator(through):
    original = np.random.mtrand._rand._bit_generator
    np.random.set_bit_generator(np.random.PCG64(3))
    expected = np.random.RandomState(np.random.PCG64(3)).random()
    through("rng:numpy", lambda: None, lambda: np.random.set_bit_generator(original))
    assert np.random.random() == expected
    np.random.set_bit_generator(original)


def test_pandas_options(through):
    through("options:pandas", lambda: pd.set_option("display.max_rows", 7), lambda: pd.reset_option("display.max_rows"))
    assert pd.get_option("display.max_rows") == 7
    pd.reset_option("display.max_rows")


def test_numpy_options(through):
    before, errors = np.get_printoptions(), np.geterr()
    through(
        "options:numpy",
        lambda: (np.set_printoptions(precision=2), np.seterr(divide="raise")),
        lambda: (np.set_printoptions(**before), np.seterr(**errors)),
    )
    assert np.get_printoptions()["precision"] == 2
    assert np.geterr()["divide"] == "raise"
    np.set_printoptions(**before)
    np.seterr(**errors)


def test_options_of_scikit_learn(through):
    sklearn = pytest.importorskip("sklearn")
    before = sklearn.get_config()
    try:
        through(
            "options:sklearn",
            lambda: sklearn.set_config(display="text", transform_output="pandas"),
            lambda: sklearn.set_config(**before),
        )
        assert sklearn.get_config() == {**before, "display": "text", "transform_output": "pandas"}
    finally:
        sklearn.set_config(**before)


def test_the_inline_backend_keeps_the_name_it_was_chosen_by(through):
    matplotlib = pytest.importorskip("matplotlib")
    before = dict.get(matplotlib.rcParams, "backend")

    def set_backend(name):
        dict.__setitem__(matplotlib.rcParams, "backend", name)

    try:
        through(
            "options:matplotlib",
            lambda: set_backend("inline"),
            lambda: set_backend("module://matplotlib_inline.backend_inline"),
        )
        assert dict.get(matplotlib.rcParams, "backend") == "inline"
        through("options:matplotlib", lambda: set_backend("inline"), lambda: set_backend("agg"))
        assert dict.get(matplotlib.rcParams, "backend") == "agg"
    finally:
        set_backend(before)


def test_a_default_colormap_that_a_library_has_registered_arrives(through):
    matplotlib = pytest.importorskip("matplotlib")
    from matplotlib.colors import ListedColormap

    def change():
        matplotlib.colormaps.register(ListedColormap(["red", "blue"]), name="of_a_library")
        matplotlib.rcParams["image.cmap"] = "of_a_library"

    def reset():
        matplotlib.rcdefaults()
        matplotlib.colormaps.unregister("of_a_library")

    through("options:matplotlib", change, reset)
    assert matplotlib.colormaps[matplotlib.rcParams["image.cmap"]].N == 2
    reset()


def test_matplotlib_options_leave_the_backend_alone(through):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    through(
        "options:matplotlib",
        lambda: (matplotlib.rcParams.update({"lines.linewidth": 7}), matplotlib.use("svg")),
        lambda: (matplotlib.rcdefaults(), matplotlib.use("Agg")),
    )
    assert matplotlib.rcParams["lines.linewidth"] == 7
    assert matplotlib.get_backend().lower() == "agg"
    matplotlib.rcdefaults()
    matplotlib.use("Agg")


def test_figures_come_back_under_their_numbers(through):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    def draw():
        pyplot.figure(3).add_subplot().plot([1, 2])
        pyplot.figure(7)
        pyplot.figure(3)

    through("figures", draw, lambda: pyplot.close("all"))
    assert pyplot.get_fignums() == [3, 7]
    assert pyplot.gcf().number == 3
    assert pyplot.gca().lines[0].get_ydata().tolist() == [1, 2]
    pyplot.close("all")
    through("figures", lambda: None)
    assert pyplot.get_fignums() == []


def test_warnings_filters(through):
    with warnings.catch_warnings():
        warnings.resetwarnings()

        def do():
            warnings.filterwarnings("error", "bad .*", UserWarning)
            warnings.simplefilter("ignore", FutureWarning, append=True)

        through("warnings", do, warnings.resetwarnings)
        with pytest.raises(UserWarning):
            warnings.warn("bad thing", UserWarning, stacklevel=1)
        warnings.warn("fine", FutureWarning, stacklevel=1)


def test_environment(through, monkeypatch):
    monkeypatch.setenv("MLOPS_TEST_OLD", "1")
    monkeypatch.setenv("MLOPS_TEST_GONE", "1")
    monkeypatch.setenv("JUPYTER_MLOPS_SECRET", "1")

    def do():
        os.environ["MLOPS_TEST_NEW"] = "äö"
        os.environ["MLOPS_TEST_OLD"] = "2"
        del os.environ["MLOPS_TEST_GONE"]
        os.environ["JUPYTER_MLOPS_SECRET"] = "2"

    def undo():
        del os.environ["MLOPS_TEST_NEW"]
        os.environ.update(MLOPS_TEST_OLD="1", MLOPS_TEST_GONE="1", JUPYTER_MLOPS_SECRET="other")

    through("env", do, undo)
    assert os.environ["MLOPS_TEST_NEW"] == "äö"
    assert os.environ["MLOPS_TEST_OLD"] == "2"
    assert "MLOPS_TEST_GONE" not in os.environ
    assert os.environ["JUPYTER_MLOPS_SECRET"] == "other"
    del os.environ["MLOPS_TEST_NEW"]


def test_what_a_first_step_sets_is_known_without_a_load_cell(steps):
    seen = steps.run(
        """
        import os, json
        os.environ["MLOPS_X"] = "1"
        from jupyter_mlops.runtime.states import Baseline, STATES
        print(STATES["env"].capture(Baseline.of_this_process({})))
        """
    )
    assert seen.strip() == "{'set': {'MLOPS_X': '1'}, 'unset': []}"


def test_working_directory(through, tmp_path):
    (tmp_path / "deeper").mkdir()
    through("cwd", lambda: os.chdir("deeper"), lambda: os.chdir(tmp_path))
    assert Path.cwd() == tmp_path / "deeper"


def test_decimal_and_logging_and_locale(through):
    import locale
    import logging

    through("decimal", lambda: setattr(decimal.getcontext(), "prec", 5), lambda: decimal.setcontext(decimal.Context()))
    assert decimal.getcontext().prec == 5
    decimal.setcontext(decimal.Context())
    logger = logging.getLogger("mlops.test")
    through("logging", lambda: logger.setLevel(logging.ERROR), lambda: logger.setLevel(logging.NOTSET))
    assert logger.level == logging.ERROR
    logger.setLevel(logging.NOTSET)
    before = locale.setlocale(locale.LC_ALL)
    through("locale", lambda: locale.setlocale(locale.LC_ALL, "C"), lambda: locale.setlocale(locale.LC_ALL, before))
    assert locale.setlocale(locale.LC_NUMERIC) == "C"
    locale.setlocale(locale.LC_ALL, before)


def test_states_are_restored_after_the_values_whose_libraries_change_them(steps):
    (steps.folder / "noisy.py").write_text(
        "import random, warnings\nwarnings.simplefilter('error')\nrandom.seed(0)\nclass Thing: pass\n"
    )
    steps.run(
        "import random, warnings, noisy\nthing = noisy.Thing()\nwarnings.simplefilter('ignore')\nrandom.seed(5)",
        saves=[["warnings"], ["rng:random"], ["thing"]],
    )
    seen = steps.run(
        "import random, warnings\nwarnings.warn('is ignored')\nprint(random.random() == random.Random(5).random())",
        step="t",
        loads=steps.loads("s"),
    )
    assert seen == "True\n"


@pytest.mark.parametrize("name", STATES)
def test_every_state_survives_capture_and_restore(through, name):
    through(name, lambda: None)
