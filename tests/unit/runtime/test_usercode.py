"""Functions and classes of the notebook, saved by one process and loaded by another."""

from __future__ import annotations

import pytest


def test_functions_by_name_are_the_consumers_own(steps):
    code = """
def f(x): return x * k
class C:
    def m(self): return f(3)
    class Inner: pass
"""
    steps.run(
        "k = 2; fs = {'f': f, 'm': C().m}; o = C(); i = C.Inner()",
        replay=code,
        saves=[["fs", "o"], ["i"]],
        code=["f", "C"],
    )
    seen = steps.run(
        "k = 10\nprint(fs['f'] is f, fs['m'](), type(o) is C, o.m(), type(i) is C.Inner, isinstance(o, C))",
        step="t",
        replay=code,
        loads=steps.loads("s"),
    )
    assert seen.split() == ["True", "30", "True", "30", "True", "True"]


def test_values_that_refer_to_code_the_consumer_lacks(steps):
    steps.run("class C: pass\no = C()", saves=[["o"]], code=["C"])
    with pytest.raises(AssertionError, match=r"cannot load o: .*refers to 'C' of the notebook"):
        steps.run("", step="t", loads=steps.loads("s"))


def test_lambdas_see_the_globals_of_the_step_that_calls_them(steps):
    steps.run(
        """
        import math
        from functools import partial
        w = 2
        f = lambda x: x * w
        nested = {"a": [lambda: math.sqrt(w)], "p": partial(lambda x, y: x + y + w, 1)}
        class Holder: pass
        h = Holder()
        h.f = lambda: late
        """,
        saves=[["f"], ["nested"], ["h"]],
    )
    seen = steps.run(
        "w = 9; late = 'late'; print(f(2), nested['a'][0](), nested['p'](1), h.f(), f.__globals__ is globals())",
        step="t",
        loads=steps.loads("s"),
    )
    assert seen.split() == ["18", "3.0", "11", "late", "True"]


def test_a_global_nobody_hands_over_is_a_name_error_as_in_the_notebook(steps):
    steps.run("w = 2\nf = lambda: w", saves=[["f"]])
    seen = steps.run("try:\n    f()\nexcept NameError as error:\n    print(error)", step="t", loads=steps.loads("s"))
    assert "'w' is not defined" in seen


def test_closures_keep_their_cells(steps):
    steps.run(
        """
        def make():
            n = 0
            def inc():
                nonlocal n
                n += 1
                return n
            def get():
                return n
            return inc, get
        inc, get = make()
        inc()
        def fact():
            def rec(k):
                return 1 if k == 0 else k * rec(k - 1)
            return rec
        rec = fact()
        """,
        saves=[["get", "inc"], ["rec"]],
    )
    steps.run("inc()", step="t", loads=steps.loads("s"), saves=[["get", "inc"]])
    seen = steps.run("inc(); print(get(), inc.__closure__[0] is get.__closure__[0])", step="u", loads=steps.loads("t"))
    assert seen.split() == ["3", "True"]
    assert steps.run("print(rec(5))", step="v", loads=steps.loads("s")) == "120\n"


def test_everything_a_function_carries_arrives(steps):
    steps.run(
        '''
        import functools
        default = [1]
        def f(a, b=default, *, c: int = 3, **kw) -> str:
            """Doc."""
            return a, b, c
        f.note = "n"
        def deco(g):
            @functools.wraps(g)
            def wrapper(*args):
                return ("wrapped", g(*args))
            return wrapper
        @deco
        def h(x): return x + 1
        @functools.lru_cache(maxsize=7)
        def cached(x): return x * 2
        from contextlib import contextmanager
        @contextmanager
        def manager():
            yield 5
        ''',
        saves=[["f", "default"], ["h"], ["cached"], ["manager"]],
    )
    seen = steps.run(
        """
        import inspect
        print(f(1), f(1)[1] is default, f.__doc__, f.note, inspect.signature(f), f.__qualname__, f.__module__)
        print(h(1), h.__name__, h.__wrapped__(1), cached(4), cached.cache_parameters()["maxsize"])
        with manager() as five: print(five)
        """,
        step="t",
        loads=steps.loads("s"),
    )
    assert seen.splitlines() == [
        "(1, [1], 3) True Doc. n (a, b=[1], *, c: int = 3, **kw) -> str f __main__",
        "('wrapped', 2) h 2 8 7",
        "5",
    ]


CLASSES = """
import abc, dataclasses, enum, functools, typing, collections

class Color(enum.Enum):
    RED = 1
    BLUE = "b"
    def shout(self): return self.name + "!"

class Bits(enum.Flag):
    A = enum.auto()
    B = enum.auto()

@dataclasses.dataclass
class Point:
    x: int
    y: list = dataclasses.field(default_factory=list)

@dataclasses.dataclass(frozen=True, order=True)
class Frozen:
    x: int

class Named(typing.NamedTuple):
    a: int
    b: str = "x"

Pair = collections.namedtuple("Pair", "l r")

class Base(abc.ABC):
    @abc.abstractmethod
    def area(self): ...
    def double(self): return 2 * self.area()

class Square(Base):
    __slots__ = ("side",)
    unit = "m"
    def __init__(self, side): self.side = side
    def area(self): return self.side * factor
    def clone(self): return Square(self.side)
    @classmethod
    def one(cls): return cls(1)
    @staticmethod
    def zero(): return 0
    @property
    def name(self): return "square"
    @functools.cached_property
    def slow(self): return super().double()

class Meta(type):
    def __call__(cls, *args): return super().__call__(*args)
    label = "meta"

class WithMeta(metaclass=Meta):
    me = None
    other = Color.RED
WithMeta.me = WithMeta

class MyList(list): pass
class MyError(ValueError):
    def __init__(self, code): super().__init__("code %s" % code); self.code = code
T = typing.TypeVar("T")
class Box(typing.Generic[T]):
    def __init__(self, item): self.item = item
factor = 1
"""


