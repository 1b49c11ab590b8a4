"""Functions, closures, decorators, generators."""

from __future__ import annotations

from casebook import FRAME, PANDAS, Part, case, functions, imports

__all__ = ["CASES"]

CASES = (
    # functions
    case(
        "a function reads a variable",
        Part("k = 3\ndef times(x):\n    return x * k", gives="k"),
        Part("y = times(2)", "k"),
        edges="ab",
    ),
    case(
        "free names are looked up when the function is called",
        Part("k = 1\ndef f():\n    return k"),
        Part("k = 2", gives="k"),
        Part("print(f())", "k"),
        edges="bc",
    ),
    case(
        "a function older than its variable",
        Part("def f():\n    return z"),
        Part("z = 5", gives="z"),
        Part("print(f())", "z"),
        edges="bc",
    ),
    case(
        "a function changes a variable",
        Part("log = []\ndef note(x):\n    log.append(x)", gives="log"),
        Part("note(1)", "log", "log", "log"),
        Part("print(log)", "log"),
        edges="ab bc",
    ),
    case(
        "a function changes its argument",
        PANDAS,
        Part(FRAME + "\ndef add(d):\n    d['zero'] = 0", gives="df"),
        Part("add(df)", "df", "df", "df"),
        Part("print(df.zero)", "df"),
        edges="ab bc",
    ),
    case(
        "a closure carries its value",
        Part("def adder(n):\n    def add(x):\n        return x + n\n    return add\nplus3 = adder(3)", gives="plus3"),
        Part("y = plus3(1)", "plus3", "y"),
        Part("print(y)", "y"),
        edges="ab bc",
    ),
    case(
        "a lambda reads a variable",
        Part("w = 2\nscale = lambda x: x * w", gives="scale w"),
        Part("y = scale(3)", "scale w"),
        edges="ab",
    ),
    case(
        "a counter in a closure advances",
        Part(
            "def counter():\n    n = 0\n    def step():\n        nonlocal n\n        n += 1\n        "
            "return n\n    return step\n"
            "tick = counter()",
            gives="tick",
        ),
        Part("tick()", "tick", "tick", "tick"),
        Part("print(tick())", "tick", "", "tick"),
        edges="ab bc",
    ),
    case(
        "two closures over one variable",
        Part(
            "def pair():\n    n = [0]\n    def up():\n        n[0] += 1\n    def get():\n        "
            "return n[0]\n    return up, get\n"
            "up, get = pair()",
            gives="up get",
        ),
        Part("up()", "up", "get", "up"),
        Part("print(get())", "get"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "global in a function binds the variable",
        Part("state = 0\ndef reset():\n    global state\n    state = 5"),
        Part("reset()", "", "state"),
        Part("print(state)", "state"),
        edges="bc",
        exact=False,
    ),
    case(
        "a global that only a function defines",
        Part("def build():\n    global table\n    table = [1]"),
        Part("build()", gives="table"),
        Part("print(table)", "table"),
        edges="bc",
    ),
    case(
        "closures over a loop variable",
        Part("fs = [lambda: i for i in range(3)]\nfor j in range(3):\n    g = lambda: j", gives="fs g j"),
        Part("print([f() for f in fs])", "fs"),
        Part("print(g())", "g j"),
        edges="ab ac",
        exact=False,
    ),
    case(
        "a default that is a list remembers",
        Part("def collect(x, seen=[]):\n    seen.append(x)\n    return seen"),
        Part("collect(1)", "", "collect"),
        Part("print(collect(2))", "collect"),
        edges="bc",
        exact=False,
    ),
    case(
        "a default is taken when the function is made",
        Part("k = 1\ndef f(x=k):\n    return x", gives="f"),
        Part("k = 2"),
        Part("print(f())", "f"),
        edges="ac",
        exact=False,
    ),
    case(
        "*args and **kwargs reach the variables",
        Part(
            "def fill(*rows, **named):\n    for r in rows:\n        r.append(0)\n    named['extra'].append(1)\n"
            "a, b, c = [], [], []",
            gives="a b c",
        ),
        Part("fill(a, *[b], **{'extra': c})", "a b c", "a b c", "a b c"),
        Part("print(a, b, c)", "a b c"),
        edges="ab bc",
    ),
    case(
        "a function given to map",
        Part("seen = []\ndef visit(x):\n    seen.append(x)\n    return x", gives="seen"),
        Part("out = list(map(visit, [1, 2]))", "seen", "seen out", "seen"),
        Part("print(seen, out)", "seen out"),
        edges="ab bc",
    ),
    case(
        "a function given to sorted as key",
        Part("weights = {'a': 2, 'b': 1}\ndef weight(x):\n    return weights[x]", gives="weights"),
        Part("order = sorted('ab', key=weight)", "weights", "order"),
        Part("print(order)", "order"),
        edges="ab bc",
    ),
    case(
        "a function given to apply reads",
        PANDAS,
        Part(FRAME + "\nrate = 2\ndef gross(x):\n    return x * rate", gives="df rate"),
        Part("g = df.price.apply(gross)", "df rate", "g"),
        Part("print(g)", "g"),
        edges="ab bc",
    ),
    case(
        "a function given to apply writes",
        PANDAS,
        Part(FRAME + "\nseen = []\ndef note(x):\n    seen.append(x)\n    return x", gives="df seen"),
        Part("df.price.apply(note)", "df seen", "seen", "seen"),
        Part("print(seen)", "seen"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "recursion that collects",
        Part("found = []\ndef walk(n):\n    if n:\n        found.append(n)\n        walk(n - 1)", gives="found"),
        Part("walk(3)", "found", "found", "found"),
        Part("print(found)", "found"),
        edges="ab bc",
    ),
    case(
        "recursion that changes its argument",
        Part(
            "def fill(t, n):\n    if n == 0:\n        t.append('leaf')\n        return\n    fill(t, n - 1)\ntree = []",
            gives="tree",
        ),
        Part("fill(tree, 2)", "tree", "tree", "tree"),
        Part("print(tree)", "tree"),
        edges="ab bc",
    ),
    case(
        "mutual recursion",
        Part(
            "log = []\ndef even(n):\n    log.append(n)\n    return n == 0 or odd(n - 1)\n"
            "def odd(n):\n    return n != 0 and even(n - 1)",
            gives="log",
        ),
        Part("r = even(4)", "log", "log r", "log"),
        Part("print(r, log)", "log r"),
        edges="ab bc",
    ),
    case(
        "partial binds an object",
        imports("from functools import partial"),
        Part("store = []\npush = partial(store.append)", gives="store push"),
        Part("push(1)", "push", "store", "push"),
        Part("print(store)", "store"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "lambdas in a dict",
        Part("factor = 3\nops = {'mul': lambda x: x * factor, 'neg': lambda x: -x}", gives="factor ops"),
        Part("print(ops['mul'](2))", "factor ops"),
        edges="ab",
    ),
    case(
        "a stored method changes its object",
        Part("rows = []\npush = rows.append", gives="rows push"),
        Part("push(1)", "push", "rows", "push"),
        Part("print(rows)", "rows"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "a decorator of the notebook that counts",
        Part(
            "calls = []\ndef counted(f):\n    def inner(*args):\n        calls.append(f.__name__)\n        "
            "return f(*args)\n    return inner\n"
            "@counted\ndef double(x):\n    return 2 * x",
            gives="calls",
        ),
        Part("print(double(2))", "calls", "calls", "calls"),
        Part("print(calls)", "calls"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "a decorator that registers",
        Part("registry = {}\ndef register(f):\n    registry[f.__name__] = f\n    return f", gives="registry"),
        Part("@register\ndef clean(x):\n    return x + 1", "registry", "registry", "registry"),
        Part("print(sorted(registry), registry['clean'](1))", "registry"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "a cached function",
        imports("from functools import lru_cache"),
        Part("base = 10\n@lru_cache\ndef slow(x):\n    return x + base", gives="base"),
        Part("print(slow(1))", "base"),
        Part("print(slow(2))", "base"),
        edges="ab ac",
        exact=False,
    ),
    case(
        "a generator function reads when it runs",
        Part("rows = [1, 2]\ndef each():\n    for r in rows:\n        yield r * 2", gives="rows"),
        Part("total = sum(each())", "rows", "total"),
        Part("print(total)", "total"),
        edges="ab bc",
    ),
    case(
        "a generator across a boundary is refused",
        Part("lines = (n for n in range(3))", gives="lines"),
        Part("first = next(lines)", "lines", "first lines", "lines"),
        Part("print(list(lines), first)", "first lines", "", "lines"),
        edges="ab bc",
        refused=True,
        exact=False,
    ),
    case(
        "a function of a function of a function",
        functions("def a1(d):\n    a2(d)\ndef a2(d):\n    a3(d)\ndef a3(d):\n    d['x'] = 1"),
        Part("d = {}", gives="d"),
        Part("a1(d)", "d", "d", "d"),
        Part("print(d)", "d"),
        edges="ab bc",
    ),
    case(
        "a function redefined later",
        Part("def f():\n    return 1"),
        Part("one = f()", gives="one"),
        Part("def f():\n    return 2"),
        Part("print(one, f())", "one"),
        edges="bd",
    ),
    case(
        "a function that uses a function redefined later",
        Part("def g():\n    return 1\ndef f():\n    return g()"),
        Part("def g():\n    return 2"),
        Part("print(f())"),
        edges="",
    ),
    case(
        "an attribute of a function",
        Part("def f():\n    f.calls += 1\n    return f.calls\nf.calls = 0", gives="f"),
        Part("f()", "f", "f", "f"),
        Part("print(f())", "f"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "reduce and filter call",
        imports("from functools import reduce"),
        Part("limit = 1\nkeep = lambda x: x > limit", gives="limit keep"),
        Part(
            "kept = list(filter(keep, [1, 2, 3]))\ntotal = reduce(lambda a, b: a + b + limit, kept)",
            "limit keep",
            "kept total",
        ),
        Part("print(kept, total)", "kept total"),
        edges="ab bc",
    ),
)
