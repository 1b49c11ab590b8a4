"""How an object is taken apart: its kind, and its parts with labels."""

from __future__ import annotations

import copyreg
import functools
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

__all__ = ["ATOMS", "Child", "atom", "is_changeable", "take_apart"]

ATOMS = frozenset({int, float, complex, bool, str, bytes, type(None), type(...), type(NotImplemented)})
BY_DISPLAY = ("matplotlib", "mpl_toolkits", "IPython", "ipykernel", "ipywidgets", "traitlets", "zmq")
"""Libraries whose objects are compared by what they display."""

Child = tuple[str, Any]
_PICKLING = ("__reduce__", "__reduce_ex__", "__getstate__", "__getnewargs__", "__getnewargs_ex__")
_PLAIN_FORMS: Mapping[type, Callable[[Any], Any]] = {
    list: lambda value: list.__getitem__(value, slice(None)),
    tuple: lambda value: tuple.__getitem__(value, slice(None)),
    dict: dict.copy,
    set: set.copy,
    frozenset: frozenset.copy,
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    int: int.__int__,
    float: float.__float__,
}
"""The content of an instance of a subclass, past whatever the subclass overrides."""
_CLASS_NOISE = frozenset(
    {"__dict__", "__weakref__", "__module__", "__firstlineno__", "__static_attributes__", "_abc_impl", "__slotnames__"}
)


_NOTES = ("_has_", "_deprecated_key_to_warnings")
"""Attributes in which libraries note something for themselves; the second is scikit-learn's, whose ``Bunch`` forgets
it when it is pickled."""

_OF_THE_PROCESS = {
    "Random": ("random", "_inst"),
    "RandomState": ("numpy.random.mtrand", "_rand"),
    "_Environ": ("os", "environ"),
}
"""By type, where that one stands."""

_FRAMES = frozenset({"ndarray", "DataFrame", "Series"})


def is_changeable(value: Any) -> bool:
    """Whether a value can be changed in place, and is data rather than code."""
    code = (type, types.ModuleType, types.FunctionType, types.CodeType, types.CellType, types.MappingProxyType)
    if isinstance(value, (tuple, frozenset, *code)):
        return False
    return (
        isinstance(value, (list, dict, set, bytearray)) or type(value).__name__ in _FRAMES or hasattr(value, "__dict__")
    )


def take_apart(value: Any) -> tuple[str, Iterable[Child], bool]:
    """Return a value's kind, its children with labels, and whether their order counts."""
    cls = type(value)
    name = f"{cls.__module__}.{cls.__qualname__}"
    if cls is list or cls is tuple:
        return f"{cls.__name__} {len(value)}", ((f"[{i}]", item) for i, item in enumerate(value)), True
    if cls is dict:
        return f"dict {len(value)}", _items(value), True
    if cls is set or cls is frozenset:
        return f"{cls.__name__} {len(value)}", (("", item) for item in value), False
    if _is_of_the_process(value):
        return f"the process's {name}", (), True
    known = _language(value, name)
    if known is not None:
        return (*known, True)
    if cls.__module__.partition(".")[0] in BY_DISPLAY:
        return name, (), True
    children = _object(value)
    return name, children, True


def _is_of_the_process(value: Any) -> bool:
    """Whether a process has one of it, whose state is looked at on its own: ``np.random.rand`` holds a generator."""
    module, name = _OF_THE_PROCESS.get(type(value).__name__, ("", ""))
    return module in sys.modules and vars(sys.modules[module]).get(name) is value


def _language(value: Any, name: str) -> tuple[str, Iterable[Child]] | None:
    """Take apart what Python itself is made of."""
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__}", ()
    if isinstance(value, types.FunctionType):
        return f"function {value.__qualname__}", _function(value)
    if isinstance(value, types.CodeType):
        return f"code {value.co_name}", _code(value)
    if isinstance(value, type):
        return f"class {value.__module__}.{value.__qualname__}", _class(value)
    if isinstance(value, types.MethodType):
        return name, [(".__func__", value.__func__), (".__self__", value.__self__)]
    if isinstance(value, (staticmethod, classmethod)):
        return name, [(".__func__", value.__func__)]
    if isinstance(value, property):
        return name, [(".fget", value.fget), (".fset", value.fset)]
    if isinstance(value, types.CellType):
        return "cell", _cell(value)
    if type(value) is functools.partial:  # whether it has an empty __dict__ depends on who has asked for it
        return name, [(".func", value.func), (".args", value.args), (".keywords", dict(value.keywords))]
    if isinstance(value, types.MappingProxyType):
        return name, _items(dict(value))
    return None