@pytest.mark.parametrize(
    "code",
    [
        [],
        ["Color", "Bits", "Point", "Frozen", "Named", "Base", "Square", "Meta", "WithMeta", "MyList", "MyError", "Box"],
    ],
)
def test_classes(steps, code):
    steps.run(
        CLASSES
        + """
color = [Color.RED, Bits.A | Bits.B]
point, frozen, named, pair = Point(1), Frozen(2), Named(1), Pair(1, 2)
point.y.append(point)
square, meta, items, error, box = Square(3), WithMeta(), MyList([1]), MyError(4), Box([1])
items.tag = "t"
""",
        saves=[["color"], ["point"], ["frozen", "named", "pair"], ["square", "meta"], ["items", "error"], ["box"]]
        + ([] if code else [["Square"], ["Color"]]),
        code=code,
    )
    seen = steps.run(
        """
        import copy, dataclasses, pickle
        factor = 10
        assert color[0] is Color.RED and color[0].shout() == "RED!" and Color("b") is Color.BLUE
        assert color[1] == type(color[1])(3)
        assert point == type(point)(1, point.y) and point.y[0] is point and type(point)(5).y == []
        assert dataclasses.asdict(frozen) == {"x": 2} and frozen < type(frozen)(3) and hash(frozen)
        assert named == (1, "x") and named._replace(a=2).a == 2 and type(named)(5).b == "x" and pair.r == 2
        assert square.area() == 30 and square.slow == 60 and square.clone().side == 3
        assert isinstance(square, Square) and Square.one().area() == 10 and Square.zero() == 0
        assert square.name == "square" and not hasattr(Square.side, "real") and "side" not in vars(square)
        assert type(square).__mro__[1].__abstractmethods__ == {"area"}
        assert type(meta).me is type(meta) and type(type(meta)).label == "meta" and type(meta).other is Color.RED
        assert items == [1] and items.tag == "t" and error.code == 4 and str(error) == "code 4"
        assert box.item == [1] and type(box)[int]
        print("good")
        """,
        step="t",
        replay=CLASSES if code else "",
        loads=steps.loads("s"),
        saves=[["point"], ["square"]],
        code=code,
    )
    assert seen == "good\n"
    # The second step passes instances on: they are still of the classes that the first step made.
    seen = steps.run(
        "print(type(frozen).__name__, type(other_square) is type(square))",
        step="u",
        replay=CLASSES if code else "",
        loads=steps.loads("s")
        + [
            {**item, "names": ["other_" + item["names"][0]], "bind": ["other_" + item["names"][0]]}
            for item in steps.loads("t")
        ],
        code=code,
    )
    assert seen.split() == ["Frozen", "True"]


def test_classes_of_one_name_stay_apart(steps):
    steps.run(
        """
        def make(value):
            class Local:
                def get(self): return value
            return Local()
        a, b = make(1), make(2)
        """,
        saves=[["a"], ["b"]],
    )
    assert steps.run("print(a.get(), b.get(), type(a) is type(b))", step="t", loads=steps.loads("s")) == "1 2 False\n"


def test_a_redefined_class(steps):
    code = "class C:\n    v = 2\n"
    steps.run("class C:\n    v = 1\nold = C()\nclass C:\n    v = 2\nnew = C()", saves=[["old"], ["new"]], code=["C"])
    seen = steps.run("print(old.v, new.v, type(new) is C)", step="t", replay=code, loads=steps.loads("s"))
    assert seen == "1 2 True\n"


def test_bytes_of_code_do_not_vary_between_processes(steps):
    source = CLASSES + "\nf = lambda x: x + factor\nsquare = Square(2)\nholder = {'f': [f], 'c': WithMeta}\n"
    saves = [["f"], ["square"], ["holder"]]
    steps.run(source, saves=saves)
    first = steps.digests("s")
    steps.run("", step="t", loads=steps.loads("s"), saves=saves)
    assert steps.digests("t") == first
    steps.run(source, saves=saves)
    assert steps.digests("s") == first


def test_the_namespace_itself(steps):
    steps.run("g = globals(); x = 1", saves=[["g"]])
    assert steps.run("x = 5; print(g['x'], g is globals())", step="t", loads=steps.loads("s")) == "5 True\n"


def test_code_run_in_a_namespace_of_its_own(steps):
    steps.run("scope = {}\nexec('n = 1\\ndef f(): return n', scope)\nf = scope['f']", saves=[["f", "scope"]])
    seen = steps.run("scope['n'] = 7; print(f(), f.__globals__ is scope)", step="t", loads=steps.loads("s"))
    assert seen == "7 True\n"
