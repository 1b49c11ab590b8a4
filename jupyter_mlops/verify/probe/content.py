"""What a value holds, as a digest: equal in two processes if and only if nobody could tell the values apart.

Sharing counts: an object that is met again is told by where it was met first, and arrays that look at one
memory are told as such. Representation does not: addresses, the order of a set, the padding of a record.
"""

from __future__ import annotations

import copyreg
import hashlib
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .leaves import LEAVES, Leaf
from .preview import shorten

__all__ = ["Content", "Walker", "content_of", "sharing_of"]

MOST_PARTS = 64
MOST_NODES = 5_000_000
MOST_ARRAYS = 400
ATOMS = frozenset({int, float, complex, bool, str, bytes, type(None), type(...), type(NotImplemented)})
OPAQUE = ("matplotlib", "IPython", "ipykernel", "ipywidgets", "traitlets", "zmq")
"""Libraries whose objects are compared by what they display."""

DEEP_STACK = 512 * 1024 * 1024
DEEP_RECURSION = 200_000

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


@dataclass
class Content:
    """What a value holds.

    Args:
        digest: None if the value is too large or nested too deeply to say.
        preview: The value in a few words.
        parts: For each child of the value, label to digest and preview; to say later which part differs.
        opaque: Whether something in it could only be told by its type.
    """

    type: str
    digest: str | None
    preview: str
    parts: dict[str, tuple[str, str]] = field(default_factory=dict)
    opaque: bool = False


class TooLarge(Exception):
    """A graph with more nodes than one cares to look at."""


def content_of(value: Any) -> Content:
    """Describe a value on its own."""
    walker = Walker()
    cls = type(value)
    kind = cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    parts: dict[str, tuple[str, str]] = {}
    try:
        digest = _digest(walker, value, parts)
    except (RecursionError, TooLarge):
        digest = None
    return Content(kind, digest, shorten(value), parts, walker.opaque)


def sharing_of(values: Mapping[str, Any]) -> str | None:
    """Describe how several values share objects and memory, whatever they hold otherwise."""
    try:
        return _digest(Walker(leaves=False), list(values.values()))
    except (RecursionError, TooLarge):
        return None


def _digest(walker: Walker, value: Any, parts: dict[str, tuple[str, str]] | None = None) -> str | None:
    try:
        return walker.digest(value, parts)
    except RecursionError:
        if parts is not None:
            parts.clear()
        walker.forget()
        digest: str = _deeply(lambda: walker.digest(value))
        return digest