def _object(value: Any) -> Iterable[Child]:
    """The children of any other object; there are none if it does not let anybody look into it."""
    if type(value).__module__ == "__main__":
        return _attributes(value)
    reduced = _reduce(value)
    if isinstance(reduced, str):
        return [(reduced, None)]
    if isinstance(reduced, tuple):
        return _reduced(reduced)
    return _attributes(value)


def atom(value: Any) -> bytes:
    """Write a plain value out, so that no other is written the same."""
    try:
        text = repr(value)
    except ValueError:  # more digits than Python cares to print
        text = hex(value)
    return f"{text};".encode("utf-8", "backslashreplace")


def _items(value: Mapping[Any, Any]) -> Iterator[Child]:
    for key, item in value.items():
        if type(key) in ATOMS:
            yield f"[{atom(key)[:-1].decode()}]", item
        else:
            yield "key", key
            yield "item", item


def _function(value: types.FunctionType) -> Iterator[Child]:
    yield ".__code__", value.__code__
    yield ".__defaults__", value.__defaults__
    yield ".__kwdefaults__", value.__kwdefaults__
    for name, cell in zip(value.__code__.co_freevars, value.__closure__ or ()):  # noqa: B905 (Python 3.9)
        yield f".<closure {name}>", cell
    if value.__dict__:
        yield ".__dict__", dict(value.__dict__)


def _code(value: types.CodeType) -> Iterator[Child]:
    for name in ("co_code", "co_names", "co_varnames", "co_freevars", "co_argcount", "co_kwonlyargcount", "co_flags"):
        yield name, getattr(value, name)
    for number, constant in enumerate(value.co_consts):
        yield f"co_consts[{number}]", constant


def _class(value: type) -> Iterator[Child]:
    """Classes of the notebook by their members, others by their name."""
    if value.__module__ != "__main__":
        return
    for number, base in enumerate(value.__bases__):
        yield f"base {number}", base
    for name, member in sorted(vars(value).items()):
        if name not in _CLASS_NOISE and not isinstance(
            member, (types.MemberDescriptorType, types.GetSetDescriptorType)
        ):
            yield f".{name}", member


def _cell(value: types.CellType) -> list[Child]:
    try:
        return [("content", value.cell_contents)]
    except ValueError:
        return []


def _reduce(value: Any) -> Any:
    """What pickle would make of an object; None if it would refuse."""
    try:
        special = copyreg.dispatch_table.get(type(value))
        return value.__reduce_ex__(4) if special is None else special(value)
    except Exception:
        return None


def _reduced(reduced: tuple[Any, ...]) -> Iterator[Child]:
    function, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    if not (getattr(function, "__module__", None) == "copyreg" and len(arguments) <= 3):
        yield "made by", getattr(function, "__qualname__", type(function).__qualname__)
    yield from ((f"argument {i}", item) for i, item in enumerate(arguments))
    if isinstance(state, dict):
        yield from _state(state)
    elif state is not None:
        plain = isinstance(state, tuple) and len(state) == 2 and all(isinstance(s, (dict, type(None))) for s in state)
        if plain:
            for part in state:
                yield from _state(part or {})
        else:
            yield "state", state
    yield from ((f"[{i}]", item) for i, item in enumerate(items or ()))
    yield from _items(dict(pairs or ()))


def _state(state: Mapping[Any, Any]) -> Iterator[Child]:
    yield from ((f".{name}", item) for name, item in state.items() if not str(name).startswith(_NOTES))


def _attributes(value: Any) -> Iterator[Child]:
    """Everything an object has of its own, without asking it."""
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except Exception:
        attributes = {}
    yield from ((f".{name}", item) for name, item in list(attributes.items()))
    for base in type(value).__mro__:
        for name, member in list(vars(base).items()):
            if isinstance(member, types.MemberDescriptorType) and base.__module__ == "__main__":
                try:
                    yield f".{name}", member.__get__(value)
                except AttributeError:
                    continue
    for base, plain in _PLAIN_FORMS.items():
        if isinstance(value, base):
            yield "content", plain(value)
            return
    if type(value).__module__ == "__main__":
        yield from _native(value)


def _native(value: Any) -> Iterator[Child]:
    """What a base class in C keeps elsewhere than in attributes, as in ``class Queue(deque)``."""
    own = [base for base in type(value).__mro__ if base.__module__ == "__main__"]
    if any(name in vars(base) for base in own for name in _PICKLING):
        return
    reduced = _reduce(value)
    if isinstance(reduced, tuple):
        _, arguments, _, items, pairs = (*reduced, None, None, None)[:5]
        yield from ((f"argument {i}", item) for i, item in enumerate(arguments) if not isinstance(item, type))
        yield from ((f"[{i}]", item) for i, item in enumerate(items or ()))
        yield from _items(dict(pairs or ()))
