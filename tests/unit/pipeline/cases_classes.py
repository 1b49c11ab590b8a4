"""Classes and their instances; imports; code only known at run time."""

from __future__ import annotations

from casebook import Part, case, functions, imports

__all__ = ["CASES"]

CASES = (
    # classes
    case(
        "a method reads a variable",
        Part("base = 10\nclass Meter:\n    def read(self):\n        return base", gives="base"),
        Part("m = Meter()", "", "m"),
        Part("print(m.read())", "m base"),
        edges="ac bc",
    ),
    case(
        "a class body is evaluated at once",
        Part("base = 10\nclass Meter:\n    start = base", gives="Meter"),
        Part("base = 11"),
        Part("print(Meter.start)", "Meter"),
        edges="ac",
    ),
    case(
        "a method changes its instance",
        functions(
            "class Account:\n    def __init__(self):\n        self.log = []\n    def pay(self, n):\n        "
            "self.log.append(n)"
        ),
        Part("acc = Account()", gives="acc"),
        Part("acc.pay(3)", "acc", "acc", "acc"),
        Part("print(acc.log)", "acc"),
        edges="ab bc",
    ),
    case(
        "a class attribute is changed",
        Part("class Counter:\n    n = 0"),
        Part("Counter.n += 1", "", "Counter"),
        Part("print(Counter.n)", "Counter"),
        edges="bc",
        exact=False,
    ),
    case(
        "instances count in their class",
        Part("class Item:\n    made = []\n    def __init__(self):\n        Item.made.append(1)"),
        Part("i = Item()", "", "Item"),
        Part("print(len(Item.made))", "Item"),
        edges="bc",
        exact=False,
    ),
    case(
        "a dataclass",
        imports("from dataclasses import dataclass, field"),
        Part("@dataclass\nclass Row:\n    name: str\n    tags: list = field(default_factory=list)"),
        Part("r = Row('a')", gives="r"),
        Part("r.tags.append('x')", "r", "r", "r"),
        Part("print(r)", "r"),
        edges="bc cd",
        exact=False,
    ),
    case(
        "an enum keeps identity",
        imports("from enum import Enum"),
        Part("class Color(Enum):\n    RED = 1"),
        Part("c = Color.RED", gives="c"),
        Part("print(c is Color.RED)", "c"),
        edges="bc",
        exact=False,
    ),
    case(
        "a namedtuple",
        imports("from collections import namedtuple"),
        Part("Point = namedtuple('Point', 'x y')", gives="Point"),
        Part("p = Point(1, [2])", "Point", "p"),
        Part("p.y.append(3)", "p", "p", "p"),
        Part("print(p)", "p"),
        edges="ab bc cd",
        exact=False,
    ),
    case(
        "a typing NamedTuple",
        imports("from typing import NamedTuple"),
        functions("class P(NamedTuple):\n    x: int\n    y: list"),
        Part("p = P(1, [2])", gives="p"),
        Part("p.y.append(3)", "p", "p", "p"),
        Part("print(p)", "p"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "an inherited method changes the instance",
        functions(
            "class Base:\n    def add(self, x):\n        self.items.append(x)\nclass Bag(Base):\n    "
            "def __init__(self):\n"
            "        self.items = []"
        ),
        Part("bag = Bag()", gives="bag"),
        Part("bag.add(1)", "bag", "bag", "bag"),
        Part("print(bag.items)", "bag"),
        edges="ab bc",
    ),
    case(
        "super() is followed",
        functions(
            "class Base:\n    def __init__(self, sink):\n        sink.append('base')\nclass Child(Base):\n"
            "    def __init__(self, sink):\n        super().__init__(sink)"
        ),
        Part("sink = []", gives="sink"),
        Part("c = Child(sink)", "sink", "sink", "sink"),
        Part("print(sink)", "sink"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "a property reads a variable",
        Part("rate = 2\nclass Item:\n    @property\n    def gross(self):\n        return rate * 3", gives="rate"),
        Part("i = Item()", gives="i"),
        Part("print(i.gross)", "i rate"),
        edges="ac bc",
    ),
    case(
        "a setter changes another object",
        Part(
            "log = []\nclass Item:\n    @property\n    def size(self):\n        return 1\n    "
            "@size.setter\n    def size(self, v):\n"
            "        log.append(v)\ni = Item()",
            gives="log i",
        ),
        Part("i.size = 3", "i log", "log", "log"),
        Part("print(log)", "log"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "classmethod and staticmethod",
        Part(
            "made = []\nclass F:\n    @classmethod\n    def build(cls):\n        "
            "made.append(cls.__name__)\n        return cls()\n"
            "    @staticmethod\n    def twice(x):\n        made.append(x)\n        return 2 * x",
            gives="made",
        ),
        Part("f = F.build()\nt = F.twice(3)", "made", "made t", "made"),
        Part("print(made, t)", "made t"),
        edges="ab bc",
    ),
    case(
        "an instance that is called",
        functions(
            "class Adder:\n    def __init__(self):\n        self.total = 0\n    "
            "def __call__(self, x):\n        self.total += x"
        ),
        Part("add = Adder()", gives="add"),
        Part("add(3)", "add", "add", "add"),
        Part("print(add.total)", "add"),
        edges="ab bc",
    ),
    case(
        "operators of the notebook's own class",
        functions(
            "class Vec:\n    def __init__(self):\n        self.n = 0\n    def __iadd__(self, x):\n        "
            "self.n += x\n        return self\n"
            "    def __getitem__(self, i):\n        self.n += 1\n        return i"
        ),
        Part("v = Vec()", gives="v"),
        Part("v += 2", "v", "v", "v"),
        Part("x = v[0]", "v", "v", "v"),
        Part("print(v.n)", "v"),
        edges="ab bc cd",
        exact=False,
    ),
    case(
        "a context manager of the notebook",
        Part(
            "events = []\nclass Span:\n    def __enter__(self):\n        events.append('in')\n    "
            "def __exit__(self, *a):\n"
            "        events.append('out')",
            gives="events",
        ),
        Part("with Span():\n    events.append('body')", "events", "events", "events"),
        Part("print(events)", "events"),
        edges="ab bc",
    ),
    case(
        "a contextmanager function",
        imports("from contextlib import contextmanager"),
        Part(
            "events = []\n@contextmanager\ndef span():\n    events.append('in')\n    yield\n    events.append('out')",
            gives="events",
        ),
        Part("with span():\n    pass", "events", "events", "events"),
        Part("print(events)", "events"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "printing runs __repr__",
        Part(
            "shown = []\nclass Loud:\n    def __repr__(self):\n        shown.append(1)\n        return 'loud'\n"
            "l = Loud()",
            gives="shown l",
        ),
        Part("print(l)", "shown l", "shown", "shown"),
        Part("print(shown)", "shown"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "an instance keeps what it was given",
        functions("class Holder:\n    def __init__(self, rows):\n        self.rows = rows"),
        Part("rows = [1]\nh = Holder(rows)", gives="rows h"),
        Part("rows.append(2)", "rows", "h", "rows"),
        Part("print(h.rows)", "h"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "a subclass of a library class",
        imports("import numpy as np\nfrom sklearn.base import BaseEstimator"),
        functions(
            "class Mean(BaseEstimator):\n    def fit(self, X):\n        "
            "self.mean_ = float(np.mean(X))\n        return self"
        ),
        Part("m = Mean()\nX = [1.0, 2.0]", gives="m X"),
        Part("m.fit(X)", "m X", "m", "m"),
        Part("print(m.mean_)", "m"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "a subclass of dict",
        functions("class Tally(dict):\n    def hit(self, k):\n        self[k] = self.get(k, 0) + 1"),
        Part("t = Tally()", gives="t"),
        Part("t.hit('a')", "t", "t", "t"),
        Part("print(t)", "t"),
        edges="ab bc",
    ),
    case(
        "setattr and getattr",
        Part("class Box:\n    pass\nbox = Box()\nname = 'size'", gives="box name"),
        Part("setattr(box, name, [1])", "box name", "box", "box"),
        Part("getattr(box, name).append(2)", "box name", "box", "box"),
        Part("print(box.size)", "box"),
        edges="ab ac bc cd",
        exact=False,
    ),
    case(
        "__dict__ and vars change the instance",
        Part("class Box:\n    pass\nbox = Box()", gives="box"),
        Part("vars(box)['x'] = 1\nbox.__dict__['y'] = 2", "box", "box", "box"),
        Part("print(box.x, box.y)", "box"),
        edges="ab bc",
        exact=False,
    ),
    # code only known at run time
    case(
        "exec of a variable",
        Part("code = 'q = 1'", gives="code"),
        Part("exec(code)", "code", "q"),
        Part("print(q)", "q"),
        edges="ab bc",
    ),
    case("exec of a literal", Part("exec('q = 1\\nr = [q]')", gives="q r"), Part("print(q, r)", "q r"), edges="ab"),
    case("eval reads by name", Part("rate = 2", gives="rate"), Part("print(eval('rate + 1'))", "rate"), edges="ab"),
    case(
        "globals() is a dict of the variables",
        Part("x = 1"),
        Part("globals()['made'] = 5", gives="made"),
        Part("print(made)", "made"),
        edges="bc",
    ),
    case(
        "globals() reads by name", Part("rate = 2", gives="rate"), Part("print(globals()['rate'])", "rate"), edges="ab"
    ),
    case(
        "globals().update in a loop",
        Part("names = ['u', 'v']", gives="names"),
        Part("for n in names:\n    globals()[n] = len(n)", "names", "u v"),
        Part("print(u, v)", "u v"),
        edges="ab bc",
        exact=False,
    ),
    # imports
    case(
        "import of a submodule binds the package",
        Part("import os.path"),
        Part("print(os.path.basename('a/b'))"),
        edges="",
    ),
    case(
        "import inside a condition",
        Part("import sys\nif sys.version_info > (3,):\n    import json as codec\nelse:\n    codec = None"),
        Part("print(codec.dumps([1]))"),
        edges="",
        exact=False,
    ),
    case(
        "a star import of a local module",
        Part("from helpers import *"),
        Part("print(triple(2), LIMIT)"),
        edges="",
        files={"helpers.py": "LIMIT = 5\ndef triple(x):\n    return 3 * x\n"},
        runs=False,
    ),
    case("a star import of the standard library", Part("from math import *"), Part("print(floor(pi))"), edges=""),
    case(
        "an import inside a function",
        functions("def enc(x):\n    import json\n    return json.dumps(x)"),
        Part("t = enc([1])", gives="t"),
        Part("print(t)", "t"),
        edges="ab",
    ),
    case(
        "an alias of a library function",
        Part("import math\nroot = math.sqrt", gives="root"),
        Part("print(root(4))", "root"),
        edges="ab",
        exact=False,
    ),
)
