"""What must cross between steps: small notebooks with the answer written beside each cell.

A case is sound if nothing of the answer is missing, exact if there is nothing else. Steps are called a, b, c …
in the order of the page. Imports, plain functions and plain classes are replayed as code and never listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from building import Cells

__all__ = ["CASES", "Case", "Part", "case"]


@dataclass(frozen=True)
class Part:
    """One cell.

    Args:
        takes: Variables it takes from earlier steps.
        gives: Variables that later steps take from it.
        changes: Those of ``takes`` that it changes in place.
        hidden: Hidden state it shares with other steps.
        tags: The cell's tags; empty: a step of its own.
    """

    source: str
    takes: str = ""
    gives: str = ""
    changes: str = ""
    hidden: str = ""
    tags: str = ""


@dataclass(frozen=True)
class Case:
    """A notebook and the answer.

    Args:
        edges: Pairs of steps, such as ``ab bc``.
        exact: Whether an answer that is larger than needed is a failure.
        told: Code of the diagnostic that must be there.
        refused: Whether a value that can't be saved crosses, so that the run must say so.
        runs: Whether to run it both ways and compare.
        files: Files that lie beside the notebook.
    """

    name: str
    parts: tuple[Part, ...]
    edges: str = ""
    exact: bool = True
    told: str = ""
    refused: bool = False
    runs: bool = True
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def cells(self) -> Cells:
        """Tags and source of each cell."""
        return [(tags, part.source) for tags, part in zip(self._tags(), self.parts, strict=True)]

    @property
    def steps(self) -> dict[str, Part]:
        """The first cell of each step, which tells the answer for the whole step, by slug."""
        found: dict[str, Part] = {}
        for tags, part in zip(self._tags(), self.parts, strict=True):
            if tags.startswith("step:"):
                found.setdefault(tags.split()[0].removeprefix("step:"), part)
        return found

    def _tags(self) -> list[str]:
        letters = iter("abcdefghijklmnop")
        return [part.tags or f"step:{next(letters)}" for part in self.parts]


CASES: list[Case] = []


def case(name: str, *parts: Part, **answer: object) -> None:
    """Add a case to the table."""
    CASES.append(Case(name, parts, **answer))  # type: ignore[arg-type]


def imports(source: str) -> Part:
    return Part(source, tags="imports")


def functions(source: str) -> Part:
    return Part(source, tags="functions")


def setup(source: str) -> Part:
    return Part(source, tags="setup")


NUMPY = imports("import numpy as np")
PANDAS = imports("import pandas as pd")
BOTH = imports("import numpy as np\nimport pandas as pd")
FRAME = "df = pd.DataFrame({'price': [1.0, 2.0, 3.0]})"

# --- names ------------------------------------------------------------------------------------------------------------

case("a value goes from hand to hand",
     Part("rate = 1", gives="rate"), Part("tax = rate + 1", "rate", "tax"), Part("total = tax", "tax"),
     edges="ab bc")
case("two branches meet again",
     Part("n = 1", gives="n"), Part("left = n + 1", "n", "left"), Part("right = n + 2", "n", "right"),
     Part("both = left + right", "left right"), edges="ab ac bd cd")
case("augmented assignment of a number rebinds",
     Part("count = 1", gives="count"), Part("count += 1", "count", "count"), Part("print(count)", "count"),
     edges="ab bc")
case("a parameter of a function hides the variable",
     Part("x = 1\ndef plus(x):\n    return x + 1", gives="x"), Part("y = plus(10)"), Part("print(x)", "x"),
     edges="ac")
case("a comprehension keeps its variable to itself",
     Part("rows = [1, 2]\nr = 99", gives="rows r"), Part("copy = [r for r in rows]", "rows", "copy"),
     Part("print(r, copy)", "r copy"), edges="ab ac bc")
case("a comprehension reads what is around it",
     Part("rows = [1]\nfactor = 5", gives="rows factor"),
     Part("scaled = [r * factor for r in rows if factor]", "rows factor", "scaled"), Part("print(scaled)", "scaled"),
     edges="ab bc")
case("the walrus leaves its name behind",
     Part("rows = [1, 2]", gives="rows"), Part("if any((hit := r) > 1 for r in rows):\n    pass", "rows", "hit"),
     Part("print(hit)", "hit"), edges="ab bc")
case("a loop leaves its variables behind",
     Part("rows = [1, 2]", gives="rows"), Part("for i in rows:\n    last = i", "rows", "i last"),
     Part("print(i, last)", "i last"), edges="ab bc")
case("an import with a substitute",
     Part("try:\n    import no_such_json as codec\nexcept ImportError:\n    import json as codec"),
     Part("text = codec.dumps(1)", gives="text"), Part("print(text)", "text"), edges="bc")
case("deleting needs the name, and only that",
     Part("junk = 1\nkept = 2", gives="junk kept"), Part("del junk", "junk"), Part("print(kept)", "kept"),
     edges="ab ac", exact=False)
case("unpacking into a name, a list and an attribute",
     Part("class Box:\n    pass\nbox = Box()\nrow = [1, 2, 3]", gives="box row"),
     Part("box.size, (head, *tail) = 1, row", "box row", "box head tail", "box"),
     Part("print(box.size, head, tail)", "box head tail"), edges="ab bc")
case("a bare name at the end is a use",
     Part("answer = 4", gives="answer"), Part("answer", "answer"), Part("print(1)"), edges="ab")
case("deleted, then read: told",
     Part("x = 1", gives="x"), Part("del x", "x"), Part("print(x)"), told="MLO017", exact=False, runs=False, edges="ab")
case("never defined: told", Part("x = 1"), Part("print(undefined_name)"), told="MLO012", runs=False)
case("defined further down: told", Part("print(late)"), Part("late = 1"), told="MLO012", runs=False)
case("names that shadow builtins are variables",
     Part("id = 7\ninput = [1]\nlist = (1, 2)", gives="id input list"),
     Part("total = id + sum(input)", "id input", "total"), Part("print(list, total)", "list total"), edges="ab ac bc")
case("a shadowed builtin, deleted, is the builtin again",
     Part("max = 3", gives="max"), Part("print(max)\ndel max", "max"), Part("print(len([1]))"), edges="ab")
case("a swap needs both",
     Part("a, b = [1], [2]", gives="a b"), Part("a, b = b, a", "a b", "a b"), Part("print(a, b)", "a b"),
     edges="ab bc")
case("two names for one new list",
     Part("a = b = []", gives="a b"), Part("a.append(1)", "a", "b", "a"), Part("print(b)", "b"), edges="ab bc",
     exact=False)
case("a name bound only perhaps needs its old value",
     Part("mode = 'x'\nflag = len('abc') > 5", gives="mode flag"), Part("if flag:\n    mode = 'y'", "mode flag", "mode"),
     Part("print(mode)", "mode"), edges="ab bc")
case("a loop that may not run needs the old value",
     Part("best = 0\nrows = []", gives="best rows"), Part("for r in rows:\n    best = r", "best rows", "best"),
     Part("print(best)", "best"), edges="ab bc")
case("try binds only perhaps",
     Part("n = -1\ntext = 'x'", gives="n text"), Part("try:\n    n = int(text)\nexcept ValueError:\n    pass", "n text", "n"),
     Part("print(n)", "n"), edges="ab bc")
case("match captures names",
     Part("event = {'kind': 'sale', 'rows': [1, 2]}", gives="event"),
     Part("match event:\n    case {'kind': kind, 'rows': [first, *rest]}:\n        pass", "event", "kind first rest"),
     Part("print(kind, first, rest)", "kind first rest"), edges="ab bc")
case("a captured part is changed with the whole",
     Part("event = {'rows': [1, 2]}", gives="event"),
     Part("match event:\n    case {'rows': rows}:\n        rows.append(3)", "event", "event", "event"),
     Part("print(event)", "event"), edges="ab bc")
case("walrus in a condition",
     Part("rows = [3, 4]", gives="rows"), Part("if (n := len(rows)) > 1:\n    pass", "rows", "n"), Part("print(n)", "n"),
     edges="ab bc")
case("nested comprehensions",
     Part("grid = [[1, 2], [3]]\nk = 2", gives="grid k"),
     Part("flat = [k * cell for row in grid for cell in row]\ntable = {i: [k for _ in row] for i, row in enumerate(grid)}",
          "grid k", "flat table"),
     Part("print(flat, table)", "flat table"), edges="ab bc")
case("assert and raise read",
     Part("limit = 3\nrows = [1]", gives="limit rows"), Part("assert len(rows) < limit, rows", "limit rows"), edges="ab")
case("f-strings read, their formats too",
     Part("value = 3.14159\ndigits = 2", gives="value digits"), Part("print(f'{value:.{digits}f}')", "value digits"),
     edges="ab")
case("while with else",
     Part("n = 3\nseen = []", gives="n seen"),
     Part("while n:\n    seen.append(n)\n    n -= 1\nelse:\n    done = True", "n seen", "done n seen", "seen"),
     Part("print(n, seen, done)", "n seen done"), edges="ab bc")
case("an annotation alone binds nothing",
     Part("x = 1", gives="x"), Part("x: int"), Part("print(x)", "x"), edges="ac", exact=False)
case("chained comparison and conditional expression",
     Part("a = 1\nb = 2\nc = 3", gives="a b c"), Part("z = a if a < b < c else b", "a b c", "z"), Part("print(z)", "z"),
     edges="ab bc")
case("deleting an item changes the container",
     Part("d = {'a': 1, 'b': 2}", gives="d"), Part("del d['a']", "d", "d", "d"), Part("print(d)", "d"), edges="ab bc")

# --- changes in place -------------------------------------------------------------------------------------------------

case("a new column changes the frame", PANDAS,
     Part(FRAME, gives="df"), Part("df['vat'] = 1", "df", "df", "df"), Part("print(df.columns)", "df"), edges="ab bc")
case("a reader runs beside a later writer", PANDAS,
     Part(FRAME, gives="df"), Part("mean = df.price.mean()", "df", "mean"), Part("df['vat'] = 1", "df", "df", "df"),
     Part("print(df, mean)", "df mean"), edges="ab ac bd cd")
case("append changes the list",
     Part("log = []", gives="log"), Part("log.append(1)", "log", "log", "log"), Part("print(log)", "log"), edges="ab bc")
case("fit changes the estimator, not its data", imports(
     "import numpy as np\nfrom sklearn.linear_model import LinearRegression"),
     Part("model = LinearRegression()\nX = np.arange(4.0).reshape(-1, 1)\ny = X.ravel()", gives="model X y"),
     Part("model.fit(X, y)", "model X y", "model", "model"), Part("print(model.coef_)", "model"), edges="ab bc")
case("describe changes nothing", PANDAS,
     Part(FRAME, gives="df"), Part("print(df.describe())", "df"), Part("print(df.price)", "df"), edges="ab ac")
case("inplace=True changes", PANDAS,
     Part("df = pd.DataFrame({'a': [1], 'b': [2]})", gives="df"),
     Part("df.rename(columns={'a': 'c'}, inplace=True)", "df", "df", "df"), Part("print(df.shape)", "df"), edges="ab bc")
case("setting an item reads the key and the value",
     Part("prices = {}\nkey = 'p'\nvalue = 3", gives="prices key value"),
     Part("prices[key] = value", "prices key value", "prices", "prices"), Part("print(prices)", "prices"), edges="ab bc")
case("augmented assignment of a list changes it for every name",
     Part("a = [1]\nb = a", gives="a b"), Part("a += [2]", "a", "a b", "a"), Part("print(a, b)", "a b"), edges="ab bc",
     exact=False)
case("augmented assignment of an array changes its views", NUMPY,
     Part("a = np.zeros(3)\ntop = a[:2]", gives="a top"), Part("a += 1", "a", "top", "a"), Part("print(top)", "top"),
     edges="ab bc", exact=False)
case("out= changes", NUMPY,
     Part("a = np.ones(3)\nr = np.zeros(3)", gives="a r"), Part("np.add(a, a, out=r)", "a r", "r", "r"),
     Part("print(r)", "r"), edges="ab bc")
case("sort in place, sorted not",
     Part("a = [2, 1]\nb = [4, 3]", gives="a b"), Part("a.sort()\nc = sorted(b)", "a b", "a c", "a"),
     Part("print(a, b, c)", "a b c"), edges="ab ac bc")
case("loc and iloc assign", PANDAS,
     Part(FRAME, gives="df"), Part("df.loc[0, 'price'] = 9", "df", "df", "df"), Part("df.iloc[1, 0] = 8", "df", "df", "df"),
     Part("print(df)", "df"), edges="ab bc cd")
case("set, dict and deque change", imports("from collections import deque"),
     Part("s = {1}\nd = {}\nq = deque()", gives="s d q"),
     Part("s.add(2)\nd.setdefault('k', []).append(1)\nq.appendleft(3)", "s d q", "s d q", "s d q"),
     Part("print(s, d, q)", "s d q"), edges="ab bc")
case("what a loop variable stands for is changed",
     Part("rows = [[1], [2]]", gives="rows"), Part("for r in rows:\n    r.append(0)", "rows", "rows", "rows"),
     Part("print(rows)", "rows"), edges="ab bc")
case("changing an item of a dict of frames", PANDAS,
     Part("frames = {'a': pd.DataFrame({'x': [1]}), 'b': pd.DataFrame({'x': [2]})}", gives="frames"),
     Part("for name, frame in frames.items():\n    frame['y'] = name", "frames", "frames", "frames"),
     Part("print(frames['a'], frames['b'])", "frames"), edges="ab bc")
case("library call on a part of a container changes it", NUMPY,
     Part("data = {'x': np.array([3, 1, 2])}", gives="data"), Part("data['x'].sort()", "data", "data", "data"),
     Part("print(data)", "data"), edges="ab bc")
case("shuffle changes its argument", imports("import random"),
     Part("deck = [1, 2, 3]\nrandom.seed(3)", gives="deck", hidden="rng:random"),
     Part("random.shuffle(deck)", "deck", "deck", "deck", "rng:random"), Part("print(deck)", "deck"), edges="ab bc")
case("heapq and bisect change their lists", imports("import heapq, bisect"),
     Part("heap = [3, 1]\nordered = [1, 5]", gives="heap ordered"),
     Part("heapq.heapify(heap)\nheapq.heappush(heap, 0)\nbisect.insort(ordered, 2)", "heap ordered", "heap ordered",
          "heap ordered"),
     Part("print(heap, ordered)", "heap ordered"), edges="ab bc")

# --- shared objects ---------------------------------------------------------------------------------------------------

case("a change through another name",
     Part("a = [1]\nb = a", gives="a b"), Part("b.append(2)", "b", "a", "b"), Part("print(a)", "a"), edges="ab bc",
     exact=False)
case("a change through a view", NUMPY,
     Part("a = np.zeros(4)\nv = a[1:]", gives="a v"), Part("v[0] = 9", "v", "a", "v"), Part("print(a)", "a"),
     edges="ab bc", exact=False)
case("a frame that shares an array", BOTH,
     Part("a = np.zeros(3)\ndf = pd.DataFrame({'a': a}, copy=False)", gives="a df"),
     Part("a[0] = 5", "a", "df", "a"), Part("print(df)", "df"), edges="ab bc", exact=False)
case("the keys of a dict follow it",
     Part("d = {'a': 1}\nkeys = d.keys()", gives="d keys"), Part("d['b'] = 2", "d", "keys", "d"),
     Part("print(list(keys))", "keys"), edges="ab bc", exact=False)
case("an alias made in one step, changed in another",
     Part("a = [1]", gives="a"), Part("b = a", "a", "a b"), Part("b.append(2)", "b", "a", "b"), Part("print(a)", "a"),
     edges="ab bc cd", exact=False)
case("a list inside a list",
     Part("inner = [1]\nouter = [inner]", gives="inner outer"), Part("outer[0].append(2)", "outer", "inner", "outer"),
     Part("print(inner)", "inner"), edges="ab bc", exact=False)
case("an attribute that is another variable",
     Part("class Node:\n    pass\nroot = Node()\nleaf = [1]\nroot.leaf = leaf", gives="root leaf"),
     Part("leaf.append(2)", "leaf", "root", "leaf"), Part("print(root.leaf)", "root"), edges="ab bc", exact=False)
case("an instance with two names",
     Part("class Box:\n    size = 0\na = Box()\nb = a", gives="a b"), Part("b.size = 3", "b", "a", "b"),
     Part("print(a.size)", "a"), edges="ab bc", exact=False)
case("a container of frames", PANDAS,
     Part("train = pd.DataFrame({'x': [1]})\ntest = pd.DataFrame({'x': [2]})\nframes = [train, test]",
          gives="train test frames"),
     Part("for frame in frames:\n    frame['y'] = 0", "frames", "train test", "frames"),
     Part("print(train, test)", "train test"), edges="ab bc", exact=False)
case("a column held by a name does not follow the frame", PANDAS,
     Part(FRAME + "\nprice = df['price']", gives="df price"), Part("df.loc[0, 'price'] = 7", "df", "df", "df"),
     Part("print(df, price)", "df price"), edges="ab bc", exact=False)
case("a column's values follow an array", BOTH,
     Part("raw = np.arange(3.0)\nview = raw.reshape(3, 1)", gives="raw view"), Part("view[:] = 0", "view", "raw", "view"),
     Part("print(raw)", "raw"), edges="ab bc", exact=False)
case("a grouping holds its frame", PANDAS,
     Part("df = pd.DataFrame({'k': [1, 1], 'v': [1, 2]})\ngroups = df.groupby('k')", gives="df groups"),
     Part("print(groups.v.sum())", "groups"), Part("print(df)", "df"), edges="ab ac", exact=False)
case("a model that keeps the data it was given", imports(
     "import numpy as np\nfrom sklearn.neighbors import KNeighborsClassifier"),
     Part("X = np.array([[0.0], [1.0], [10.0]])\ny = np.array([0, 0, 1])\n"
          "knn = KNeighborsClassifier(1, algorithm='brute').fit(X, y)", gives="X knn"),
     Part("X[0, 0] = 11.0", "X", "knn", "X"), Part("print(knn.predict([[11.0]]))", "knn"), edges="ab bc", exact=False)
case("a pipeline holds the estimator it was made of", imports(
     "import numpy as np\nfrom sklearn.linear_model import LogisticRegression\nfrom sklearn.pipeline import Pipeline"),
     Part("X = np.array([[0.0], [1.0]])\ny = np.array([0, 1])\nclf = LogisticRegression()\n"
          "pipe = Pipeline([('clf', clf)])", gives="X y clf pipe"),
     Part("pipe.fit(X, y)", "X y pipe", "clf", "pipe"), Part("print(clf.coef_.round(3))", "clf"), edges="ab bc",
     exact=False)
case("slices of lists are copies",
     Part("a = [1, 2]\nb = a[:]", gives="a b"), Part("b.append(3)", "b", "b", "b"), Part("print(a, b)", "a b"),
     edges="ab bc", exact=False)
case("a tuple returned by a function shares its items",
     functions("def pair(rows):\n    return rows, len(rows)"),
     Part("rows = [1]\nsame, n = pair(rows)", gives="rows same"), Part("same.append(2)", "same", "rows", "same"),
     Part("print(rows)", "rows"), edges="ab bc", exact=False)
case("dict.values and items give the values themselves",
     Part("d = {'a': [1]}", gives="d"), Part("for v in d.values():\n    v.append(2)", "d", "d", "d"),
     Part("for k, v in d.items():\n    v.append(k)", "d", "d v", "d"), Part("print(d, v)", "d v"), edges="ab bc cd", exact=False)
case("a chained name is the very object",
     Part("config = {'paths': {'in': []}}\npaths = config['paths']", gives="config paths"),
     Part("paths['in'].append('x')", "paths", "config", "paths"), Part("print(config)", "config"), edges="ab bc",
     exact=False)
case("zip pairs hold the items",
     Part("xs = [[1]]\nys = [[2]]\npairs = list(zip(xs, ys))", gives="xs pairs"),
     Part("pairs[0][0].append(9)", "pairs", "xs", "pairs"), Part("print(xs)", "xs"), edges="ab bc", exact=False)
case("copy does not share, a shallow copy shares its items", imports("import copy"),
     Part("a = [[1]]\nshallow = copy.copy(a)\ndeep = copy.deepcopy(a)", gives="a shallow deep"),
     Part("a[0].append(2)", "a", "a shallow", "a"), Part("print(a, shallow, deep)", "a shallow deep"), edges="ab ac bc",
     exact=False)

# --- functions --------------------------------------------------------------------------------------------------------

case("a function reads a variable",
     Part("k = 3\ndef times(x):\n    return x * k", gives="k"), Part("y = times(2)", "k"), edges="ab")
case("free names are looked up when the function is called",
     Part("k = 1\ndef f():\n    return k"), Part("k = 2", gives="k"), Part("print(f())", "k"), edges="bc")
case("a function older than its variable",
     Part("def f():\n    return z"), Part("z = 5", gives="z"), Part("print(f())", "z"), edges="bc")
case("a function changes a variable",
     Part("log = []\ndef note(x):\n    log.append(x)", gives="log"), Part("note(1)", "log", "log", "log"),
     Part("print(log)", "log"), edges="ab bc")
case("a function changes its argument", PANDAS,
     Part(FRAME + "\ndef add(d):\n    d['zero'] = 0", gives="df"), Part("add(df)", "df", "df", "df"),
     Part("print(df.zero)", "df"), edges="ab bc")
case("a closure carries its value",
     Part("def adder(n):\n    def add(x):\n        return x + n\n    return add\nplus3 = adder(3)", gives="plus3"),
     Part("y = plus3(1)", "plus3", "y"), Part("print(y)", "y"), edges="ab bc")
case("a lambda reads a variable",
     Part("w = 2\nscale = lambda x: x * w", gives="scale w"), Part("y = scale(3)", "scale w"), edges="ab")
case("a counter in a closure advances",
     Part("def counter():\n    n = 0\n    def step():\n        nonlocal n\n        n += 1\n        return n\n    return step\n"
          "tick = counter()", gives="tick"),
     Part("tick()", "tick", "tick", "tick"), Part("print(tick())", "tick", "", "tick"), edges="ab bc")
case("two closures over one variable",
     Part("def pair():\n    n = [0]\n    def up():\n        n[0] += 1\n    def get():\n        return n[0]\n    return up, get\n"
          "up, get = pair()", gives="up get"),
     Part("up()", "up", "get", "up"), Part("print(get())", "get"), edges="ab bc", exact=False)
case("global in a function binds the variable",
     Part("state = 0\ndef reset():\n    global state\n    state = 5"), Part("reset()", "", "state"),
     Part("print(state)", "state"), edges="bc", exact=False)
case("a global that only a function defines",
     Part("def build():\n    global table\n    table = [1]"), Part("build()", gives="table"), Part("print(table)", "table"),
     edges="bc")
case("closures over a loop variable", 
     Part("fs = [lambda: i for i in range(3)]\nfor j in range(3):\n    g = lambda: j", gives="fs g j"),
     Part("print([f() for f in fs])", "fs"), Part("print(g())", "g j"), edges="ab ac", exact=False)
case("a default that is a list remembers",
     Part("def collect(x, seen=[]):\n    seen.append(x)\n    return seen"),
     Part("collect(1)", "", "collect"), Part("print(collect(2))", "collect"), edges="bc", exact=False)
case("a default is taken when the function is made",
     Part("k = 1\ndef f(x=k):\n    return x", gives="f"), Part("k = 2"), Part("print(f())", "f"), edges="ac", exact=False)
case("*args and **kwargs reach the variables",
     Part("def fill(*rows, **named):\n    for r in rows:\n        r.append(0)\n    named['extra'].append(1)\n"
          "a, b, c = [], [], []", gives="a b c"),
     Part("fill(a, *[b], **{'extra': c})", "a b c", "a b c", "a b c"), Part("print(a, b, c)", "a b c"), edges="ab bc")
case("a function given to map", 
     Part("seen = []\ndef visit(x):\n    seen.append(x)\n    return x", gives="seen"),
     Part("out = list(map(visit, [1, 2]))", "seen", "seen out", "seen"), Part("print(seen, out)", "seen out"),
     edges="ab bc")
case("a function given to sorted as key",
     Part("weights = {'a': 2, 'b': 1}\ndef weight(x):\n    return weights[x]", gives="weights"),
     Part("order = sorted('ab', key=weight)", "weights", "order"), Part("print(order)", "order"), edges="ab bc")
case("a function given to apply reads", PANDAS,
     Part(FRAME + "\nrate = 2\ndef gross(x):\n    return x * rate", gives="df rate"),
     Part("g = df.price.apply(gross)", "df rate", "g"), Part("print(g)", "g"), edges="ab bc")
case("a function given to apply writes", PANDAS,
     Part(FRAME + "\nseen = []\ndef note(x):\n    seen.append(x)\n    return x", gives="df seen"),
     Part("df.price.apply(note)", "df seen", "seen", "seen"), Part("print(seen)", "seen"), edges="ab bc", exact=False)
case("recursion that collects",
     Part("found = []\ndef walk(n):\n    if n:\n        found.append(n)\n        walk(n - 1)", gives="found"),
     Part("walk(3)", "found", "found", "found"), Part("print(found)", "found"), edges="ab bc")
case("recursion that changes its argument",
     Part("def fill(t, n):\n    if n == 0:\n        t.append('leaf')\n        return\n    fill(t, n - 1)\ntree = []", gives="tree"),
     Part("fill(tree, 2)", "tree", "tree", "tree"), Part("print(tree)", "tree"), edges="ab bc")
case("mutual recursion",
     Part("log = []\ndef even(n):\n    log.append(n)\n    return n == 0 or odd(n - 1)\n"
          "def odd(n):\n    return n != 0 and even(n - 1)", gives="log"),
     Part("r = even(4)", "log", "log r", "log"), Part("print(r, log)", "log r"), edges="ab bc")
case("partial binds an object", imports("from functools import partial"),
     Part("store = []\npush = partial(store.append)", gives="store push"), Part("push(1)", "push", "store", "push"),
     Part("print(store)", "store"), edges="ab bc", exact=False)
case("lambdas in a dict",
     Part("factor = 3\nops = {'mul': lambda x: x * factor, 'neg': lambda x: -x}", gives="factor ops"),
     Part("print(ops['mul'](2))", "factor ops"), edges="ab")
case("a stored method changes its object",
     Part("rows = []\npush = rows.append", gives="rows push"), Part("push(1)", "push", "rows", "push"),
     Part("print(rows)", "rows"), edges="ab bc", exact=False)
case("a decorator of the notebook that counts",
     Part("calls = []\ndef counted(f):\n    def inner(*args):\n        calls.append(f.__name__)\n        return f(*args)\n    return inner\n"
          "@counted\ndef double(x):\n    return 2 * x", gives="calls"),
     Part("print(double(2))", "calls", "calls", "calls"), Part("print(calls)", "calls"), edges="ab bc",
     exact=False)
case("a decorator that registers",
     Part("registry = {}\ndef register(f):\n    registry[f.__name__] = f\n    return f", gives="registry"),
     Part("@register\ndef clean(x):\n    return x + 1", "registry", "registry", "registry"),
     Part("print(sorted(registry), registry['clean'](1))", "registry"), edges="ab bc", exact=False)
case("a cached function", imports("from functools import lru_cache"),
     Part("base = 10\n@lru_cache\ndef slow(x):\n    return x + base", gives="base"), Part("print(slow(1))", "base"),
     Part("print(slow(2))", "base"), edges="ab ac", exact=False)
case("a generator function reads when it runs",
     Part("rows = [1, 2]\ndef each():\n    for r in rows:\n        yield r * 2", gives="rows"),
     Part("total = sum(each())", "rows", "total"), Part("print(total)", "total"), edges="ab bc")
case("a generator across a boundary is refused",
     Part("lines = (n for n in range(3))", gives="lines"), Part("first = next(lines)", "lines", "first lines", "lines"),
     Part("print(list(lines), first)", "first lines", "", "lines"), edges="ab bc", refused=True, exact=False)
case("a function of a function of a function",
     functions("def a1(d):\n    a2(d)\ndef a2(d):\n    a3(d)\ndef a3(d):\n    d['x'] = 1"),
     Part("d = {}", gives="d"), Part("a1(d)", "d", "d", "d"), Part("print(d)", "d"), edges="ab bc")
case("a function redefined later",
     Part("def f():\n    return 1"), Part("one = f()", gives="one"), Part("def f():\n    return 2"),
     Part("print(one, f())", "one"), edges="bd")
case("a function that uses a function redefined later",
     Part("def g():\n    return 1\ndef f():\n    return g()"), Part("def g():\n    return 2"), Part("print(f())"), edges="")
case("an attribute of a function",
     Part("def f():\n    f.calls += 1\n    return f.calls\nf.calls = 0", gives="f"), Part("f()", "f", "f", "f"),
     Part("print(f())", "f"), edges="ab bc", exact=False)
case("reduce and filter call", imports("from functools import reduce"),
     Part("limit = 1\nkeep = lambda x: x > limit", gives="limit keep"),
     Part("kept = list(filter(keep, [1, 2, 3]))\ntotal = reduce(lambda a, b: a + b + limit, kept)", "limit keep", "kept total"),
     Part("print(kept, total)", "kept total"), edges="ab bc")

# --- classes ----------------------------------------------------------------------------------------------------------

case("a method reads a variable",
     Part("base = 10\nclass Meter:\n    def read(self):\n        return base", gives="base"), Part("m = Meter()", "", "m"),
     Part("print(m.read())", "m base"), edges="ac bc")
case("a class body is evaluated at once",
     Part("base = 10\nclass Meter:\n    start = base", gives="Meter"), Part("base = 11"), Part("print(Meter.start)", "Meter"),
     edges="ac")
case("a method changes its instance",
     functions("class Account:\n    def __init__(self):\n        self.log = []\n    def pay(self, n):\n        self.log.append(n)"),
     Part("acc = Account()", gives="acc"), Part("acc.pay(3)", "acc", "acc", "acc"), Part("print(acc.log)", "acc"),
     edges="ab bc")
case("a class attribute is changed",
     Part("class Counter:\n    n = 0"), Part("Counter.n += 1", "", "Counter"),
     Part("print(Counter.n)", "Counter"), edges="bc", exact=False)
case("instances count in their class",
     Part("class Item:\n    made = []\n    def __init__(self):\n        Item.made.append(1)"),
     Part("i = Item()", "", "Item"), Part("print(len(Item.made))", "Item"), edges="bc", exact=False)
case("a dataclass", imports("from dataclasses import dataclass, field"),
     Part("@dataclass\nclass Row:\n    name: str\n    tags: list = field(default_factory=list)"),
     Part("r = Row('a')", gives="r"), Part("r.tags.append('x')", "r", "r", "r"), Part("print(r)", "r"), edges="bc cd",
     exact=False)
case("an enum keeps identity", imports("from enum import Enum"),
     Part("class Color(Enum):\n    RED = 1"), Part("c = Color.RED", gives="c"), Part("print(c is Color.RED)", "c"),
     edges="bc", exact=False)
case("a namedtuple", imports("from collections import namedtuple"),
     Part("Point = namedtuple('Point', 'x y')", gives="Point"), Part("p = Point(1, [2])", "Point", "p"),
     Part("p.y.append(3)", "p", "p", "p"), Part("print(p)", "p"), edges="ab bc cd", exact=False)
case("a typing NamedTuple", imports("from typing import NamedTuple"),
     functions("class P(NamedTuple):\n    x: int\n    y: list"), Part("p = P(1, [2])", gives="p"),
     Part("p.y.append(3)", "p", "p", "p"), Part("print(p)", "p"), edges="ab bc", exact=False)
case("an inherited method changes the instance",
     functions("class Base:\n    def add(self, x):\n        self.items.append(x)\nclass Bag(Base):\n    def __init__(self):\n"
               "        self.items = []"),
     Part("bag = Bag()", gives="bag"), Part("bag.add(1)", "bag", "bag", "bag"), Part("print(bag.items)", "bag"),
     edges="ab bc")
case("super() is followed",
     functions("class Base:\n    def __init__(self, sink):\n        sink.append('base')\nclass Child(Base):\n"
               "    def __init__(self, sink):\n        super().__init__(sink)"),
     Part("sink = []", gives="sink"), Part("c = Child(sink)", "sink", "sink", "sink"), Part("print(sink)", "sink"),
     edges="ab bc", exact=False)
case("a property reads a variable",
     Part("rate = 2\nclass Item:\n    @property\n    def gross(self):\n        return rate * 3", gives="rate"),
     Part("i = Item()", gives="i"), Part("print(i.gross)", "i rate"), edges="ac bc")
case("a setter changes another object",
     Part("log = []\nclass Item:\n    @property\n    def size(self):\n        return 1\n    @size.setter\n    def size(self, v):\n"
          "        log.append(v)\ni = Item()", gives="log i"),
     Part("i.size = 3", "i log", "log", "log"), Part("print(log)", "log"), edges="ab bc", exact=False)
case("classmethod and staticmethod",
     Part("made = []\nclass F:\n    @classmethod\n    def build(cls):\n        made.append(cls.__name__)\n        return cls()\n"
          "    @staticmethod\n    def twice(x):\n        made.append(x)\n        return 2 * x", gives="made"),
     Part("f = F.build()\nt = F.twice(3)", "made", "made t", "made"), Part("print(made, t)", "made t"), edges="ab bc")
case("an instance that is called",
     functions("class Adder:\n    def __init__(self):\n        self.total = 0\n    def __call__(self, x):\n        self.total += x"),
     Part("add = Adder()", gives="add"), Part("add(3)", "add", "add", "add"), Part("print(add.total)", "add"),
     edges="ab bc")
case("operators of the notebook's own class",
     functions("class Vec:\n    def __init__(self):\n        self.n = 0\n    def __iadd__(self, x):\n        self.n += x\n        return self\n"
               "    def __getitem__(self, i):\n        self.n += 1\n        return i"),
     Part("v = Vec()", gives="v"), Part("v += 2", "v", "v", "v"), Part("x = v[0]", "v", "v", "v"), Part("print(v.n)", "v"),
     edges="ab bc cd", exact=False)
case("a context manager of the notebook",
     Part("events = []\nclass Span:\n    def __enter__(self):\n        events.append('in')\n    def __exit__(self, *a):\n"
          "        events.append('out')", gives="events"),
     Part("with Span():\n    events.append('body')", "events", "events", "events"), Part("print(events)", "events"),
     edges="ab bc")
case("a contextmanager function", imports("from contextlib import contextmanager"),
     Part("events = []\n@contextmanager\ndef span():\n    events.append('in')\n    yield\n    events.append('out')",
          gives="events"),
     Part("with span():\n    pass", "events", "events", "events"), Part("print(events)", "events"), edges="ab bc",
     exact=False)
case("printing runs __repr__",
     Part("shown = []\nclass Loud:\n    def __repr__(self):\n        shown.append(1)\n        return 'loud'\nl = Loud()",
          gives="shown l"),
     Part("print(l)", "shown l", "shown", "shown"), Part("print(shown)", "shown"), edges="ab bc", exact=False)
case("an instance keeps what it was given",
     functions("class Holder:\n    def __init__(self, rows):\n        self.rows = rows"),
     Part("rows = [1]\nh = Holder(rows)", gives="rows h"), Part("rows.append(2)", "rows", "h", "rows"),
     Part("print(h.rows)", "h"), edges="ab bc", exact=False)
case("a subclass of a library class", imports("import numpy as np\nfrom sklearn.base import BaseEstimator"),
     functions("class Mean(BaseEstimator):\n    def fit(self, X):\n        self.mean_ = float(np.mean(X))\n        return self"),
     Part("m = Mean()\nX = [1.0, 2.0]", gives="m X"), Part("m.fit(X)", "m X", "m", "m"), Part("print(m.mean_)", "m"),
     edges="ab bc", exact=False)
case("a subclass of dict",
     functions("class Tally(dict):\n    def hit(self, k):\n        self[k] = self.get(k, 0) + 1"),
     Part("t = Tally()", gives="t"), Part("t.hit('a')", "t", "t", "t"), Part("print(t)", "t"), edges="ab bc")
case("setattr and getattr",
     Part("class Box:\n    pass\nbox = Box()\nname = 'size'", gives="box name"),
     Part("setattr(box, name, [1])", "box name", "box", "box"), Part("getattr(box, name).append(2)", "box name", "box", "box"),
     Part("print(box.size)", "box"), edges="ab ac bc cd", exact=False)
case("__dict__ and vars change the instance",
     Part("class Box:\n    pass\nbox = Box()", gives="box"), Part("vars(box)['x'] = 1\nbox.__dict__['y'] = 2", "box", "box", "box"),
     Part("print(box.x, box.y)", "box"), edges="ab bc", exact=False)

# --- code only known at run time --------------------------------------------------------------------------------------

case("exec of a variable",
     Part("code = 'q = 1'", gives="code"), Part("exec(code)", "code", "q"), Part("print(q)", "q"), edges="ab bc")
case("exec of a literal", Part("exec('q = 1\\nr = [q]')", gives="q r"), Part("print(q, r)", "q r"), edges="ab")
case("eval reads by name",
     Part("rate = 2", gives="rate"), Part("print(eval('rate + 1'))", "rate"), edges="ab")
case("globals() is a dict of the variables",
     Part("x = 1"), Part("globals()['made'] = 5", gives="made"), Part("print(made)", "made"), edges="bc")
case("globals() reads by name",
     Part("rate = 2", gives="rate"), Part("print(globals()['rate'])", "rate"), edges="ab")
case("globals().update in a loop",
     Part("names = ['u', 'v']", gives="names"), Part("for n in names:\n    globals()[n] = len(n)", "names", "u v"),
     Part("print(u, v)", "u v"), edges="ab bc", exact=False)

# --- imports ----------------------------------------------------------------------------------------------------------

case("import of a submodule binds the package", Part("import os.path"), Part("print(os.path.basename('a/b'))"), edges="")
case("import inside a condition",
     Part("import sys\nif sys.version_info > (3,):\n    import json as codec\nelse:\n    codec = None"),
     Part("print(codec.dumps([1]))"), edges="", exact=False)
case("a star import of a local module",
     Part("from helpers import *"), Part("print(triple(2), LIMIT)"), edges="",
     files={"helpers.py": "LIMIT = 5\ndef triple(x):\n    return 3 * x\n"}, runs=False)
case("a star import of the standard library", Part("from math import *"), Part("print(floor(pi))"), edges="")
case("an import inside a function", functions("def enc(x):\n    import json\n    return json.dumps(x)"),
     Part("t = enc([1])", gives="t"), Part("print(t)", "t"), edges="ab")
case("an alias of a library function",
     Part("import math\nroot = math.sqrt", gives="root"), Part("print(root(4))", "root"), edges="ab", exact=False)

# --- files ------------------------------------------------------------------------------------------------------------

case("a file written and read",
     Part("open('note.txt', 'w').write('1')", hidden="file:note.txt"),
     Part("text = open('note.txt').read()", "", "text", hidden="file:note.txt"), Part("print(text)", "text"), edges="ab bc")
case("a file through with",
     Part("with open('a.txt', 'w') as f:\n    f.write('x')", hidden="file:a.txt"),
     Part("with open('a.txt') as f:\n    print(f.read())", hidden="file:a.txt"), edges="ab")
case("Path objects", imports("from pathlib import Path"),
     Part("p = Path('data.txt')\np.write_text('x')", gives="p", hidden="file:data.txt"),
     Part("print(p.read_text())", "p", hidden="file:data.txt"), edges="ab")
case("paths joined", imports("import os\nfrom pathlib import Path"),
     Part("os.makedirs('out', exist_ok=True)\nwith open(os.path.join('out', 'a.txt'), 'w') as f:\n    f.write('x')",
          hidden="file:out/a.txt"),
     Part("print((Path('out') / 'a.txt').read_text())", hidden="file:out/a.txt"), edges="ab")
case("to_csv and read_csv", PANDAS,
     Part(FRAME + "\ndf.to_csv('prices.csv', index=False)", hidden="file:prices.csv"),
     Part("again = pd.read_csv('prices.csv')", "", "again", hidden="file:prices.csv"), Part("print(again)", "again"),
     edges="ab bc")
case("the name of a file in a variable", PANDAS,
     Part("OUT = 'prices.csv'\n" + FRAME, gives="OUT df"), Part("df.to_csv(OUT, index=False)", "OUT df", hidden="file:prices.csv"),
     Part("print(pd.read_csv(OUT))", "OUT", hidden="file:prices.csv"), edges="ab ac bc")
case("an f-string path",
     Part("year = 2024", gives="year"), Part("open(f'r{year}.txt', 'w').write('x')", "year", hidden="file:r2024.txt"),
     Part("print(open('r2024.txt').read())", hidden="file:r2024.txt"), edges="ab bc")
case("mkdir in one step, write in the next", imports("import os"),
     Part("os.makedirs('out', exist_ok=True)"), Part("open('out/a.txt', 'w').write('x')", hidden="file:out/a.txt"),
     Part("print(open('out/a.txt').read())", hidden="file:out/a.txt"), edges="ab bc", exact=False)
case("a glob sees what was written", imports("import glob"),
     Part("open('a.log', 'w').write('x')", hidden="file:a.log"), Part("print(glob.glob('*.log'))"), edges="ab")
case("an unknown path is any file",
     Part("open('a.txt', 'w').write('x')", hidden="file:a.txt"),
     Part("name = ''.join(['a', '.txt'])\nprint(open(name).read())"), edges="ab")
case("an unknown path written is any file",
     Part("name = ''.join(['a', '.txt'])\nopen(name, 'w').write('x')"), Part("print(open('a.txt').read())"), edges="ab")
case("appending needs what is there",
     Part("open('a.txt', 'w').write('1')", hidden="file:a.txt"), Part("f = open('a.txt', 'a')\nf.write('2')\nf.close()", hidden="file:a.txt"),
     Part("print(open('a.txt').read())", hidden="file:a.txt"), edges="ab bc", exact=False)
case("a file overwritten after it was read",
     Part("open('a.txt', 'w').write('1')", hidden="file:a.txt"), Part("one = open('a.txt').read()", "", "one", hidden="file:a.txt"),
     Part("open('a.txt', 'w').write('2')", hidden="file:a.txt"), Part("print(one, open('a.txt').read())", "one", hidden="file:a.txt"),
     edges="ab bc bd cd", exact=False)
case("a file of the project overwritten after it was read",
     Part("one = open('given.txt').read()", "", "one", hidden="file:given.txt"),
     Part("open('given.txt', 'w').write('new')", hidden="file:given.txt"), Part("print(one)", "one"),
     edges="ab ac", files={"given.txt": "old"})
case("a file handle across a boundary is refused",
     Part("f = open('a.txt', 'w')\nf.write('x')", gives="f", hidden="file:a.txt"), Part("f.write('y')\nf.close()", "f", "", "f"),
     Part("print(open('a.txt').read())"), edges="ab", refused=True, exact=False)
case("json.dump to a file", imports("import json"),
     Part("with open('c.json', 'w') as f:\n    json.dump({'a': 1}, f)", hidden="file:c.json"),
     Part("with open('c.json') as f:\n    print(json.load(f))", hidden="file:c.json"), edges="ab")
case("np.save adds its suffix", NUMPY,
     Part("np.save('arr', np.arange(3))"), Part("print(np.load('arr.npy'))"), edges="ab", exact=False)
case("joblib dump and load", imports("import joblib"),
     Part("joblib.dump({'a': 1}, 'm.joblib')", hidden="file:m.joblib"),
     Part("print(joblib.load('m.joblib'))", hidden="file:m.joblib"), edges="ab", exact=False)
case("os.remove and exists", imports("import os"),
     Part("open('a.txt', 'w').write('x')", hidden="file:a.txt"), Part("os.remove('a.txt')"), Part("print(os.path.exists('a.txt'))"),
     edges="ab bc", exact=False)
case("a function writes the file",
     functions("def dump(text, where='log.txt'):\n    with open(where, 'w') as f:\n        f.write(text)"),
     Part("dump('x')", hidden="file:log.txt"), Part("print(open('log.txt').read())", hidden="file:log.txt"), edges="ab")
case("a database in a file", imports("import sqlite3"),
     Part("con = sqlite3.connect('s.db')\ncon.execute('create table t (x)')\ncon.execute('insert into t values (1)')\ncon.commit()\ncon.close()"),
     Part("con = sqlite3.connect('s.db')\nprint(con.execute('select x from t').fetchall())\ncon.close()"), edges="ab", exact=False)
case("an open connection across a boundary is refused", imports("import sqlite3"),
     Part("con = sqlite3.connect(':memory:')\ncon.execute('create table t (x)')", gives="con"),
     Part("print(con.execute('select * from t').fetchall())", "con"), edges="ab", refused=True, exact=False)
case("two writers of one file keep their order",
     Part("open('o.txt', 'w').write('1')", hidden="file:o.txt"), Part("open('o.txt', 'w').write('2')", hidden="file:o.txt"),
     Part("print(open('o.txt').read())", hidden="file:o.txt"), edges="ab bc", exact=False)

# --- randomness -------------------------------------------------------------------------------------------------------

case("a seeded NumPy", Part("import numpy as np\nnp.random.seed(0)", hidden="rng:numpy"),
     Part("a = np.random.rand()\nprint(a)", hidden="rng:numpy"), Part("b = np.random.rand()\nprint(b)", hidden="rng:numpy"), edges="ab bc")
case("a generator object advances", NUMPY,
     Part("rng = np.random.default_rng(0)", gives="rng"), Part("a = rng.normal()", "rng", "rng", "rng"),
     Part("b = rng.normal()\nprint(b)", "rng", "", "rng"), edges="ab bc")
case("a seeded random", Part("import random\nrandom.seed(1)", hidden="rng:random"),
     Part("x = random.random()\nprint(x)", hidden="rng:random"), Part("print(random.choice([1, 2, 3]))", hidden="rng:random"), edges="ab bc")
case("a seed in the imports cell", imports("import random\nrandom.seed(5)"),
     Part("print(random.random())", hidden="rng:random"), Part("print(random.random())", hidden="rng:random"), edges="ab")
case("a seed in the setup cell", setup("import numpy as np\nnp.random.seed(5)"),
     Part("print(np.random.rand())", hidden="rng:numpy"), Part("print(np.random.rand())", hidden="rng:numpy"), edges="ab")
case("never seeded: fresh entropy, no order", imports("import random"),
     Part("x = random.random()"), Part("y = random.random()"), edges="", runs=False)
case("a split draws unless it is told the state", imports("import numpy as np\nfrom sklearn.model_selection import train_test_split"),
     Part("np.random.seed(0)\nX = np.arange(8)", gives="X", hidden="rng:numpy"),
     Part("a, b = train_test_split(X)", "X", "a", hidden="rng:numpy"), Part("c, d = train_test_split(X, random_state=1)", "X", "c"),
     Part("print(a, c, np.random.rand())", "a c", hidden="rng:numpy"), edges="ab ac bd cd", exact=False)
case("an estimator without random_state draws", imports("import numpy as np\nfrom sklearn.ensemble import RandomForestClassifier"),
     Part("np.random.seed(0)\nX = np.arange(8.0).reshape(-1, 1)\ny = np.arange(8) % 2", gives="X y", hidden="rng:numpy"),
     Part("m = RandomForestClassifier(3).fit(X, y)", "X y", "m", hidden="rng:numpy"),
     Part("n = RandomForestClassifier(3, random_state=0).fit(X, y)", "X y", "n"),
     Part("print(m.predict(X), n.predict(X), np.random.rand())", "X m n", hidden="rng:numpy"), edges="ab ac bd cd", exact=False)
case("sample draws from NumPy", PANDAS,
     Part("import numpy as np\nnp.random.seed(2)\n" + FRAME, gives="df", hidden="rng:numpy"),
     Part("s = df.sample(2)", "df", "s", hidden="rng:numpy"), Part("print(s, np.random.rand())", "s", hidden="rng:numpy"), edges="ab bc", exact=False)
case("a function draws", functions("import random\ndef roll():\n    return random.randint(1, 6)"),
     Part("random.seed(4)", hidden="rng:random"), Part("print(roll())", hidden="rng:random"), Part("print(roll())", hidden="rng:random"), edges="ab bc")
case("a method of the distributions draws", imports("import numpy as np"),
     Part("np.random.seed(7)\nx = np.random.normal(size=3)", gives="x", hidden="rng:numpy"),
     Part("y = x + np.random.permutation(3)", "x", "y", hidden="rng:numpy"), Part("np.random.shuffle(y)\nprint(y)", "y", "", "y", hidden="rng:numpy"), edges="ab bc")
case("seeded in between", imports("import random"),
     Part("random.seed(1)\na = random.random()", gives="a"), Part("random.seed(1)\nb = random.random()", "", "b", hidden="rng:random"),
     Part("print(a == b, random.random())", "a b", hidden="rng:random"), edges="ac bc", exact=False)
case("a random state given as an object", imports("import numpy as np\nfrom sklearn.utils import shuffle"),
     Part("rs = np.random.RandomState(0)\nx = list(range(5))", gives="rs x"), Part("a = shuffle(x, random_state=rs)", "rs x", "a rs", "rs"),
     Part("print(a, rs.rand())", "a rs", "", "rs"), edges="ab bc")

# --- options and the process: replayed code or handed on ---------------------------------------------------

case("an option of pandas", PANDAS,
     Part("pd.set_option('display.max_columns', 2)\ndf = pd.DataFrame([[1, 2, 3, 4]])", gives="df"),
     Part("print(df)", "df"), edges="ab", exact=False)
case("an option set in the imports cell holds everywhere", imports("import pandas as pd\npd.set_option('display.max_rows', 4)"),
     Part("df = pd.DataFrame({'a': range(9)})", gives="df"), Part("print(df)", "df"), edges="ab")
case("print options of NumPy", NUMPY,
     Part("np.set_printoptions(precision=2)"), Part("print(np.array([1 / 3]))"), edges="", exact=False)
case("rcParams", imports("import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt"),
     Part("plt.rcParams['figure.dpi'] = 50"),
     Part("print(plt.rcParams['figure.dpi'])"), edges="", exact=False)
case("an open figure", Part("import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt\nplt.figure()"),
     Part("import matplotlib.pyplot as plt\nplt.plot([1, 2])"), Part("import matplotlib.pyplot as plt\nplt.savefig('p.png')"),
     edges="ab bc", exact=False, runs=False)
case("filters of warnings", imports("import warnings"),
     Part("warnings.simplefilter('error')"),
     Part("try:\n    warnings.warn('x')\n    r = 0\nexcept UserWarning:\n    r = 1\nprint(r)"), edges="", exact=False)
case("an environment variable", imports("import os"),
     Part("os.environ['MODE'] = 'fast'"), Part("print(os.environ['MODE'], os.getenv('MODE'))"), edges="", exact=False)
case("the working directory", imports("import os"),
     Part("os.makedirs('sub', exist_ok=True)\nos.chdir('sub')"), Part("print(os.path.basename(os.getcwd()))"), edges="", exact=False)
case("sys.path", imports("import sys"),
     Part("sys.path.insert(0, 'lib')"), Part("print('lib' in sys.path)"), edges="", exact=False)
case("decimal's context", imports("import decimal"),
     Part("decimal.getcontext().prec = 5"), Part("print(decimal.Decimal(1) / 3)"), edges="", exact=False)
case("an attribute of a module", imports("import json"),
     Part("json.my_setting = 3"), Part("print(json.my_setting)"), edges="", exact=False)
case("the history of the shell", Part("40 + 2"), Part("print(_ + 1)"), edges="", told="MLO024", exact=False, runs=False)
case("locale and recursion limit", imports("import sys"),
     Part("sys.setrecursionlimit(1234)"), Part("print(sys.getrecursionlimit())"), edges="", exact=False)

# --- magics and shell -------------------------------------------------------------------------------------------------

case("%%time is transparent",
     Part("%%time\nx = 1", gives="x"), Part("%time y = x + 1", "x", "y"), Part("print(y)", "y"), edges="ab bc", runs=False)
case("%%capture binds what it captured",
     Part("%%capture out\nx = 2\nprint(x)", gives="out x"), Part("print(out.stdout, x)", "out x"), edges="ab", runs=False)
case("%%timeit keeps its names to itself",
     Part("n = 3", gives="n"), Part("%%timeit\nm = n * 2", "n"), Part("print(n)", "n"), edges="ab ac", runs=False)
case("a shell command reads what it interpolates",
     Part("name = 'a b'", gives="name"), Part("!echo {name} $name", "name"), edges="ab", runs=False)
case("a shell command may write any file",
     Part("!echo hi > note.txt"), Part("print(open('note.txt').read())"), edges="ab", runs=False)
case("the output of a shell command is a variable",
     Part("files = !ls", gives="files"), Part("print(len(files))", "files"), edges="ab", runs=False)
case("%%bash reads nothing, and may write any file",
     Part("open('in.txt', 'w').write('x')"), Part("%%bash\ncat in.txt > out.txt"), Part("print(open('out.txt').read())"),
     edges="ab bc", exact=False, runs=False)
case("%env sets", Part("%env MODE=fast"), Part("import os\nprint(os.environ['MODE'])"), edges="", exact=False, runs=False)
case("%cd moves", Part("%cd /tmp", hidden="cwd"), Part("import os\nprint(os.getcwd())", hidden="cwd"), edges="ab", runs=False)
case("an unknown magic is a barrier, told",
     Part("x = [1]", gives="x"), Part("%frobnicate x", "x", "x", "x"), Part("print(x)", "x"), edges="ab bc", told="MLO020",
     exact=False, runs=False)
case("%pip install is no work", Part("%pip install nothing\nx = 1", gives="x"), Part("print(x)", "x"), edges="ab", runs=False)
case("%%writefile writes",
     Part("%%writefile conf.txt\nhello", hidden="file:conf.txt"), Part("print(open('conf.txt').read())", hidden="file:conf.txt"), edges="ab", runs=False)
case("%matplotlib inline is no work", Part("%matplotlib inline\nx = 1", gives="x"), Part("print(x)", "x"), edges="ab", runs=False)

# --- async ------------------------------------------------------------------------------------------------------------

case("await at the top", imports("import asyncio"),
     functions("async def fetch(sink):\n    await asyncio.sleep(0)\n    sink.append(1)\n    return len(sink)"),
     Part("sink = []", gives="sink"), Part("n = await fetch(sink)", "sink", "n sink", "sink"), Part("print(n, sink)", "n sink"),
     edges="ab bc", runs=False)
case("async for and async with at the top",
     functions("class Feed:\n    def __init__(self):\n        self.n = 0\n    async def __aenter__(self):\n        self.n += 1\n        return self\n"
               "    async def __aexit__(self, *a):\n        self.n += 1\n    async def __aiter__(self):\n        yield 1"),
     Part("feed = Feed()\nseen = []", gives="feed seen"),
     Part("async with feed as f:\n    async for x in f:\n        seen.append(x)", "feed seen", "feed seen", "feed seen"),
     Part("print(seen, feed.n)", "feed seen"), edges="ab bc", exact=False, runs=False)
case("gather runs what it is given", imports("import asyncio"),
     Part("log = []\nasync def job(i):\n    log.append(i)", gives="log"), Part("await asyncio.gather(job(1), job(2))", "log", "log", "log"),
     Part("print(log)", "log"), edges="ab bc", runs=False)

# --- parameters -------------------------------------------------------------------------------------------------------

case("a parameter is no edge", Part("rate = 2", tags="parameters"), Part("print(rate)"), Part("print(rate + 1)"), edges="")
case("a parameter reassigned is a value from there on", Part("rate = 2", tags="parameters"),
     Part("rate = rate * 10", gives="rate"), Part("print(rate)", "rate"), edges="ab")
case("a parameter changed in place", Part("cols = ['a']", tags="parameters"),
     Part("cols.append('b')", "", "cols"), Part("print(cols)", "cols"), edges="ab", exact=False)
case("a parameter with another name", Part("cols = ['a']", tags="parameters"),
     Part("same = cols\nsame.append('b')", "", "cols"), Part("print(cols)", "cols"), edges="ab", exact=False)
case("code in the parameters cell", Part("import os\nn = 3\nm = n * 2", tags="parameters"),
     Part("print(m)"), Part("print(n, m)"), edges="", exact=False)
case("a parameter that a function reads", Part("rate = 2", tags="parameters"), functions("def gross(x):\n    return x * rate"),
     Part("print(gross(1))"), Part("print(gross(2))"), edges="")
case("a parameter conditionally reassigned", Part("rate = 2", tags="parameters"),
     Part("if len('a') > 3:\n    rate = 9", "", "rate"), Part("print(rate)", "rate"), edges="ab", exact=False)
case("negative, annotated and list parameters", Part("a: int = -1\nb: list = [1]\nc = {'k': [None]}", tags="parameters"),
     Part("print(a, b, c)"), Part("print(c)"), edges="")

# --- replayed cells ---------------------------------------------------------------------------------------------------

case("data in a setup cell is made anew in each step", setup("sizes = [1, 2]"), Part("print(sizes)"), Part("print(len(sizes))"), edges="")
case("data of a setup cell that a step changes", setup("sizes = [1, 2]"), Part("sizes.append(3)", "", "sizes"), Part("print(sizes)", "sizes"),
     edges="ab", exact=False)
case("a functions cell with state", functions("cache = {}\ndef get(k):\n    return cache.setdefault(k, len(cache))"),
     Part("a = get('x')", "", "cache"), Part("print(get('y'))", "cache"), edges="ab", exact=False)
case("a setup cell that reads a parameter", Part("n = 3", tags="parameters"), setup("rows = list(range(n))"), Part("print(rows)"),
     Part("print(sum(rows))"), edges="")
case("a print in an imports cell happens once", imports("import json\nprint('ready')"), Part("print(json.dumps(1))"), Part("print(json.dumps(2))"),
     edges="", exact=False)
case("a setup cell below a step reads its value", Part("base = 2", gives="base"), setup("def scale(x):\n    return x * base\nfactor = base + 1"),
     Part("print(scale(1), factor)", "base"), Part("print(factor)", "base"), edges="ab ac", exact=False)
case("a logger made in setup", setup("import logging\nlog = logging.getLogger('x')"), Part("log.info('a')\nx = 1", gives="x"), Part("log.info('b')\nprint(x)", "x"),
     edges="ab", exact=False)
case("a lock in setup is made anew", setup("import threading\nlock = threading.Lock()"), Part("with lock:\n    x = 1", gives="x"),
     Part("with lock:\n    print(x)", "x"), edges="ab", exact=False)
case("a class in a functions cell with a registry", functions("plugins = {}\nclass Base:\n    def __init_subclass__(cls):\n        plugins[cls.__name__] = cls"),
     Part("class One(Base):\n    pass", "", "plugins"), Part("print(sorted(plugins))", "plugins"), edges="ab", exact=False)

# --- tags -------------------------------------------------------------------------------------------------------------

case("a skipped cell does not run", Part("x = 1", gives="x"), Part("x = 2", tags="skip"), Part("print(x)", "x"), edges="ab")
case("only a skipped cell defines it: told", Part("x = 1", tags="skip"), Part("print(x)"), Part("y = 1"), told="MLO012", runs=False)
case("after: orders without data", Part("x = 1"), Part("y = 2"), Part("print(3)", tags="step:late after:b"), edges="b>late")
case("a metrics cell is a step of its own", Part("acc = 0.5", gives="acc"), Part("accuracy = acc", tags="metrics"), edges="a>metrics", exact=False)
case("cells apart that can be joined", Part("x = 1", gives="x z", tags="step:one"), Part("y = 2", gives="y", tags="step:two"),
     Part("z = x + 1\nprint(z)", tags="step:one"), Part("print(x, y, z)", "x y z", tags="step:three"), edges="one>three two>three")
case("cells apart that can't be joined: told", Part("x = [1]", tags="step:one"), Part("x.append(2)", tags="step:two"), Part("print(x)", tags="step:one"),
     told="MLO004", runs=False, exact=False)
case("untagged cells join the step above", Part("x = 1", gives="y", tags="step:one"), Part("y = x + 1", tags=" "), Part("print(y)", "y", tags="step:two"), edges="one>two")
case("Kale's tags", Part("import math", tags="imports"), Part("x = 4", tags="block:load"), Part("y = math.sqrt(x)", tags="block:root prev:load"),
     Part("print(y)", tags="block:show prev:root"), edges="load>root root>show")
case("Kale's parameters", Part("n = 4", tags="pipeline-parameters"), Part("x = n + 1", tags="block:one"), Part("print(x, n)", tags="block:two prev:one"), edges="one>two")
case("a circle of after: told", Part("x = 1", tags="step:one after:two"), Part("y = x", tags="step:two"), told="MLO005", runs=False, exact=False)
