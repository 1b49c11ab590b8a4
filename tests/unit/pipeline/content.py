"""Describes values so that two processes can tell whether they hold the same, sharing included."""

from __future__ import annotations

import hashlib
import pickle
import random
import types
from collections.abc import Mapping
from typing import Any

__all__ = ["describe"]

_PLAIN = (int, float, complex, str, bytes, bool, type(None), range, slice, type(...))
_ITERATORS = ("generator", "iterator", "zip", "map", "filter", "enumerate", "reversed")


def describe(variables: Mapping[str, Any], *, identity: bool = False) -> dict[str, str]:
    """Write down each variable's value.

    Args:
        identity: Whether an object met before is told by the place where it was met first, so that what is shared
            counts too; else it is described again.
    """
    writer = _Writer(identity)
    return {name: writer.value(variables[name], name) for name in sorted(variables)}


class _Writer:
    def __init__(self, identity: bool) -> None:
        self.identity = identity
        self.seen: dict[int, str] = {}
        self.keep: list[Any] = []
        self.arrays: list[tuple[str, Any]] = []

    def value(self, value: Any, path: str) -> str:
        kind = type(value)
        if kind in _PLAIN:
            return repr(value)
        if isinstance(value, (types.ModuleType, types.BuiltinFunctionType)):
            return f"<{kind.__name__} {value.__name__}>"
        if id(value) in self.seen:
            return f"<same as {self.seen[id(value)]}>"
        if kind not in (tuple, frozenset):  # which of these are one object, only the interpreter's caches know
            self.seen[id(value)] = path
        self.keep.append(value)
        text = self._new(value, kind, path)
        if not self.identity:
            self.seen.pop(id(value), None)
        return text

    def _new(self, value: Any, kind: type, path: str) -> str:
        if kind in (list, tuple):
            items = ", ".join(self.value(item, f"{path}[{place}]") for place, item in enumerate(value))
            return f"{kind.__name__}({items})"
        if isinstance(value, dict):
            pairs = [f"{self.value(key, path)}: {self.value(item, f'{path}[{key!r}]')}" for key, item in value.items()]
            return f"{kind.__name__}({', '.join(pairs)}){self._own(value, path)}"
        if isinstance(value, (set, frozenset)):
            return f"{kind.__name__}({sorted(map(repr, value))})"
        if isinstance(value, types.FunctionType):
            return self._function(value, path)
        if isinstance(value, types.MethodType):
            return f"<method {value.__name__} of {self.value(value.__self__, f'{path} self')}>"
        if isinstance(value, type):
            return self._class(value, path)
        if isinstance(value, random.Random):
            return f"<Random {_digest(value.getstate())}>"
        module = kind.__module__.partition(".")[0]
        if module == "numpy":
            return self._numpy(value, path)
        if module == "pandas":
            return _pandas(value)
        if any(word in kind.__name__ for word in _ITERATORS):
            return f"<{kind.__name__}>"
        return f"<{kind.__qualname__} {self._state(value, path)}{self._content(value, path)}>"

    def _state(self, value: Any, path: str) -> str:
        if hasattr(value, "__dict__"):
            return self.value(dict(vars(value)), f"{path}.") if vars(value) else ""
        try:
            state = value.__reduce_ex__(2)[2]
            return self.value(state, f"{path}.") if state is not None else ""
        except Exception:
            return ""

    def _content(self, value: Any, path: str) -> str:
        """What an instance of a subclass of a builtin holds."""
        for base in (list, dict, set, tuple):
            if isinstance(value, base):
                return self.value(base(value), f"{path} items")
        return ""

    def _own(self, value: Any, path: str) -> str:
        """Attributes of an instance of a subclass."""
        return self.value(dict(vars(value)), f"{path}.") if getattr(value, "__dict__", None) else ""

    def _function(self, value: types.FunctionType, path: str) -> str:
        cells = []
        for cell in value.__closure__ or ():
            try:
                cells.append(self.value(cell.cell_contents, f"{path} closure"))
            except ValueError:
                cells.append("<empty>")
        defaults = self.value(value.__defaults__, f"{path} defaults")
        names = [value.__qualname__, repr(value.__code__.co_names), defaults, *cells]
        own = self.value(dict(value.__dict__), f"{path}.") if value.__dict__ else ""
        return f"<function {' '.join(names)}{own}>"

    def _class(self, value: type, path: str) -> str:
        if value.__module__ != "__main__":
            return f"<class {value.__module__}.{value.__qualname__}>"
        members = {
            name: item
            for name, item in sorted(vars(value).items())
            if not name.startswith("__") and not callable(item) and not hasattr(item, "__get__")
        }
        bases = ", ".join(base.__qualname__ for base in value.__bases__)
        return f"<class {value.__qualname__}({bases}) {self.value(members, f'{path}.')}>"

    def _numpy(self, value: Any, path: str) -> str:
        import numpy as np

        if isinstance(value, np.random.Generator):
            return f"<Generator {value.bit_generator.state}>"
        if isinstance(value, np.random.RandomState):
            return f"<RandomState {_digest(value.get_state()[1].tolist())}, {value.get_state()[2:]}>"
        if not isinstance(value, np.ndarray):
            return repr(value)
        shared = [name for name, other in self.arrays if self.identity and np.shares_memory(value, other)]
        self.arrays.append((path, value))
        text = f"array({value.tolist()}, {value.dtype}"
        if value.dtype == object:
            text = f"array({self.value(value.tolist(), f'{path} items')}, object"
        return text + (f", sharing memory with {', '.join(shared)})" if shared else ")")


def _pandas(value: Any) -> str:
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        columns = [_pandas(value.iloc[:, place]) for place in range(value.shape[1])]
        return f"DataFrame({columns}, {_pandas(value.columns)}, {_pandas(value.index)}, {value.attrs})"
    if isinstance(value, pd.Series):
        return f"Series({list(value)}, {value.dtype}, {value.name!r}, {_pandas(value.index)})"
    if isinstance(value, pd.Index):
        return f"Index({list(value)}, {value.dtype}, {list(value.names)})"
    return f"<{type(value).__qualname__}>"


def _digest(value: Any) -> str:
    try:
        content = pickle.dumps(value)
    except Exception:
        return "unknown"
    return hashlib.sha256(content).hexdigest()[:12]
