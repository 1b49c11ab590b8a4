"""How particular types of the standard library and of NumPy, pandas and torch are taken apart.

Reducers are found by the qualified name of a class, so that nothing is imported that the user has not
imported. A reducer returns what ``__reduce__`` would, or NotImplemented.
"""

from __future__ import annotations

import functools
import gc
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .arrays import extent
from .refusals import REASONS, RefusedValue
from .usercode import importable, lru_cached

if TYPE_CHECKING:
    from .pickling import Pickler

__all__ = ["BUILDERS", "REDUCERS", "Shared", "Sighting", "answers_to_all", "reduce_answering", "singletons"]

Reducer = Callable[["Pickler", Any], Any]


@dataclass
class Shared:
    """What the objects of one graph share beyond plain memory, found in a first pass.

    Args:
        object_views: By id of an object array the array whose elements it shows.
        references: Ids of pandas' reference counters (copy on write) that several blocks or indexes use.
    """

    object_views: dict[int, Any] = field(default_factory=dict)
    references: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.object_views or self.references)


class Sighting:
    """Collects in the first pass what ``Shared`` is made of."""

    def __init__(self) -> None:
        self._object_arrays: dict[int, Any] = {}
        self._holders: dict[int, tuple[Any, set[int]]] = {}

    def object_array(self, array: Any) -> None:
        self._object_arrays[id(array)] = array

    def reference(self, references: Any, holder: Any) -> None:
        if references is not None:
            self._holders.setdefault(id(references), (references, set()))[1].add(id(holder))

    def shared(self) -> Shared:
        """Sum up; empty if nothing is shared."""
        views: dict[int, Any] = {}
        for group in self._overlapping():
            views.update(_views_in(group))
        return Shared(views, {key for key, (_, holders) in self._holders.items() if len(holders) > 1})

    def _overlapping(self) -> list[list[Any]]:
        """Object arrays in groups that overlap in memory, in the order of sighting."""
        order = {key: i for i, key in enumerate(self._object_arrays)}
        spans = sorted((*extent(array), key) for key, array in self._object_arrays.items() if array.size)
        groups: list[list[int]] = []
        end = -1
        for low, high, key in spans:
            if low < end:
                groups[-1].append(key)
            else:
                groups.append([key])
            end = max(end, high)
        return [
            [self._object_arrays[key] for key in sorted(group, key=order.__getitem__)]
            for group in groups
            if len(group) > 1
        ]


def _views_in(group: Sequence[Any]) -> dict[int, Any]:
    """By id of an array the one whose elements it shows: one of the group if it covers all of it, else their base."""
    low, high = min(extent(array)[0] for array in group), max(extent(array)[1] for array in group)
    owner = next((array for array in group if extent(array) == (low, high) and _is_whole(array)), None)
    if owner is None:
        owner = _base(group[0])
    if not _is_whole(owner) or extent(owner)[0] > low or extent(owner)[1] < high:
        return {}
    return {id(array): owner for array in group if array is not owner and array.dtype == owner.dtype}


def _is_whole(array: Any) -> bool:
    return bool(array.dtype == object and (array.flags.c_contiguous or array.flags.f_contiguous))


def _base(array: Any) -> Any:
    while True:
        base = array.base
        if type(base).__name__ == "DummyArray":  # ``as_strided`` puts it in between
            base = base.base
        if type(base) is not type(array):
            return array
        array = base


def _reduce_ndarray(pickler: Pickler, array: Any) -> Any:
    owner = pickler.shared.object_views.get(id(array))
    if owner is None:
        return NotImplemented
    offset = (array.__array_interface__["data"][0] - extent(owner)[0]) // owner.itemsize
    return object_view, (owner, offset, array.shape, array.strides, bool(array.flags.writeable))


def object_view(owner: Any, offset: int, shape: Sequence[int], strides: Sequence[int], writeable: bool) -> Any:
    from numpy.lib.stride_tricks import as_strided

    flat = owner.reshape(-1) if owner.flags.c_contiguous else owner.T.reshape(-1)
    return as_strided(flat[offset:], tuple(shape), tuple(strides), writeable=writeable)


def _reduce_array_subclass(pickler: Pickler, array: Any) -> Any:
    import numpy as np

    cls = type(array)
    if cls not in (np.matrix, np.memmap, np.recarray) or array.dtype.hasobject:
        return NotImplemented
    if cls is np.memmap and array.mode in ("r+", "w+"):
        raise RefusedValue(array, REASONS["numpy.memmap"])
    plain = array.view(np.ndarray)
    if cls is np.recarray:
        plain = plain.view(np.dtype((np.void, array.dtype)))
    return view_as, (plain, cls)


def view_as(array: Any, cls: type) -> Any:
    return array.view(cls)


def _reduce_manager(pickler: Pickler, manager: Any) -> Any:
    """A frame's or series' blocks: which of them share memory by pandas' own copy-on-write counting is kept."""
    held = [(i, getattr(block, "refs", None)) for i, block in enumerate(manager.blocks)]
    for i, references in held:
        pickler.sighting.reference(references, manager.blocks[i])
    shared = [(i, references) for i, references in held if id(references) in pickler.shared.references]
    if not shared:
        return NotImplemented
    make, args, *rest = manager.__reduce_ex__(5)
    return make, args, (rest[0] if rest else None, shared), None, None, set_manager


