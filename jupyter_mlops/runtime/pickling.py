"""Pickling a graph of values so that it arrives as it was, and so that equal graphs give equal bytes.

Beyond cloudpickle: the notebook's own functions and classes find their globals in the consumer's namespace;
arrays go into a table beside the pickle; equal strings are written once, whether or not they were one object
(that varies between processes); sets keep their order. Persistent ids carry this: a string stands for
itself, a number for an array, bytes for a dtype, a namespace or a function of this package, and a box for a set.
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import io
import pickle
import sys
import threading
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import cloudpickle

from . import sets, usercode
from .arrays import ArrayTable
from .reducers import BUILDERS, REDUCERS, Shared, Sighting, answers_to_all, reduce_answering, singletons
from .refusals import RefusedValue, class_names, refusal

__all__ = ["UNBOUND", "Pickler", "last_pickled", "no_collection", "pickle_graph", "unpickle_graph"]

DEEP_STACK = 512 * 1024 * 1024
DEEP_RECURSION = 200_000


class _Unbound:
    """Stands for a variable that was not bound when its step ended."""


UNBOUND = _Unbound()


class _SetBox:
    """A set on its way: filled when all its elements are there."""

    def __init__(self, size: int, places: list[int | None] | None) -> None:
        self.plan = sets.SetPlan(size, [], places)
        self.value: set[Any] = set()

    def append(self, item: Any) -> None:
        self.plan.elements.append(item)

    def extend(self, items: Sequence[Any]) -> None:
        self.plan.elements.extend(items)


class _FrozenSetBox:
    def __init__(self, plan: sets.SetPlan) -> None:
        self.plan = plan
        self.value = sets.build(plan, frozen=True)


def set_box(size: int, places: list[int | None] | None) -> _SetBox:
    return _SetBox(size, places)


def fill_set_box(box: _SetBox, _: object) -> None:
    sets.build(box.plan, into=box.value)


def frozenset_box(size: int, elements: list[Any], places: list[int | None] | None) -> _FrozenSetBox:
    return _FrozenSetBox(sets.SetPlan(size, elements, places))


_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    *BUILDERS,
    fill_set_box,
    frozenset_box,
    set_box,
    usercode.from_main,
    usercode.make_cell,
    usercode.make_function,
    usercode.set_cell,
    usercode.set_function,
)
_NAMES: Mapping[Any, bytes] = {function: function.__name__.encode() for function in _FUNCTIONS}
_BY_NAME: Mapping[bytes, Any] = {name: function for function, name in _NAMES.items()}
_MAIN, _BUILTINS, _UNBOUND = b"main", b"builtins", b"unbound"
_DTYPE = b"dtype:"


class Pickler(cloudpickle.CloudPickler):  # type: ignore[misc]
    """Pickles one graph.

    Args:
        file: Takes the pickle.
        user: The user's namespace.
        shared: What an earlier pass found to be shared.
    """

    def __init__(self, file: Any, user: usercode.UserCode, shared: Shared | None = None) -> None:
        self.arrays = ArrayTable()
        super().__init__(file, protocol=5, buffer_callback=self.arrays.add_buffer)
        self.user = user
        self.shared = shared or Shared()
        self.sighting = Sighting()
        self.keep: list[Any] = []
        self._singletons = singletons()
        self._strings: dict[str, str] = {}
        self._dtype_names: dict[bytes, bytes] = {}
        self._boxes: dict[int, tuple[Any, Any]] = {}
        self._reducers: dict[type, Callable[[Any, Any], Any] | None] = {}
        self._persistent: dict[type, Callable[[Any], Any]] = {
            dict: self._namespace,
            set: self._set,
            frozenset: self._set,
            types.FunctionType: _NAMES.get,
            _Unbound: lambda _: _UNBOUND,
        }
        if "numpy" in sys.modules:
            numpy: Any = sys.modules["numpy"]
            self._persistent[numpy.ndarray] = self._array
            self._persistent.update({type(numpy.dtype(code)): self._dtype for code in numpy.typecodes["All"]})

    def dump(self, obj: Any) -> None:
        """Pickle the graph; a graph that is too deep raises RecursionError."""
        pickle.Pickler.dump(self, obj)

    def persistent_id(self, obj: Any) -> Any:
        """Called for every object: keep it quick."""
        cls = type(obj)
        if cls is str:
            return self._strings.setdefault(obj, obj)
        special = self._persistent.get(cls)
        return None if special is None else special(obj)

    def reducer_override(self, obj: Any) -> Any:
        """Called for every object that is not of a basic type."""
        path = self.user.path_of(obj)
        if path is not None:
            return self.user.reduce_by_name(path)
        place = self._singletons.get(id(obj))
        if place is not None:
            return getattr, place
        cls = type(obj)
        if cls is types.FunctionType:
            return NotImplemented if usercode.importable(obj) else self.user.reduce_function(obj)
        if cls is types.CellType:
            return self.user.reduce_cell(obj)
        if cls is types.CodeType:
            return self.dispatch_table[types.CodeType](usercode.stable_code(obj))
        if issubclass(cls, type) or cls.__name__ == "TypeVar":
            if not usercode.importable(obj):
                self.user.track(obj)
            return usercode.with_layout(obj, super().reducer_override(obj))
        reducer = self._reducer(cls)
        return super().reducer_override(obj) if reducer is None else reducer(self, obj)

    def _reducer(self, cls: type) -> Callable[[Any, Any], Any] | None:
        if cls not in self._reducers:
            self._reducers[cls] = _find_reducer(cls)
        return self._reducers[cls]

    def _array(self, array: Any) -> int | None:
        number = self.arrays.add_array(array)
        if number is None and array.dtype.hasobject:
            self.sighting.object_array(array)
        return number

    def _dtype(self, dtype: Any) -> bytes | None:
        """Equal dtypes may be one object or several: a name tells them as well."""
        if dtype.names is not None or dtype.metadata is not None or dtype.subdtype is not None:
            return None
        name = _DTYPE + str(dtype.str).encode()
        return self._dtype_names.setdefault(name, name)

    def _namespace(self, mapping: dict[Any, Any]) -> bytes | None:
        if mapping is self.user.namespace:
            return _MAIN
        return _BUILTINS if mapping is builtins.__dict__ else None

    def _set(self, elements: Any) -> Any:
        if id(elements) not in self._boxes:
            plan = sets.plan(elements)
            box: Any = None
            if plan is not None and isinstance(elements, frozenset):
                box = _FrozenSetBox(plan)
            elif plan is not None:
                box = _SetBox(plan.size, plan.places)
                box.extend(plan.elements)
            self._boxes[id(elements)] = (elements, box)
        return self._boxes[id(elements)][1]


def _find_reducer(cls: type) -> Callable[[Any, Any], Any] | None:
    if cls is _SetBox:
        return _reduce_set_box
    if cls is _FrozenSetBox:
        return lambda _, box: (frozenset_box, tuple(box.plan))
    for name in class_names(cls):
        if name in REDUCERS:
            return REDUCERS[name]
    if answers_to_all(cls):
        return reduce_answering
    reason = refusal(cls)
    return None if reason is None else _refuse(reason)


def _reduce_set_box(_: Any, box: _SetBox) -> Any:
    return set_box, (box.plan.size, box.plan.places), True, iter(box.plan.elements), None, fill_set_box


def _refuse(reason: str) -> Callable[[Any, Any], Any]:
    def refuse(_: Any, value: Any) -> Any:
        raise RefusedValue(value, reason)

    return refuse


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: Any, arrays: Sequence[Any], buffers: Sequence[Any], namespace: dict[str, Any]) -> None:
        super().__init__(stream, buffers=buffers)
        self._arrays = arrays
        self._named = {**_BY_NAME, _MAIN: namespace, _BUILTINS: builtins.__dict__, _UNBOUND: UNBOUND}

    def persistent_load(self, pid: Any) -> Any:
        cls = type(pid)
        if cls is str:
            return pid
        if cls is int:
            return self._arrays[pid]
        if cls is bytes:
            return _dtype(pid) if pid.startswith(_DTYPE) else self._named[pid]
        return pid.value


def _dtype(name: bytes) -> Any:
    import numpy as np

    return np.dtype(name[len(_DTYPE) :].decode())


def pickle_graph(root: Any, user: usercode.UserCode) -> tuple[memoryview, ArrayTable]:
    """Pickle a graph.

    Returns:
        The pickle and the table of what goes beside it.
    """
    try:
        return _pickle_graph(root, user)
    except RecursionError:
        outcome: tuple[memoryview, ArrayTable] = _in_deep_thread(lambda: _pickle_graph(root, user))
        return outcome


def _pickle_graph(root: Any, user: usercode.UserCode) -> tuple[memoryview, ArrayTable]:
    stream = io.BytesIO()
    pickler = Pickler(stream, user)
    pickler.dump(root)
    shared = pickler.sighting.shared()
    if shared:  # rare: arrays of objects or pandas blocks that look at one memory
        stream = io.BytesIO()
        pickler = Pickler(stream, user, shared)
        pickler.dump(root)
    return stream.getbuffer(), pickler.arrays


def unpickle_graph(stream: Any, arrays: Sequence[Any], buffers: Sequence[Any], namespace: dict[str, Any]) -> Any:
    """Undo ``pickle_graph``.

    Args:
        stream: A binary file.
        arrays: The arrays by their numbers.
        buffers: The out-of-band buffers in their order.
        namespace: Where the notebook's functions and classes live.
    """
    with no_collection():
        return _Unpickler(stream, arrays, buffers, namespace).load()


@contextlib.contextmanager
def no_collection() -> Iterator[None]:
    """Nothing dies while a graph is taken apart or built, and looking for it would take most of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def last_pickled(root: Any, user: usercode.UserCode) -> Any:
    """Return the object at which pickling fails."""
    last: list[Any] = [root]

    class Tracer(Pickler):
        def persistent_id(self, obj: Any) -> Any:
            last[0] = obj
            return super().persistent_id(obj)

    try:
        Tracer(io.BytesIO(), user).dump(root)
    except RefusedValue as error:
        return error.value
    except Exception:
        return last[0]
    return root


def _in_deep_thread(work: Callable[[], Any]) -> Any:
    """Run where long chains of objects have room; errors pass through."""
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
