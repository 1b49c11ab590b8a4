"""What the table promises about scikit-learn is what scikit-learn does."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import pytest

pytest.importorskip("sklearn")
np = pytest.importorskip("numpy")

from sklearn.utils import all_estimators  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

ROWS = 40
USES = ("predict", "transform", "predict_proba", "decision_function", "score_samples", "get_params")


def data() -> list[tuple[Any, Any]]:
    """Kinds of training data, one of which suits each estimator."""
    generator = np.random.RandomState(0)
    table = np.ascontiguousarray(generator.rand(ROWS, 4))
    classes = np.arange(ROWS) % 3
    numbers = generator.rand(ROWS)
    return [
        (table, classes),
        (table, numbers),
        (table, generator.rand(ROWS, 2)),
        (table, None),
        (table[:, 0].copy(), numbers),
        (["a b", "b c"] * 5, None),
        (np.abs(table @ table.T), None),
    ]


def public_name(table: Any, cls: type) -> str | None:
    """The name under which the table lists the estimator."""
    name = cls.__name__
    parts = cls.__module__.split(".")
    for length in range(len(parts), 1, -1):
        candidate = ".".join([*parts[:length], name])
        if candidate in LISTED.get(id(table), set()) or candidate in table.classes("sklearn"):
            return candidate
    return None


LISTED: dict[int, set[str]] = {}


def fitted(cls: type, **options: Any) -> tuple[Any, Any, Any] | None:
    """A new estimator fitted on the first data that suit it, with copies of the data."""
    for features, target in data():
        try:
            estimator = cls(**options)
            if "max_iter" in inspect.signature(cls).parameters and "TSNE" not in cls.__name__:
                estimator.set_params(max_iter=3)
            features, target = pickle.loads(pickle.dumps((features, target)))
            estimator.fit(features, target)
        except Exception:
            continue
        return estimator, features, target
    return None


def state() -> bytes:
    return pickle.dumps(np.random.get_state())


def arrays(value: Any, seen: set[int], depth: int = 0) -> list[Any]:
    """All arrays within an object."""
    if id(value) in seen or depth > 6:
        return []
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, list | tuple):
        return [array for item in value[:50] for array in arrays(item, seen, depth + 1)]
    if isinstance(value, dict):
        return [array for item in value.values() for array in arrays(item, seen, depth + 1)]
    if hasattr(value, "__getstate__") and "Tree" in type(value).__name__:
        return arrays(value.__getstate__(), seen, depth + 1)
    return arrays(vars(value), seen, depth + 1) if hasattr(value, "__dict__") else []


def test_fitting(table: Any) -> None:
    """What fit draws from, changes and keeps, for every estimator with its defaults."""
    problems, seen = [], 0
    for name, cls in all_estimators():
        listed = public_name(table, cls)
        assert listed is not None, f"{cls.__module__}.{name} is not listed"
        effect = table.method(listed, "fit")
        np.random.seed(0)
        before = state()
        result = fitted(cls)
        if result is None or effect is None:
            continue
        seen += 1
        estimator, features, target = result
        if state() != before and not (effect.draws or effect.draws_unless):
            problems.append(f"{name}.fit draws")
        mine = [array for array in arrays(estimator, set()) if array.size]
        given = [array for array in (features, target) if isinstance(array, np.ndarray)]
        if not effect.keeps and any(np.shares_memory(a, b) for a in mine for b in given):
            problems.append(f"{name}.fit keeps its data")
        problems += _uses(table, listed, estimator, features)
    assert not problems, "\n".join(problems)
    assert seen > 140


def _uses(table: Any, listed: str, estimator: Any, features: Any) -> list[str]:
    problems = []
    for method in USES:
        effect = table.method(listed, method)
        if effect is None or not hasattr(estimator, method):
            continue
        content = pickle.dumps((features, estimator.get_params()))
        before = state()
        try:
            result = getattr(estimator, method)(*(() if method == "get_params" else (features,)))
        except Exception:
            continue
        if state() != before and not (effect.draws or effect.draws_unless):
            problems.append(f"{listed}.{method} draws")
        if pickle.dumps((features, estimator.get_params())) != content:
            problems.append(f"{listed}.{method} mutates")
        if not effect.shares and isinstance(features, np.ndarray):
            problems += [f"{listed}.{method} shares" for a in arrays(result, set()) if np.shares_memory(a, features)]
    return problems


def test_random_state_keeps_fit_from_drawing(table: Any) -> None:
    """With random_state given, nothing is drawn from the global generator."""
    problems, seen = [], 0
    for _, cls in all_estimators():
        listed = public_name(table, cls)
        effect = table.method(listed, "fit") if listed else None
        if effect is None or effect.draws or not effect.draws_unless:
            continue
        assert "random" in table.flags(listed)
        before = state()
        if fitted(cls, random_state=0) is not None:
            seen += 1
            if state() != before:
                problems.append(cls.__name__)
    assert not problems
    assert seen > 50


def test_functions(witness: Any, table: Any) -> None:
    from sklearn import datasets, metrics, model_selection, preprocessing, utils

    table_, classes, numbers = np.random.RandomState(0).rand(12, 3), np.arange(12) % 2, np.arange(12.0)
    calls: list[tuple[str, Any, tuple[Any, ...], dict[str, Any]]] = [
        ("model_selection.train_test_split", model_selection.train_test_split, (table_, classes), {}),
        ("model_selection.train_test_split", model_selection.train_test_split, (table_, classes), {"shuffle": False}),
        ("utils.shuffle", utils.shuffle, (table_, classes), {}),
        ("utils.resample", utils.resample, (table_,), {}),
        ("preprocessing.scale", preprocessing.scale, (table_,), {}),
        ("preprocessing.normalize", preprocessing.normalize, (table_,), {}),
        ("preprocessing.minmax_scale", preprocessing.minmax_scale, (table_,), {}),
        ("preprocessing.label_binarize", preprocessing.label_binarize, (classes,), {"classes": [0, 1]}),
        ("datasets.make_classification", datasets.make_classification, (), {}),
        ("datasets.load_iris", datasets.load_iris, (), {}),
    ]
    for kind, name, _ in table.entries("sklearn"):
        function = getattr(metrics, name.rpartition(".")[2], None)
        if kind == "functions" and name.startswith("sklearn.metrics.") and function is not None:
            short = name.removeprefix("sklearn.")
            calls += [
                (short, function, args, {})
                for args in ((classes, classes), (numbers, numbers), (table_, classes), (table_,))
            ]
    for name, function, args, options in calls:
        witness.see(
            name,
            table.function(f"sklearn.{name}"),
            lambda _, *given, function=function, **more: function(*given, **more),
            None,
            args,
            **options,
        )
    assert len(witness.calls) > 80


def test_splits(table: Any) -> None:
    effect = table.function("sklearn.model_selection.train_test_split")
    assert effect.splits and effect.draws_unless == (("random_state", "numpy"),)


def test_cross_validation_leaves_the_estimator_alone(table: Any) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    estimator = LogisticRegression()
    before = pickle.dumps(estimator)
    cross_val_score(estimator, *data()[0], cv=2)
    assert pickle.dumps(estimator) == before
    effect = table.function("sklearn.model_selection.cross_val_score")
    assert not effect.mutates and ((0, "estimator"), "numpy") in effect.draws_if


def test_estimators_not_listed_count_as_the_worst_of_their_kind(table: Any) -> None:
    effect = table.method("sklearn.some.New", "fit")
    assert effect.mutates == ("self",) and effect.keeps == ("*",) and effect.draws == ("numpy",)
