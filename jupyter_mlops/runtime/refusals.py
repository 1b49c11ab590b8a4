"""Values that live in one process only, and where in a variable they sit."""

from __future__ import annotations

import functools
import types
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["RefusedValue", "find_path", "reason_for", "refusal"]

REASONS = {
    "builtins.generator": "a generator remembers where it stands in its code, and that cannot be copied",
    "builtins.coroutine": "a coroutine remembers where it stands in its code, and that cannot be copied",
    "builtins.async_generator": "a generator remembers where it stands in its code, and that cannot be copied",
    "builtins.frame": "a running frame belongs to one process",
    "builtins.traceback": "a traceback refers to the frames of one process",
    "_io._IOBase": "an open file belongs to one process",
    "tempfile._TemporaryFileWrapper": "an open file belongs to one process",
    "tempfile.TemporaryDirectory": "a temporary directory is deleted when the process that made it ends",
    "socket.socket": "a network connection belongs to one process",
    "sqlite3.Connection": "a database connection belongs to one process",
    "sqlite3.Cursor": "a database cursor belongs to one process",
    "sqlalchemy.engine.base.Engine": "a database connection belongs to one process",
    "sqlalchemy.engine.base.Connection": "a database connection belongs to one process",
    "_thread.lock": "a lock belongs to one process",
    "_thread.RLock": "a lock belongs to one process",
    "threading.Thread": "a thread belongs to one process",
    "threading.Condition": "a lock belongs to one process",
    "threading.Event": "a lock belongs to one process",
    "threading.Semaphore": "a lock belongs to one process",
    "multiprocessing.process.BaseProcess": "a child process belongs to the process that started it",
    "multiprocessing.pool.Pool": "a pool of workers belongs to one process",
    "concurrent.futures._base.Executor": "a pool of workers belongs to one process",
    "concurrent.futures._base.Future": "work in progress belongs to one process",
    "subprocess.Popen": "a child process belongs to the process that started it",
    "asyncio.events.AbstractEventLoop": "an event loop belongs to one process",
    "_asyncio.Task": "work in progress belongs to one process",
    "_asyncio.Future": "work in progress belongs to one process",
    "mmap.mmap": "a memory map belongs to one process",
    "weakref.ReferenceType": "a weak reference does not keep what it refers to",
    "matplotlib.animation.Animation": "an animation is driven by callbacks of one process",
    "numpy.memmap": "an array that writes through to its file cannot be handed over without losing that link",
}
"""Why, by the qualified name of a class; subclasses included."""

REFUSED_THOUGH_PICKLABLE = frozenset(
    {"_io._IOBase", "tempfile.TemporaryDirectory", "matplotlib.animation.Animation", "concurrent.futures._base.Future"}
)
SEARCH_LIMIT = 200_000


class RefusedValue(Exception):
    """A value that must not be pickled, though pickle might do something with it."""

    def __init__(self, value: Any, reason: str) -> None:
        super().__init__(reason)
        self.value = value
        self.reason = reason


def class_names(cls: type) -> list[str]:
    """Qualified names of a class and its bases, nearest first."""
    return [f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__]


def refusal(cls: type) -> str | None:
    """Why instances of this class are refused although pickle might take them."""
    for name in class_names(cls):
        if name in ("_io.StringIO", "_io.BytesIO"):
            return None
        if name in REFUSED_THOUGH_PICKLABLE:
            return REASONS[name]
    return None


def reason_for(value: Any, error: BaseException) -> str:
    """Why this value could not be pickled, a clause."""
    if isinstance(error, RefusedValue):
        return error.reason
    if isinstance(error, RecursionError):
        return "its parts are nested too deeply to be saved"
    for name in class_names(type(value)):
        if name in REASONS and name != "numpy.memmap":
            return REASONS[name]
    text = str(error).strip() or type(error).__name__
    return f"it cannot be pickled ({type(error).__name__}: {text[:300]})"


def find_path(roots: Mapping[str, Any], target: Any) -> tuple[str, str] | None:
    """Return the variable and the path (``model.steps[0]``) that lead to an object, None if not found."""
    queue: deque[tuple[str, str, Any]] = deque((name, name, value) for name, value in roots.items())
    seen: set[int] = set()
    while queue and len(seen) < SEARCH_LIMIT:
        variable, path, value = queue.popleft()
        if value is target:
            return variable, path
        if id(value) in seen:
            continue
        seen.add(id(value))
        queue.extend((variable, path + suffix, child) for suffix, child in _children(value))
    return None


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, (str, bytes, int, float, complex, type(None), types.ModuleType)):
        return
    if isinstance(value, Mapping):
        yield from _items(value)
    elif isinstance(value, (list, tuple, deque)):
        yield from ((f"[{i}]", item) for i, item in enumerate(value))
    elif isinstance(value, (set, frozenset)):
        yield from (("{…}", item) for item in value)
    elif isinstance(value, functools.partial):
        yield ".func", value.func
        yield from ((f".args[{i}]", item) for i, item in enumerate(value.args))
        yield from ((f".keywords[{name!r}]", item) for name, item in value.keywords.items())
    elif isinstance(value, types.MethodType):
        yield ".__self__", value.__self__
    elif isinstance(value, types.FunctionType):
        yield from _parts_of_function(value)
    elif f"{type(value).__module__}.{type(value).__qualname__}" == "numpy.ndarray" and value.dtype.hasobject:
        yield from ((f".flat[{i}]", item) for i, item in enumerate(value.flat))
    yield from _attributes(value)


def _items(value: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    try:
        items = list(value.items())
    except Exception:
        return
    for key, item in items:
        label = f"[{key!r}]" if isinstance(key, (str, int, float, bool)) else f"[<{type(key).__name__}>]"
        yield label, item
        yield f"<key {label}>", key


def _parts_of_function(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or ()):  # noqa: B905
        try:
            yield f".<closure {name}>", cell.cell_contents
        except ValueError:
            continue
    yield from ((f".<default {i}>", item) for i, item in enumerate(function.__defaults__ or ()))


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except Exception:
        attributes = {}
    yield from ((f".{name}", item) for name, item in list(attributes.items()))
    for base in type(value).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            descriptor = base.__dict__.get(name)
            if isinstance(descriptor, types.MemberDescriptorType):
                try:
                    yield f".{name}", descriptor.__get__(value)
                except AttributeError:
                    continue