def _reduce_block(pickler: Pickler, block: Any) -> Any:
    """As it lies in memory: pandas would copy what is not contiguous. Its place is never a shared object."""
    make, (values, place, ndim), *rest = block.__reduce__()
    if type(place) is slice:
        place = slice(place.start, place.stop, place.step)
    return (make, (values, place, ndim), *rest)


def _reduce_extension_array(pickler: Pickler, array: Any) -> Any:
    """Leave out what pandas has looked up meanwhile: it would change the digest of an unchanged frame."""
    make, args, *rest = array.__reduce_ex__(5)
    state = rest[0] if rest else None
    if type(state) is dict:
        return (make, args, _without_cache(state), *rest[1:])
    if type(state) is tuple and len(state) == 2:  # dtype and data, without attributes
        return (make, args, (*state, {}), *rest[1:])
    if type(state) is tuple and len(state) == 3 and type(state[2]) is dict:
        return (make, args, (*state[:2], _without_cache(state[2])), *rest[1:])
    return (make, args, *rest)


def _without_cache(state: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in state.items() if name != "_cache"}


def set_manager(manager: Any, state: tuple[Any, Sequence[tuple[int, Any]]]) -> None:
    if state[0] is not None:
        manager.__setstate__(state[0])
    for i, references in state[1]:
        references.add_reference(manager.blocks[i])
        manager.blocks[i].refs = references


def _reduce_index(pickler: Pickler, index: Any) -> Any:
    if type(index).__name__ == "RangeIndex":  # has no memory of its own
        return NotImplemented
    references = getattr(index, "_references", None)
    pickler.sighting.reference(references, index)
    if id(references) not in pickler.shared.references:
        return NotImplemented
    make, args, *rest = index.__reduce_ex__(5)
    return NotImplemented if any(rest) else (make, args, references, None, None, set_index)


def set_index(index: Any, references: Any) -> None:
    index._references = references
    references.add_index_reference(index)


def _reduce_references(pickler: Pickler, references: Any) -> Any:
    return type(references), ()


def _reduce_arrow(pickler: Pickler, array: Any) -> Any:
    """A slice of an Arrow array would carry its whole buffers along: cut it out first."""
    if array.get_total_buffer_size() <= 2 * array.nbytes + 1024:
        return NotImplemented
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    batch = pa.RecordBatch.from_arrays([array], ["x"])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    compact = pa.ipc.open_stream(sink.getvalue()).read_next_batch().column(0)
    smaller = compact.get_total_buffer_size() < array.get_total_buffer_size() // 2
    return compact.__reduce__() if smaller and compact.type == array.type else NotImplemented


def _reduce_storage(pickler: Pickler, storage: Any) -> Any:
    """A tensor's memory, as an array: tensors that share it still do, also with NumPy arrays."""
    untyped = getattr(storage, "_untyped_storage", storage)
    if "numpy" not in sys.modules or untyped.device.type != "cpu":
        return NotImplemented
    import numpy as np

    from .arrays import raw_memory

    start, size = untyped.data_ptr(), untyped.nbytes()
    memory = np.frombuffer(raw_memory(start, start + size), np.uint8) if size else np.empty(0, np.uint8)
    pickler.keep.append((untyped, memory))
    return torch_storage, (memory, None if untyped is storage else storage.dtype)


def torch_storage(memory: Any, dtype: Any) -> Any:
    import torch  # type: ignore[import-not-found,unused-ignore]

    untyped = torch.from_numpy(memory).untyped_storage()
    if dtype is None:
        return untyped
    return torch.storage.TypedStorage(wrap_storage=untyped, dtype=dtype, _internal=True)


def _reduce_figure(pickler: Pickler, figure: Any) -> Any:
    """A figure made with pyplot is shown as an image only where pyplot's backend is loaded."""
    if "matplotlib.pyplot" not in sys.modules:
        return NotImplemented
    make, args, *rest = figure.__reduce_ex__(5)
    return (new_figure, (make, *args), *rest)


def new_figure(make: Any, *args: Any) -> Any:
    from matplotlib import get_backend, pyplot

    if not pyplot.get_fignums():
        pyplot.switch_backend(get_backend())
    return make(*args)


def _reduce_dict_view(pickler: Pickler, view: Any) -> Any:
    """``d.keys()`` and its kin stay views of the very dictionary."""
    referents = [item for item in gc.get_referents(view) if isinstance(item, dict)]
    return (dict_view, (referents[0], type(view).__name__)) if len(referents) == 1 else NotImplemented


def dict_view(mapping: Any, kind: str) -> Any:
    return getattr(mapping, kind.rpartition("_")[2])()


def _reduce_lru_cache(pickler: Pickler, function: Any) -> Any:
    if importable(function):
        return NotImplemented
    options = function.cache_parameters()
    return lru_cached, (function.__wrapped__, options["maxsize"], options["typed"]), function.__dict__


