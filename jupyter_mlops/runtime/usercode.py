"""Functions and classes of the notebook: by name where every step defines them, else by value.

Code that travels by value lives in the consumer's namespace: its global names are looked up there when it
runs, as they would be in the notebook, and never in a copy taken at save time.
"""

from __future__ import annotations

import functools
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import cloudpickle.cloudpickle as _cloudpickle

from .errors import LoadError

__all__ = ["UserCode", "from_main", "lru_cached", "make_cell", "make_function", "set_cell", "set_function"]

MAIN = "__main__"
Reduced = tuple[Any, ...]
_CELL_FILE = re.compile(r"ipykernel_\d+|^<ipython-input")
_FUNCTION_ATTRIBUTES = ("__defaults__", "__kwdefaults__", "__qualname__", "__module__", "__doc__", "__type_params__")


class UserCode:
    """What is known of the user's namespace while values are saved.

    Args:
        namespace: The globals of the notebook.
        code: Names of functions and classes that every consumer defines by itself.
        origin: Where classes come from that travel by value, part of their identity.
    """

    def __init__(self, namespace: dict[str, Any], code: frozenset[str] = frozenset(), origin: str = "") -> None:
        self.namespace = namespace
        self._code = code
        self._origin = origin
        self._by_id = {id(namespace[name]): name for name in sorted(code) if name in namespace}

    def path_of(self, value: Any) -> str | None:
        """Return the path (``f``, ``C.method``) by which a consumer finds this object, None if it doesn't."""
        name = self._by_id.get(id(value))
        if name is not None:
            return name
        if not isinstance(value, (types.FunctionType, type)) or value.__module__ != MAIN:
            return None
        root, *rest = value.__qualname__.split(".")
        if not rest or root not in self._code or root not in self.namespace:
            return None
        found = self.namespace[root]
        for part in rest:
            found = getattr(found, part, None)
        return value.__qualname__ if found is value else None

    def reduce_by_name(self, path: str) -> Reduced:
        """Reduce to a look-up in the consumer's namespace."""
        return from_main, (self.namespace, path)

    def reduce_function(self, function: types.FunctionType) -> Reduced:
        """Reduce a function by value, its globals being those of the module it belongs to."""
        scope = function.__globals__
        module = sys.modules.get(scope.get("__name__", ""))
        is_main = scope is self.namespace
        owner = module if not is_main and module is not None and module.__dict__ is scope else scope
        state = {
            "attributes": {name: getattr(function, name, None) for name in _FUNCTION_ATTRIBUTES},
            "annotations": _annotations(function),
            "dict": function.__dict__,
            "modules": dict(_modules_used(function.__code__, scope)) if is_main else {},
        }
        args = (function.__code__, owner, function.__name__, function.__closure__)
        return make_function, args, state, None, None, set_function

    def reduce_cell(self, cell: types.CellType) -> Reduced:
        """Reduce a closure's cell; functions that share it still do afterwards."""
        try:
            content = (cell.cell_contents,)
        except ValueError:
            return make_cell, ()
        return make_cell, (), content, None, None, set_cell

    def track(self, cls: Any) -> None:
        """Give a class (or type variable) that travels by value an identity that does not vary between runs."""
        known = _cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS
        if cls in known:
            return
        name = getattr(cls, "__qualname__", cls.__name__)
        number = 0
        while f"{self._origin}/{name}#{number}" in _cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID:
            number += 1
        _cloudpickle._lookup_class_or_track(f"{self._origin}/{name}#{number}", cls)


def with_layout(cls: Any, reduced: Any) -> Any:
    """Make a class that is rebuilt with its ``__slots__`` and bases from the start; set later, they have no effect."""
    if not isinstance(reduced, tuple) or reduced[0] is not _cloudpickle._make_skeleton_class:
        return reduced
    make, (kind, name, bases, namespace, *more), *rest = reduced
    if issubclass(cls, tuple) and "_fields" in cls.__dict__:
        bases = cls.__bases__  # not ``typing.NamedTuple``, which would make other fields
    if "__slots__" in cls.__dict__:
        namespace = {**namespace, "__slots__": cls.__dict__["__slots__"]}
    return (make, (kind, name, bases, namespace, *more), *rest)


def importable(value: Any) -> bool:
    """Whether a function or class can be imported from the module it says it is in."""
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    if module is None or module.__name__ == MAIN:
        return False
    found: Any = module
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is value


def stable_code(code: types.CodeType) -> types.CodeType:
    """Take the process's number out of the file name that IPython gives to cells."""
    return code.replace(co_filename="<notebook>") if _CELL_FILE.search(code.co_filename) else code


def from_main(namespace: Mapping[str, Any], path: str) -> Any:
    """Find a function or class that this step has defined by itself."""
    name, *rest = path.split(".")
    if name not in namespace:
        raise LoadError(f"a value refers to {name!r} of the notebook, which this step does not define before it loads")
    found = namespace[name]
    for part in rest:
        found = getattr(found, part)
    return found


def make_function(
    code: types.CodeType, owner: Any, name: str, closure: tuple[types.CellType, ...] | None
) -> types.FunctionType:
    scope = owner.__dict__ if isinstance(owner, types.ModuleType) else owner
    return types.FunctionType(code, scope, name, None, closure)


def set_function(function: types.FunctionType, state: Mapping[str, Any]) -> None:
    for name, value in state["attributes"].items():
        if value is not None or name in ("__doc__", "__module__"):
            setattr(function, name, value)
    if state["annotations"]:
        function.__annotations__ = state["annotations"]
    function.__dict__.update(state["dict"])
    for name, module in state["modules"].items():
        function.__globals__.setdefault(name, module)


def make_cell() -> types.CellType:
    return types.CellType()


def set_cell(cell: types.CellType, state: tuple[Any]) -> None:
    cell.cell_contents = state[0]


def lru_cached(function: Callable[..., Any], maxsize: int | None, typed: bool) -> Any:
    """Wrap a function in a new, empty cache."""
    return functools.lru_cache(maxsize, typed)(function)


def _annotations(function: types.FunctionType) -> dict[str, Any]:
    try:
        return function.__annotations__
    except NameError:  # lazy annotations that name what is not defined yet
        return {}


def _modules_used(code: types.CodeType, scope: Mapping[str, Any]) -> Iterator[tuple[str, types.ModuleType]]:
    for name in code.co_names:
        value = scope.get(name)
        if isinstance(value, types.ModuleType) and value.__name__ in sys.modules:
            yield name, value
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _modules_used(constant, scope)
