"""What there is to know of a scikit-learn estimator: class, parameters, features, classes. In bounded time and size.

Nothing is computed and nothing of the user's is called: a class of the notebook is looked at, not asked.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping
from typing import Any

from .secret_names import REDACTED, is_secret

__all__ = ["describe_estimator"]

DEPTH = 3
MOST_PARAMETERS = 300
MOST_NAMES = 200
MOST_CLASSES = 50
LONGEST = 200


def describe_estimator(value: Any) -> dict[str, Any]:
    """Describe an estimator.

    Returns:
        ``class``, ``parameters`` (those of estimators within it have names like ``steps.model__alpha``), ``fitted``,
        and as far as known ``features`` (a number), ``feature_names``, ``classes``, ``best_parameters``. Long lists are
        cut; ``more_parameters``, ``more_feature_names`` and ``more_classes`` say by how much.
    """
    from .describe import type_name

    found: dict[str, Any] = {"class": type_name(type(value))}
    parameters: dict[str, Any] = {}
    left_out = 0
    for name, item in _parameters(value, "", DEPTH, ()):
        if len(parameters) < MOST_PARAMETERS:
            parameters[name] = item
        else:
            left_out += 1
        if left_out >= MOST_PARAMETERS:
            break
    found["parameters"] = parameters
    if left_out:
        found["more_parameters"] = left_out
    found["fitted"] = _is_fitted(value, DEPTH)
    features = _read(value, "n_features_in_")
    if type(features) is not bool and isinstance(features, int):
        found["features"] = int(features)
    _add_list(found, "feature_names", _read(value, "feature_names_in_"), MOST_NAMES)
    _add_list(found, "classes", _read(value, "classes_"), MOST_CLASSES)
    best = _read(value, "best_params_")
    if isinstance(best, Mapping):
        found["best_parameters"] = {str(key): _shown(str(key), item) for key, item in list(best.items())[:MOST_NAMES]}
    return found


def _parameters(value: Any, prefix: str, depth: int, above: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    if id(value) in above:
        return
    for name, item in _own_parameters(value).items():
        full = f"{prefix}{name}"
        if is_secret(str(name)) and item is not None:
            yield full, REDACTED
        elif _is_estimator(item):
            yield full, type(item).__name__
            if depth > 1:
                yield from _parameters(item, f"{full}__", depth - 1, (*above, id(value)))
        elif isinstance(item, (list, tuple)) and any(_named(part) for part in item[:MOST_NAMES]):
            yield full, _shown(full, [_label(part) for part in item[:MOST_NAMES]])
            for part in item[:MOST_NAMES] if depth > 1 else ():
                if _named(part) and _is_estimator(part[1]):
                    yield from _parameters(part[1], f"{full}.{part[0]}__", depth - 1, (*above, id(value)))
        else:
            yield full, _shown(str(name), item)


def _own_parameters(value: Any) -> dict[str, Any]:
    """The parameters of the estimator itself: as it tells them, or as they stand in it."""
    method = getattr(type(value), "get_params", None)
    if getattr(method, "__module__", "__main__") != "__main__":
        try:
            told = value.get_params(deep=False)
            if isinstance(told, dict):
                return {str(name): item for name, item in told.items()}
        except Exception:  # it goes on with what can be seen
            pass
    try:
        names = list(inspect.signature(type(value).__init__).parameters)[1:]
    except (TypeError, ValueError):
        return {}
    return {name: value.__dict__[name] for name in names if name in getattr(value, "__dict__", {})}


def _is_estimator(value: Any) -> bool:
    return any(cls.__name__ == "BaseEstimator" and cls.__module__.startswith("sklearn.") for cls in type(value).__mro__)


def _named(part: Any) -> bool:
    """Tell whether it is a step of a pipeline or the like: a name and an estimator, perhaps columns."""
    return isinstance(part, tuple) and 2 <= len(part) <= 3 and isinstance(part[0], str)


def _label(part: Any) -> Any:
    return f"{part[0]}: {type(part[1]).__name__ if not isinstance(part[1], str) else part[1]}" if _named(part) else part


def _is_fitted(value: Any, depth: int) -> bool:
    """Fitted estimators have attributes with a trailing underscore; a pipeline's are in its steps."""
    space = getattr(value, "__dict__", {})
    if any(name.endswith("_") and not name.startswith("_") for name in space):
        return True
    steps = space.get("steps")
    if depth and isinstance(steps, list) and steps and _named(steps[-1]):
        return any(_is_fitted(part[1], depth - 1) for part in steps if _named(part))
    return False


def _read(value: Any, name: str) -> Any:
    """An attribute that fitting sets; it may be a property of a library's class, which looks into the steps."""
    space = getattr(value, "__dict__", {})
    if name in space:
        return space[name]
    place = inspect.getattr_static(type(value), name, None)
    of_main = getattr(getattr(place, "fget", None), "__module__", None) == "__main__"
    if place is None or of_main:
        return None
    try:
        return getattr(value, name, None)
    except Exception:  # it is not fitted, or something in it says no
        return None


def _add_list(found: dict[str, Any], name: str, value: Any, most: int) -> None:
    if value is None or isinstance(value, (str, bytes)):
        return
    try:
        count = len(value)
        items = list(value[:most])
    except Exception:
        return
    found[name] = [_shown(name, item) for item in items]
    if count > most:
        found[f"more_{name}"] = count - most


def _shown(name: str, value: Any) -> Any:
    """JSON for plain values, a short text for anything else."""
    from .describe import plain

    if callable(getattr(type(value), "item", None)) and getattr(value, "shape", None) == ():
        value = value.item()
    if value is None or type(value) is bool:
        return value
    if type(value) is int and abs(value) < 2**53:
        return value
    if type(value) is float:
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, str):
        return str(value) if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"
    if isinstance(value, Mapping):
        value = {key: REDACTED if is_secret(str(key)) else item for key, item in list(value.items())[:MOST_NAMES]}
    text = plain(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