def _reduce_cached_property(pickler: Pickler, descriptor: Any) -> Any:
    return cached_property, (descriptor.func, descriptor.attrname)


def cached_property(function: Any, name: str | None) -> Any:
    descriptor = functools.cached_property(function)
    if name is not None:
        descriptor.attrname = name
    return descriptor


def _reduce_exception(pickler: Pickler, error: Any) -> Any:
    """Exceptions with an ``__init__`` of their own: calling it again with the message would garble them."""
    cls: Any = type(error)
    own = isinstance(cls.__init__, types.FunctionType) and isinstance(cls.__new__, types.BuiltinFunctionType)
    if not own or cls.__reduce__ is not BaseException.__reduce__ or cls.__reduce_ex__ is not object.__reduce_ex__:
        return NotImplemented
    return new_exception, (cls, error.args), error.__dict__ or None


def new_exception(cls: Any, args: tuple[Any, ...]) -> Any:
    error = cls.__new__(cls, *args)
    error.args = args
    return error


def reduce_answering(_: Pickler, value: Any) -> Any:
    """An instance whose class answers to every attribute: pickle would take the answers for hooks of its own."""
    return object.__new__, (type(value),), vars(value).copy(), None, None, set_attributes


def answers_to_all(cls: type) -> bool:
    """Tell whether a class has ``__getattr__``, and nothing that says how its instances are taken apart."""
    hooks = ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__")
    own = [base for base in cls.__mro__ if base is not object]
    if not any("__getattr__" in vars(base) for base in own):
        return False
    plain = not any(hook in vars(base) for base in own for hook in (*hooks, "__slots__", "__new__"))
    return plain and all(type(base) is type and base.__flags__ & (1 << 9) for base in own)  # made by ``class``


def set_attributes(value: Any, attributes: dict[str, Any]) -> None:
    """Give an instance its attributes, whatever its class makes of setting them."""
    value.__dict__.update(attributes)


def _reduce_shell(pickler: Pickler, shell: Any) -> Any:
    return sys.modules["IPython"].get_ipython, ()


def _reduce_memoryview(pickler: Pickler, view: Any) -> Any:
    if view.obj is None or memoryview(view.obj).nbytes != view.nbytes or not view.contiguous:
        raise RefusedValue(view, "a view of a part of a buffer would lose its link to it")
    return memoryview, (view.obj,)


SINGLETONS = (
    ("sys", "stdin"),
    ("sys", "stdout"),
    ("sys", "stderr"),
    ("sys", "__stdout__"),
    ("sys", "__stderr__"),
    ("os", "environ"),
    ("random", "_inst"),
    ("numpy.random.mtrand", "_rand"),
    ("matplotlib", "rcParams"),
    ("pandas", "options"),
)
"""Objects of which a process has one: a reference to it (``np.random.rand`` has one) finds that of the consumer."""


def singletons() -> dict[int, tuple[Any, str]]:
    """By id: the module and the name of those that are loaded."""
    loaded = [(sys.modules[module], name) for module, name in SINGLETONS if module in sys.modules]
    return {id(vars(module)[name]): (module, name) for module, name in loaded if vars(module).get(name) is not None}


REDUCERS: dict[str, Reducer] = {
    "numpy.ndarray": _reduce_ndarray,
    "numpy.matrix": _reduce_array_subclass,
    "numpy.memmap": _reduce_array_subclass,
    "numpy.recarray": _reduce_array_subclass,
    "numpy.rec.recarray": _reduce_array_subclass,
    "pandas.core.internals.managers.BaseBlockManager": _reduce_manager,
    "pandas._libs.internals.Block": _reduce_block,
    "pandas.api.extensions.ExtensionArray": _reduce_extension_array,
    "pandas.core.arrays.base.ExtensionArray": _reduce_extension_array,
    "pandas.Index": _reduce_index,
    "pandas.core.indexes.base.Index": _reduce_index,
    "pandas._libs.internals.BlockValuesRefs": _reduce_references,
    "pyarrow.lib.Array": _reduce_arrow,
    "torch.storage.TypedStorage": _reduce_storage,
    "torch.storage.UntypedStorage": _reduce_storage,
    "matplotlib.figure.FigureBase": _reduce_figure,
    "builtins.dict_keys": _reduce_dict_view,
    "builtins.dict_values": _reduce_dict_view,
    "builtins.dict_items": _reduce_dict_view,
    "builtins.BaseException": _reduce_exception,
    "builtins.memoryview": _reduce_memoryview,
    "functools._lru_cache_wrapper": _reduce_lru_cache,
    "functools.cached_property": _reduce_cached_property,
    "IPython.core.interactiveshell.InteractiveShell": _reduce_shell,
}

BUILDERS: tuple[Callable[..., Any], ...] = (
    cached_property,
    dict_view,
    lru_cached,
    new_exception,
    new_figure,
    object_view,
    set_index,
    set_manager,
    torch_storage,
    view_as,
    set_attributes,
)
"""Functions that saved artifacts call by their bare names, whatever the package is called there."""
