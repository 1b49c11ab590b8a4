"""What the table promises about NumPy is what NumPy does."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

np = pytest.importorskip("numpy")

pytestmark = pytest.mark.filterwarnings("ignore")

# Functions whose names say little about their arguments.
ARGUMENTS: dict[str, list[tuple[Any, ...]]] = {
    "apply_along_axis": [(np.cumsum, 0, np.ones((2, 2)))],
    "apply_over_axes": [(np.sum, np.ones((2, 2)), 0)],
    "as_strided": [(np.arange(4), (2,), (8,))],
    "array": [([1, 2],), (np.arange(4),)],
    "block": [([np.arange(2), np.arange(2)],), ([np.arange(2)],)],
    "broadcast_to": [(np.arange(3), (2, 3))],
    "choose": [(np.array([0, 1]), np.ones((2, 2)))],
    "column_stack": [([np.arange(2), np.arange(2)],), ([np.ones((2, 2))],)],
    "concatenate": [([np.arange(2), np.arange(2)],), ([np.arange(2)],)],
    "copyto": [(np.zeros(3), np.ones(3))],
    "delete": [(np.arange(4), 1), (np.arange(4), [])],
    "digitize": [(np.arange(3.0), np.arange(3.0))],
    "dstack": [([np.arange(2)],)],
    "einsum": [("ij->ji", np.ones((2, 2)))],
    "expand_dims": [(np.arange(3), 0)],
    "extract": [(np.array([True, False]), np.arange(2))],
    "fill_diagonal": [(np.zeros((2, 2)), 1)],
    "fromfunction": [(lambda i: i, (3,))],
    "full": [(3, 1.0)],
    "hstack": [([np.arange(2)],)],
    "insert": [(np.arange(3), 1, 9)],
    "interp": [(np.arange(3.0), np.arange(3.0), np.arange(3.0))],
    "meshgrid": [(np.arange(2), np.arange(2))],
    "moveaxis": [(np.ones((2, 3)), 0, 1)],
    "pad": [(np.arange(3), 1), (np.arange(3), 0)],
    "piecewise": [(np.arange(3.0), [np.array([True, False, True])], [lambda x: x, 0])],
    "place": [(np.zeros(2), np.array([True, False]), [1])],
    "put": [(np.zeros(3), [0], [1])],
    "putmask": [(np.zeros(2), np.array([True, False]), [1])],
    "repeat": [(np.arange(3), 1), (np.arange(3), 2)],
    "reshape": [(np.arange(4), (2, 2))],
    "resize": [(np.arange(4), (4,)), (np.arange(4), (2, 2)), (np.arange(4), (8,))],
    "roll": [(np.arange(4), 1), (np.arange(4), 0)],
    "rollaxis": [(np.ones((2, 3)), 1)],
    "select": [([np.array([True, False])], [np.arange(2)]), ([np.array([True, True])], [np.arange(2.0)])],
    "split": [(np.arange(4), 2)],
    "stack": [([np.arange(2), np.arange(2)],)],
    "swapaxes": [(np.ones((2, 3)), 0, 1)],
    "take": [(np.arange(4), [0, 1, 2, 3])],
    "tile": [(np.arange(3), 1), (np.arange(3), 2)],
    "vstack": [([np.arange(2)],), ([np.ones((2, 2))],)],
    "where": [(np.array([True, False]), np.arange(2), np.arange(2)), (np.array([True, False]),)],
    "clip": [(np.arange(3.0), -9, 9), (np.arange(3.0), 1, 2)],
    "astype": [(np.arange(3.0), float), (np.arange(3.0), int)],
    "convolve": [(np.arange(3.0), np.ones(1))],
    "fftfreq": [(4,)],
    "sliding_window_view": [(np.arange(4), 2)],
}
METHODS: dict[str, list[tuple[Any, ...]]] = {
    "astype": [("float64",), ("int64",)],
    "choose": [([np.ones(4)] * 9,)],
    "clip": [(0, 1)],
    "compress": [([True, False],)],
    "dot": [(np.ones(4),)],
    "fill": [(1,)],
    "itemset": [(0, 1)],
    "partition": [(1,)],
    "put": [([0], [9])],
    "repeat": [(1,), (2,)],
    "reshape": [((4, 1),)],
    "resize": [((2,),)],
    "searchsorted": [(1,)],
    "setflags": [()],
    "swapaxes": [(0, 0)],
    "take": [([0, 1],)],
    "argpartition": [(1,)],
}


def samples() -> list[Any]:
    return [
        np.array([3.0, 1.0, 2.0, 4.0]),
        np.array([3, 1, 2, 4]),
        np.arange(6.0).reshape(2, 3),
        np.array([1 + 2j, 3 + 0j]),
        np.array([True, False]),
        np.array(["b", "a"]),
    ]


def module_functions(table: Any, module: str) -> list[str]:
    """The short names of the functions that the table lists right under a module."""
    names = [name for kind, name, _ in table.entries("numpy") if kind == "functions"]
    return sorted(name for name in names if name.rpartition(".")[0] == module)


@pytest.mark.parametrize("module", ["numpy", "numpy.linalg", "numpy.fft", "numpy.lib.stride_tricks"])
def test_functions(witness: Any, table: Any, module: str) -> None:
    for name in module_functions(table, module):
        function = find(name)
        effect = table.function(name)
        if function is None or effect is None or effect.reads or effect.writes or name.endswith(".test"):
            continue
        short = name.rpartition(".")[2]
        tries = ARGUMENTS.get(short) or guesses()
        for args in tries:
            witness.see(name, effect, lambda _, *given, function=function: function(*given), None, args)
    assert len(witness.calls) > {"numpy": 1500, "numpy.linalg": 50, "numpy.fft": 50}.get(module, 0)


def guesses() -> list[tuple[Any, ...]]:
    """One array, two arrays, an array and a number, a number."""
    one = [(array,) for array in samples()]
    square = np.array([[2.0, 0.0], [0.0, 3.0]])
    two = list(zip(samples(), samples(), strict=True))
    return [
        *one,
        *two,
        (samples()[0], 1),
        (samples()[1], 2),
        (square,),
        (square, square.copy()),
        (2,),
        (4, 4),
        ([1, 2],),
    ]


def find(name: str) -> Any:
    target: Any = np
    for part in name.split(".")[1:]:
        target = getattr(target, part, None)
    return target


def test_ndarray_methods(witness: Any, table: Any) -> None:
    names = {
        n.rpartition(".")[2]
        for kind, n, _ in table.entries("numpy")
        if kind == "methods" and n.startswith("numpy.ndarray.")
    }
    for name, sample in itertools.product(sorted(names), samples()):
        effect = table.method("numpy.ndarray", name)
        method = getattr(np.ndarray, name, None)
        if method is None or effect is None or effect.writes:
            continue
        for args in METHODS.get(name, [()]):
            witness.see(f"ndarray.{name}", effect, method, sample, args)
    assert len(witness.calls) > 150


def test_ndarray_attributes_and_items(witness: Any, table: Any) -> None:
    names = {
        n.rpartition(".")[2]
        for kind, n, _ in table.entries("numpy")
        if kind == "attributes" and n.startswith("numpy.ndarray.")
    }
    for name, sample in itertools.product(sorted(names), samples()):
        if name not in ("ctypes", "flags"):
            witness.see(
                f"ndarray.{name}", table.attribute("numpy.ndarray", name), lambda a, name=name: getattr(a, name), sample
            )
    for sample in samples():
        for key in ([0, 1], np.array([0]), np.ones(len(sample), bool)):
            witness.see(f"ndarray[{key}]", table.take("numpy.ndarray"), lambda a, key=key: a[key], sample)
        for key in (0, slice(None), slice(0, 1)):
            witness.see(f"ndarray[{key}]", table.item("numpy.ndarray"), lambda a, key=key: a[key], sample)
    assert len(witness.calls) > 60


def test_random_functions_draw_from_the_global_generator(table: Any) -> None:
    """Each listed draw changes the global state, each seed sets it, and nothing else is listed."""
    tries = [
        (),
        (3,),
        (1.0,),
        (1.0, 1.0),
        (3, 0.5),
        (1, 1, 1),
        ([1.0, 1.0],),
        (3, [0.5, 0.5]),
        ([0.0], [[1.0]]),
        (0.0, 0.5, 1.0),
        (0.5, 3),
    ]
    seen = 0
    for name in module_functions(table, "numpy.random"):
        effect = table.function(name)
        function = find(name)
        if function is None or not effect.draws:
            continue
        for args in tries:
            np.random.seed(1)
            before = str(np.random.get_state())
            try:
                function(*args)
            except (TypeError, ValueError):
                continue
            seen += 1
            assert name == "numpy.random.get_state" or str(np.random.get_state()) != before, name
            break
    assert seen > 40
    for name in ("seed", "set_state"):
        assert table.function(f"numpy.random.{name}").seeds == ("numpy",)


@pytest.mark.parametrize("cls", ["Generator", "RandomState"])
def test_generators_change_when_used(table: Any, cls: str) -> None:
    made = np.random.default_rng(0) if cls == "Generator" else np.random.RandomState(0)
    for name in [
        n for kind, n, _ in table.entries("numpy") if kind == "methods" and n.startswith(f"numpy.random.{cls}.")
    ]:
        assert "self" in table.method(f"numpy.random.{cls}", name.rpartition(".")[2]).mutates or name.endswith(
            "get_state"
        )
    values = [1, 2, 3, 4, 5, 6, 7, 8]
    made.shuffle(values)
    assert values != sorted(values)
    assert 0 in table.method(f"numpy.random.{cls}", "shuffle").mutates


def test_mutators_mutate(table: Any) -> None:
    array = np.array([3, 1, 2])
    array.sort()
    np.put(array, [0], [9])
    np.copyto(array[1:], [7, 8])
    assert array.tolist() == [9, 7, 8]
    assert table.method("numpy.ndarray", "sort").mutates == ("self",)
    assert table.function("numpy.put").mutates == table.function("numpy.copyto").mutates == (0,)


def test_positional_out_is_an_argument_that_changes(table: Any) -> None:
    out = np.zeros(2)
    assert np.add([1, 2], [3, 4], out) is out
    effect = table.function("numpy.add")
    assert 2 in effect.mutates and 2 in effect.shares


def test_save_adds_its_suffix(table: Any, tmp_path: Any) -> None:
    np.save(tmp_path / "weights", np.ones(2))
    effect = table.function("numpy.save")
    assert (tmp_path / f"weights{effect.suffix}").is_file()