class Walker:
    """Goes through one graph of objects.

    Args:
        leaves: Whether the content of arrays, frames and the like counts, or only where they are.
    """

    def __init__(self, *, leaves: bool = True) -> None:
        self._leaves = leaves
        self._leaf_of: dict[type, Leaf | None] = {}
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.opaque = False
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []
        self._tuples: dict[int, bytes] = {}
        self._memory: list[tuple[int, Any]] = []
        self._tracked = 0
        self._nodes = 0

    def digest(self, value: Any, parts: dict[str, tuple[str, str]] | None = None) -> str:
        """Return the digest of a value; fill in those of its children.

        Raises:
            RecursionError: The graph is too deep.
            TooLarge: The graph has too many nodes.
        """
        return self._hash(value, parts).hex()

    def _hash(self, value: Any, parts: dict[str, tuple[str, str]] | None = None) -> bytes:
        hasher = hashlib.blake2b(digest_size=16)
        self._feed(hasher.update, value, parts)
        return hasher.digest()

    def _feed(
        self, update: Callable[[bytes], None], value: Any, parts: dict[str, tuple[str, str]] | None = None
    ) -> None:
        cls = type(value)
        if cls in ATOMS:
            update(_atom(value))
            return
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise TooLarge
        number = self._seen.get(id(value))
        if number is not None:
            self._tracked += 1
            update(b"ref %d;" % number)
        elif cls is tuple or cls is frozenset:
            update(self._plain(value, parts))
        else:
            self._track(value)
            self._feed_new(update, value, parts)

    def _plain(self, value: Any, parts: dict[str, tuple[str, str]] | None) -> bytes:
        """Tuples of plain values have no identity worth speaking of: the compiler may merge equal ones."""
        known = self._tuples.get(id(value))
        if known is not None:
            return known
        before = self._tracked
        hasher = hashlib.blake2b(digest_size=16)
        self._feed_new(hasher.update, value, parts)
        if self._tracked == before:
            self._tuples[id(value)] = hasher.digest()
            self._kept.append(value)
        else:
            self._track(value)
        return hasher.digest()

    def _track(self, value: Any) -> None:
        self._tracked += 1
        self._seen[id(value)] = len(self._seen)
        self._kept.append(value)

    def _feed_new(
        self, update: Callable[[bytes], None], value: Any, parts: dict[str, tuple[str, str]] | None = None
    ) -> None:
        leaf = self._leaf(type(value))
        if leaf is not None:
            self._feed_leaf(update, value, leaf)
            return
        if type(value) in (list, tuple) and _feed_atoms(update, value):
            return
        header, children, ordered = self._shape(value)
        update(f"{header}(".encode("utf-8", "backslashreplace"))
        if not ordered:
            for digest in sorted(self._hash(child) for _, child in children):
                update(digest)
        elif parts is None:
            for label, child in children:
                update(label.encode("utf-8", "backslashreplace") + b"=")
                self._feed(update, child)
        else:
            self._feed_parts(update, children, parts)
        update(b")")

    def _feed_parts(
        self, update: Callable[[bytes], None], children: Iterable[Child], parts: dict[str, tuple[str, str]]
    ) -> None:
        for label, child in children:
            digest = self._hash(child)
            update(label.encode("utf-8", "backslashreplace") + b"=" + digest)
            if len(parts) < MOST_PARTS:
                parts[label] = (digest.hex(), shorten(child))

    def _leaf(self, cls: type) -> Leaf | None:
        if cls not in self._leaf_of:
            names = [f"{str(base.__module__).partition('.')[0]}:{base.__qualname__}" for base in cls.__mro__]
            self._leaf_of[cls] = next((LEAVES[name] for name in names if name in LEAVES), None)
        return self._leaf_of[cls]

    def _feed_leaf(self, update: Callable[[bytes], None], value: Any, leaf: Leaf) -> None:
        if leaf.has_memory:
            update(self._shared_memory(value))
        if self._leaves:
            leaf.feed(update, value, lambda inner: self._feed(update, inner))
        else:
            update(type(value).__qualname__.encode())

    def _shared_memory(self, array: Any) -> bytes:
        """Name the first array that shares memory with this one."""
        if array.size == 0:
            return b""
        numpy = sys.modules["numpy"]
        for number, other in self._memory:
            if numpy.may_share_memory(array, other):
                try:
                    shares = numpy.shares_memory(array, other, max_work=1000)
                except Exception:  # too hard to decide
                    shares = True
                if shares:
                    return b"shares %d;" % number
        if len(self._memory) < MOST_ARRAYS:
            self._memory.append((len(self._memory), array))
        return b""

    def _shape(self, value: Any) -> tuple[str, Iterable[Child], bool]:
        """A value's kind, its children with labels, and whether their order counts."""
        cls = type(value)
        name = f"{cls.__module__}.{cls.__qualname__}"
        if cls is list or cls is tuple:
            return f"{cls.__name__} {len(value)}", ((f"[{i}]", item) for i, item in enumerate(value)), True
        if cls is dict:
            return f"dict {len(value)}", _items(value), True
        if cls is set or cls is frozenset:
            return f"{cls.__name__} {len(value)}", (("", item) for item in value), False
        if isinstance(value, types.ModuleType):
            return f"module {value.__name__}", (), True
        if isinstance(value, types.FunctionType):
            return f"function {value.__qualname__}", _function(value), True
        if isinstance(value, types.CodeType):
            return f"code {value.co_name}", _code(value), True
        if isinstance(value, type):
            return f"class {value.__module__}.{value.__qualname__}", _class(value), True
        if isinstance(value, types.MethodType):
            return name, [(".__func__", value.__func__), (".__self__", value.__self__)], True
        if isinstance(value, (staticmethod, classmethod)):
            return name, [(".__func__", value.__func__)], True
        if isinstance(value, property):
            return name, [(".fget", value.fget), (".fset", value.fset)], True
        if isinstance(value, types.CellType):
            return "cell", _cell(value), True
        if isinstance(value, types.MappingProxyType):
            return name, _items(dict(value)), True
        if cls.__module__.partition(".")[0] in OPAQUE:
            return name, (), True
        return name, self._object(value), True

    def _object(self, value: Any) -> Iterable[Child]:
        cls = type(value)
        if cls.__module__ == "__main__":
            return _attributes(value)
        reduced = _reduce(value)
        if isinstance(reduced, str):
            return [(reduced, None)]
        if isinstance(reduced, tuple):
            return _reduced(reduced)
        children = list(_attributes(value))
        self.opaque |= not children
        return children


def _atom(value: Any) -> bytes:
    try:
        text = repr(value)
    except ValueError:  # more digits than Python cares to print
        text = hex(value)
    return f"{text};".encode("utf-8", "backslashreplace")


def _feed_atoms(update: Callable[[bytes], None], value: Any) -> bool:
    """Take a sequence of nothing but plain values in one go."""
    if not ATOMS.issuperset(map(type, value)):
        return False
    try:
        for start in range(0, len(value), 100_000):
            update(repr(value[start : start + 100_000]).encode("utf-8", "backslashreplace"))
    except ValueError:
        return False
    update(b"%d;" % len(value))
    return True


def _items(value: Mapping[Any, Any]) -> Iterator[Child]:
    for key, item in value.items():
        if type(key) in ATOMS:
            yield f"[{_atom(key)[:-1].decode()}]", item
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
    yield from ((f".{name}", item) for name, item in state.items() if not str(name).startswith("_has_"))


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


def _deeply(work: Callable[[], Any]) -> Any:
    """Run where long chains of objects have room."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append((work(), None))
        except BaseException as error:
            outcome.append((None, error))

    limit, size = sys.getrecursionlimit(), threading.stack_size(DEEP_STACK)
    try:
        sys.setrecursionlimit(max(limit, DEEP_RECURSION))
        thread = threading.Thread(target=run, name="mlops-deep")
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
    value, error = outcome[0]
    if error is not None:
        raise error
    return value
