"""The JSON files: all of them parse, and what they name exists."""

from __future__ import annotations

import builtins
import importlib
import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.analysis.effects import EffectTable, parse_effect, table

FOLDER = Path(table.__file__).parent
LIBRARIES = sorted(path.stem for path in FOLDER.glob("*.json") if path.stem != "index")
# Pseudo classes name what a function gives where no importable name exists.
PSEUDO = {
    "builtins": {"NoneType", "ellipsis", "NotImplementedType", "dict_keys", "dict_values", "dict_items", "iterator",
                 "generator", "function", "display"},
    "stdlib": {"os.Environ", "sys.Path", "sys.Stream", "tempfile.TemporaryDirectoryObject", "csv.Reader", "csv.Writer",
               "hashlib.Hash"},
    "numpy": {"numpy.IndexTrick", "numpy.ConcatTrick"},
    "pandas": {"pandas.Indexer", "pandas.GroupBy", "pandas.Rolling", "pandas.Expanding", "pandas.Ewm",
               "pandas.Resampler", "pandas.StringAccessor", "pandas.DatetimeAccessor", "pandas.CategoricalAccessor",
               "pandas.PlotAccessor", "pandas.Styler", "pandas.Options", "pandas.OptionContext",
               "pandas.tseries.Offset", "pandas.IndexSliceType"},
    "sklearn": {"sklearn.Estimator", "sklearn.RandomEstimator", "sklearn.KeepingEstimator",
                "sklearn.KeepingRandomEstimator", "sklearn.DrawingEstimator", "sklearn.MetaEstimator",
                "sklearn.Splitter", "sklearn.RandomSplitter", "sklearn.ConfigContext"},
    "matplotlib": {"matplotlib.Options", "matplotlib.OptionContext"},
    "polars": {"polars.Namespace", "polars.GroupBy"},
    "plotly": {"plotly.Options"},
    "scipy": {"scipy.stats.Frozen"},
    "statsmodels": {"statsmodels.Model", "statsmodels.Results"},
}  # fmt: skip
# Names of older and newer versions than the installed ones, or of optional modules.
SOME_MISSING = {
    "ipython": 0.10, "stdlib": 0.03, "numpy": 0.12, "pandas": 0.06, "sklearn": 0.03, "matplotlib": 0.03,
    "seaborn": 0.05, "scipy": 0.05, "polars": 0.10, "plotly": 0.15, "torch": 0.05, "boosting": 0.10,
    "statsmodels": 0.10,
}  # fmt: skip


def resolved(name: str) -> Any:
    """The object of a qualified name, None where it doesn't exist."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
            for part in parts[length:]:
                found = getattr(found, part)
        except (ImportError, AttributeError):
            continue
        return found
    return getattr(builtins, name, None)


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_line_parses(table: EffectTable, library: str) -> None:
    lines = list(table.entries(library))
    assert lines
    for kind, name, spec in lines:
        if spec.startswith("class "):
            assert kind == "patterns" and table.class_of(spec.removeprefix("class ")), name
        else:
            parse_effect(spec, f"{library}.json {kind} {name}")


@pytest.mark.parametrize("library", LIBRARIES)
def test_types_and_bases_are_classes_of_the_table(table: EffectTable, library: str) -> None:
    missing = set()
    for kind, name, spec in table.entries(library):
        effect = None if spec.startswith("class ") else parse_effect(spec)
        named = () if effect is None else (effect.result, effect.otherwise, *effect.results)
        missing |= {f"{kind} {name}: {kind_of}" for kind_of in named if kind_of and table.class_of(kind_of) is None}
    for cls in table.classes(library):
        missing |= {f"{cls}: {base}" for base in table.declared_bases(cls) if table.class_of(base) is None}
    assert not missing


def test_index_names_every_module(table: EffectTable) -> None:
    index = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    assert set(index.values()) == set(LIBRARIES)
    for library in LIBRARIES:
        for kind, name, _ in table.entries(library):
            if kind in ("functions", "values") and library != "builtins":
                assert index.get(name.partition(".")[0]) == library, name
        for cls in table.classes(library):
            assert library == "builtins" or index.get(cls.partition(".")[0]) == library, cls


@pytest.mark.parametrize("library", LIBRARIES)
def test_names_exist(table: EffectTable, library: str) -> None:
    names = {name for kind, name, _ in table.entries(library) if kind in ("functions", "values")}
    names |= set(table.classes(library))
    names -= PSEUDO.get(library, set())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        present = {name for name in names if library == "builtins" or _is_installed(name.partition(".")[0])}
        missing = sorted(name for name in present if resolved(name) is None)
    assert len(missing) <= SOME_MISSING.get(library, 0) * len(present), missing


@pytest.mark.parametrize("library", LIBRARIES)
def test_methods_exist(table: EffectTable, library: str) -> None:
    """A method that a class lists exists in one of the classes of the library that list it."""
    listed: dict[str, bool] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind, name, _ in table.entries(library):
            owner, _, method = name.rpartition(".")
            cls = resolved(owner) if kind in ("methods", "static") else None
            if cls is not None:
                listed[method] = listed.get(method, False) or hasattr(cls, method)
    missing = sorted(method for method, exists in listed.items() if not exists)
    assert len(missing) <= max(2, 0.25 * len(listed)), missing


def _is_installed(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


def test_what_notebooks_use_daily_is_there(table: EffectTable) -> None:
    functions = (
        "len print sorted enumerate zip map open pandas.read_csv pandas.concat pandas.merge numpy.array numpy.mean "
        "numpy.random.seed random.seed os.path.join json.load pickle.dump time.time matplotlib.pyplot.plot "
        "matplotlib.pyplot.subplots seaborn.heatmap sklearn.model_selection.train_test_split "
        "sklearn.metrics.accuracy_score joblib.dump requests.get torch.manual_seed scipy.stats.ttest_ind "
        "sklearn.datasets.load_iris plotly.express.scatter copy.deepcopy itertools.product collections.namedtuple"
    )
    assert [name for name in functions.split() if table.function(name) is None] == []
    classes = (
        "dict collections.Counter collections.defaultdict datetime.datetime pathlib.Path pandas.DataFrame "
        "pandas.Series numpy.ndarray numpy.random.Generator sklearn.ensemble.RandomForestClassifier "
        "sklearn.pipeline.Pipeline sklearn.preprocessing.StandardScaler matplotlib.axes.Axes polars.DataFrame "
        "torch.nn.Linear xgboost.XGBClassifier lightgbm.LGBMRegressor tqdm.tqdm tqdm.auto.tqdm"
    )
    assert [name for name in classes.split() if table.class_of(name) is None] == []


def test_a_table_is_quick(table: EffectTable) -> None:
    """Look-ups are cached: the same object comes back."""
    assert table.method("pandas.DataFrame", "head") is table.method("pandas.DataFrame", "head")
