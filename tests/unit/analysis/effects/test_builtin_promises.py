"""What the table promises about built-ins and the standard library is what they do."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import importlib
import io
import pathlib
import pickle
import random
import re
import uuid
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")

SAMPLES: dict[str, list[Any]] = {
    "str": ["a b", "1", ""],
    "bytes": [b"a b", b""],
    "bytearray": [bytearray(b"a b")],
    "int": [5, -3],
    "float": [1.5],
    "complex": [1 + 2j],
    "tuple": [([1], [2])],
    "list": [[[1], [2]], [3, 1, 2]],
    "dict": [{"a": [1], "b": [2]}],
    "set": [{1, 2, 3}],
    "frozenset": [frozenset({1, 2})],
    "range": [range(3)],
    "slice": [slice(1, 2)],
    "collections.Counter": [collections.Counter("aab")],
    "collections.OrderedDict": [collections.OrderedDict(a=[1])],
    "collections.defaultdict": [collections.defaultdict(list, a=[1])],
    "collections.deque": [collections.deque([[1], [2]])],
    "datetime.datetime": [datetime.datetime(2020, 1, 2)],
    "datetime.date": [datetime.date(2020, 1, 2)],
    "datetime.timedelta": [datetime.timedelta(days=1)],
    "decimal.Decimal": [decimal.Decimal("1.5")],
    "fractions.Fraction": [fractions.Fraction(1, 3)],
    "pathlib.PurePosixPath": [pathlib.PurePosixPath("a/b.c")],
    "re.Pattern": [re.compile("a")],
    "uuid.UUID": [uuid.UUID(int=1)],
    "io.StringIO": [io.StringIO("a\nb")],
    "random.Random": [random.Random(1)],
}
GUESSES: list[tuple[Any, ...]] = [
    (), ("a",), ("a", "b"), (b"a",), (b"a", b"b"), (0,), (1,), (2,), (0, [9]), ([7],), ({"c": [3]},), ({1, 9},),
    (["x", "y"],), (3, 5), ([1],), (0.1, 0.2, 0.3), ("<i", 1), ("a", [9]), (decimal.Decimal(2),),
    (datetime.timedelta(1),), ("%Y",), ("d.e",),
]  # fmt: skip


def members(table: Any, cls: str) -> list[str]:
    library = "stdlib" if "." in cls else "builtins"
    own = [n for kind, n, _ in table.entries(library) if kind == "methods" and n.rpartition(".")[0] == cls]
    return sorted(name.rpartition(".")[2] for name in own)


@pytest.mark.parametrize("cls", SAMPLES)
def test_methods(witness: Any, table: Any, cls: str) -> None:
    for name in members(table, cls):
        effect = table.method(cls, name)
        for sample in SAMPLES[cls]:
            method = getattr(type(sample), name, None)
            if method is None or effect is None:
                continue
            for args in GUESSES:
                witness.see(f"{cls}.{name}", effect, method, sample, args)
    assert len(witness.calls) >= 0.5 * len(members(table, cls))


@pytest.mark.parametrize("cls", ["list", "dict", "set", "collections.deque", "collections.OrderedDict"])
def test_methods_that_are_said_to_mutate_can(table: Any, cls: str) -> None:
    for name in members(table, cls):
        if "self" in table.method(cls, name).mutates:
            assert any(_changes(sample, name, args) for sample in SAMPLES[cls] for args in GUESSES), name


def _changes(sample: Any, name: str, args: tuple[Any, ...]) -> bool:
    copied = pickle.loads(pickle.dumps(sample))
    try:
        getattr(copied, name)(*args)
    except (TypeError, ValueError, KeyError, IndexError):
        return False
    return repr(copied) != repr(sample) or name in ("sort", "move_to_end", "rotate", "popitem")


FUNCTIONS = (
    "abs all any ascii bin chr divmod format hash hex id isinstance len max min oct ord pow repr reversed round "
    "sorted sum"
)
MODULES = (
    "math", "cmath", "statistics", "copy", "json", "re", "textwrap", "itertools", "operator", "bisect", "heapq",
    "base64", "zlib", "hashlib", "string", "unicodedata", "colorsys", "calendar", "platform", "ast", "keyword",
    "struct",
)  # fmt: skip


def test_builtin_functions(witness: Any, table: Any) -> None:
    import builtins

    for name in FUNCTIONS.split():
        for args in [*GUESSES, ([3, 1],), ([[1], [2]],), ({"a": [1]},), (7, 2), ([1], list)]:
            function = getattr(builtins, name)
            witness.see(name, table.function(name), lambda _, *given, function=function: function(*given), None, args)
    assert len(witness.calls) > 80


@pytest.mark.parametrize("module", MODULES)
def test_module_functions(witness: Any, table: Any, module: str) -> None:
    loaded = importlib.import_module(module)
    for kind, name, _ in list(table.entries("stdlib")):
        owner, _, short = name.rpartition(".")
        function = getattr(loaded, short, None) if kind == "functions" and owner == module else None
        if function is None or short in ("cycle", "count", "repeat", "accumulate"):
            continue
        for args in [
            *GUESSES,
            (1.5,),
            (0.5, 0.5),
            ([3.0, 1.0, 2.0],),
            ([[1], [2]],),
            ([1, 2], [3, 4]),
            ([[1]], 0),
            ("[1]",),
            ([5], [1]),
        ]:
            witness.see(name, table.function(name), lambda _, *given, function=function: function(*given), None, args)
    assert witness.calls or module == "string"


def test_random_functions_draw(table: Any) -> None:
    calls = {
        "random": (),
        "uniform": (0, 1),
        "randint": (0, 9),
        "choice": ([1, 2],),
        "sample": ([1, 2], 1),
        "gauss": (0, 1),
        "shuffle": ([1, 2, 3],),
    }
    for name, args in calls.items():
        random.seed(1)
        before = random.getstate()
        getattr(random, name)(*args)
        assert random.getstate() != before
        assert table.function(f"random.{name}").draws == ("random",)
    assert table.function("random.seed").seeds == ("random",)
    assert 0 in table.function("random.shuffle").mutates


def test_iterators_are_flagged(table: Any) -> None:
    for name in ("map", "filter", "zip", "enumerate", "reversed", "iter", "itertools.chain", "os.walk"):
        assert "iterator" in table.flags(table.function(name).result), name
    assert "iterator" in table.flags("generator")


def test_immutable_classes_have_no_mutators(table: Any) -> None:
    for library in table.libraries():
        immutable = {cls for cls in table.classes(library) if "immutable" in table.flags(cls)}
        for kind, name, _ in table.entries(library):
            owner, _, method = name.rpartition(".")
            if kind == "methods" and owner in immutable:
                effect = table.method(owner, method)
                assert effect is None or "self" not in effect.mutates, name


@pytest.mark.parametrize(
    "name", ["time.time", "datetime.datetime.now", "datetime.date.today", "time.perf_counter", "pandas.Timestamp.now"]
)
def test_clocks_are_volatile(table: Any, name: str) -> None:
    assert table.function(name).volatile == ("clock",)


@pytest.mark.parametrize("cls", ["io.TextIOWrapper", "generator", "sqlite3.Connection", "threading.Lock", "re.Match"])
def test_what_cannot_be_saved_says_why(table: Any, cls: str) -> None:
    assert any(flag.startswith("unpicklable: ") for flag in table.flags(cls))


def test_file_functions(table: Any) -> None:
    assert table.method("pathlib.Path", "read_text").reads == ((None, "self"),)
    assert table.function("os.remove").appends == ((0, "path"),)  # the file has to be there
    assert table.function("glob.glob").lists == ((0, "pathname"),)
    assert table.function("subprocess.run").files
    assert table.function("os.chdir").sets == ("cwd",)
    assert table.value("os.environ").uses == ("env",)
    assert table.store("os.Environ").sets == ("env",)
