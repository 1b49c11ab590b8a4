"""Random small notebooks: every statement runs, many of them share and change objects across cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

__all__ = ["notebooks"]

Draw = Callable[[st.SearchStrategy[Any]], Any]

IMPORTS = "import random\nimport os\nimport numpy as np\nimport pandas as pd"
NAMES = {
    "int": ("n", "m", "k"),
    "list": ("a", "b", "c"),
    "nested": ("grid", "table"),
    "dict": ("d", "e"),
    "set": ("s",),
    "array": ("x", "y", "v"),
    "frame": ("df", "other"),
    "box": ("p", "q"),
    "fun": ("f", "g"),
    "text": ("t",),
}
"""Variables by what they hold; a variable never changes its type, so that statements can be told to run."""

FUNCTIONS = (
    "def add_to(rows, item):\n    rows.append(item)\n    return rows",
    "def total(rows):\n    return sum(i if isinstance(i, int) else 1 for i in rows)",
    "def first(rows):\n    return rows[0] if rows else 0",
    "def note(item):\n    journal.append(item)\n    return len(journal)",
    "def scaled(value):\n    return value * factor",
    "def raise_factor():\n    global factor\n    factor += 1\n    return factor",
    "def remember(item, seen=[]):\n    seen.append(item)\n    return len(seen)",
    "def twice(function, value):\n    function(value)\n    return function(value)",
    "def counter():\n    count = 0\n    def step(by=1):\n        nonlocal count\n        count += by\n        return count\n    return step",
    "def share(rows):\n    return {'rows': rows, 'size': len(rows)}",
    "def each(rows):\n    for row in rows:\n        yield row",
    "def roll():\n    return random.randint(0, 9)",
    "def label(frame):\n    frame['mark'] = len(frame)\n    return frame",
)
CLASSES = (
    "class Box:\n    made = 0\n    def __init__(self, rows):\n        self.rows = rows\n        self.size = len(rows)\n"
    "    def put(self, item):\n        self.rows.append(item)\n        self.size += 1\n        return self\n"
    "    def count(self):\n        Box.made += 1\n        return Box.made\n"
    "    @property\n    def last(self):\n        return self.rows[-1] if self.rows else None\n"
    "    def __repr__(self):\n        return f'Box({self.rows})'",
)
STATE = "journal = []\nfactor = 2"

# what each statement needs, makes, and its text; {int} stands for a variable of that kind
MAKERS: dict[str, tuple[str, ...]] = {
    "int": ("{N}", "{int} + {N}", "len({list})", "total({list})", "note({int})", "scaled({int})", "raise_factor()",
            "remember({int})", "roll()", "random.randint(0, 9)", "int(np.random.randint(9))", "{box}.size", "{box}.count()",
            "{fun}({N})", "len({dict})", "int({array}.sum())", "len({nested}[0])", "int({frame}['u'].sum())", "len({set})",
            "len({text})", "sum(i for i in {list} if i > {N})", "max({list} or [0])", "twice(note, {int})", "twice({fun}, {N})",
            "({int} if {int} > {N} else {N})", "len(journal)", "factor"),
    "list": ("[]", "[{N}, {N}]", "{list}", "{list}[:]", "[i + {N} for i in {list}]", "add_to({list}, {int})", "{nested}[0]",
             "{box}.rows", "{dict}.setdefault('k', [{N}])", "sorted({list})", "list(each({list}))", "{list} + [{int}]",
             "share({list})['rows']", "{nested}[-1]", "list(map(note, {list}))", "random.sample(range(9), 3)",
             "[i for row in {nested} for i in row]", "list(reversed({list}))", "{frame}['u'].tolist()", "journal"),
    "nested": ("[[{N}], []]", "[{list}, {list}]", "[{list}]", "{nested}", "[row for row in {nested}]", "list({nested})",
               "[{list}] * 2", "[list(row) for row in {nested}]"),
    "dict": ("{{}}", "{{'k': {list}}}", "{dict}", "dict({dict})", "{{'k': [{N}], 'n': {list}}}", "{{str(i): [i] for i in {list}}}"),
    "set": ("set({list})", "{{{N}, {N}}}", "{set}", "{set} | {{{N}}}"),
    "array": ("np.arange(4)", "np.zeros(3, int)", "{array}", "{array}[1:]", "{array}[:2]", "{array}.copy()", "{array} + {N}",
              "{array}[::-1]", "{array}.reshape(-1)", "np.array({list} or [0])", "np.random.permutation(4)", "np.asarray({array})"),
    "frame": ("pd.DataFrame({{'u': [1, 2, 3]}})", "{frame}", "{frame}.copy()", "{frame}[{frame}['u'] > {N}]", "{frame}.assign(w={N})",
              "label({frame})", "{frame}.head(2)", "{frame}.reset_index(drop=True)", "pd.DataFrame({{'u': {list} or [0]}})"),
    "box": ("Box({list})", "{box}", "{box}.put({int})", "Box([{N}])", "Box({nested}[0])"),
    "fun": ("counter()", "{fun}", "lambda z=0: z + len({list})", "lambda z=0: note(z)", "(lambda rows: lambda z=0: len(rows) + z)({list})"),
    "text": ("'x'", "{text} + 'y'", "str({list})", "open('one.txt').read()", "repr({box})", "f'{{{int}}}'"),
}
ACTIONS = (
    "{list}.append({int})", "{list}.append({N})", "{list}.extend({list}[:2])", "{list}.insert(0, {N})", "{list} += [{N}]",
    "{list}.reverse()", "{list}.clear()", "{int} += {N}", "{int} -= len({list})", "{nested}[0].append({N})", "{nested}.append({list})",
    "{nested}[-1] += [{N}]", "{dict}['k'] = {list}", "{dict}.setdefault('k', []).append({N})", "{dict}.update(n={list})", "{dict}.pop('n', None)",
    "{set}.add({int})", "{set} |= {{{N}}}", "{array}[0] = {N}", "{array}[:] = {N}", "{array} += {N}", "{array}.sort()", "np.random.shuffle({array})",
    "{frame}['u'] = {N}", "{frame}['w'] = {frame}['u'] * {N}", "{frame}.loc[0, 'u'] = {N}", "label({frame})", "{box}.put({N})", "{box}.rows = {list}",
    "{box}.size += {N}", "{box}.extra = {list}", "Box.made += 1", "note({N})", "journal.append({list})", "{fun}({N})", "add_to({list}, {N})",
    "random.shuffle({list})", "add_to({nested}[0], {N})", "raise_factor()", "{box}.count()",
    "open('one.txt', 'w').write(str({int}))", "open('one.txt', 'a').write(str({list}))",
    "for i in range(2):\n    {list}.append(i)", "for row in {nested}:\n    row.append({N})", "for i, row in enumerate({nested}):\n    {dict}[str(i)] = row",
    "if {int} > {N}:\n    {list}.append({N})\nelse:\n    {list} = [{N}]", "if {int} > {N}:\n    {list} = {list}[:1]",
    "try:\n    {list}.append({dict}['k'][0])\nexcept (KeyError, IndexError):\n    {list}.append({N})",
    "try:\n    {int} = {list}[5]\nexcept IndexError:\n    {int} = {N}",
    "while len({list}) > 3:\n    {list}.pop()", "with open('two.txt', 'w') as handle:\n    handle.write(repr({list}))",
    "{list}, {list} = {list}, [{N}]", "{list}[:1] = [{N}]", "if (hit := {int}) > {N}:\n    {list}.append(hit)",
    "match {list}:\n    case [head, *rest]:\n        rest.append(head)\n        {list} = rest\n    case _:\n        pass",
    "random.seed({N})", "np.random.seed({N})", "del {list}[:1]", "{frame}.drop(columns='w', errors='ignore', inplace=True)",
    "for key, value in {dict}.items():\n    value.append({N})" , "[row.append({N}) for row in {nested}]",
)  # fmt: skip
SHOWN = ("{int}", "{list}", "{nested}", "{dict}", "{array}", "{frame}", "{box}", "{text}", "sorted({set})", "{fun}({N})", "journal", "factor",
         "{box}.last", "Box.made", "random.random()", "({array}.sum(), {list})", "len(open('one.txt').read())", "[f'{{i}}' for i in {list}]")


@dataclass
class _Writer:
    """Writes statements whose variables are bound."""

    draw: Draw
    bound: dict[str, list[str]] = field(default_factory=dict)

    def _fill(self, template: str) -> str | None:
        values: dict[str, Any] = {}
        out = ""
        while True:
            place = template.find("{")
            if place < 0:
                return out + template
            end = template.find("}", place)
            word = template[place + 1 : end]
            if template.startswith("{{", place):
                out, template = out + template[:place] + "{", template[place + 2 :]
                continue
            if word == "N":
                text = str(self.draw(st.integers(0, 4)))
            elif word in NAMES:
                if not self.bound.get(word):
                    return None
                text = self.draw(st.sampled_from(self.bound[word]))
            else:
                return None
            out, template = out + template[:place] + text, template[end + 1 :]
            del values
            values = {}

    def statement(self) -> str:
        """One more statement."""
        if self.draw(st.integers(0, 9)) < 5:
            kind = self.draw(st.sampled_from(sorted(NAMES)))
            text = self._expand(self.draw(st.sampled_from(MAKERS[kind])))
            if text is not None:
                name = self.draw(st.sampled_from(NAMES[kind]))
                self.bound[kind] = sorted({*self.bound.get(kind, ()), name})
                return f"{name} = {text}"
        text = self._expand(self.draw(st.sampled_from(ACTIONS)))
        return text if text is not None else f"note({self.draw(st.integers(0, 4))})"

    def shown(self) -> str:
        """An expression to end a cell with."""
        return self._expand(self.draw(st.sampled_from(SHOWN))) or "factor"

    def _expand(self, template: str) -> str | None:
        text = self._fill(template)
        return None if text is None else text.replace("}}", "}")


@st.composite
def notebooks(draw: Draw) -> list[tuple[str, str]]:
    """Tags and sources of a notebook that runs, or nearly always does."""
    writer = _Writer(draw, {"int": ["n"], "list": ["a"], "nested": ["grid"], "dict": ["d"], "box": ["p"], "fun": ["f"], "text": ["t"],
                            "array": ["x"], "frame": ["df"], "set": ["s"]})  # fmt: skip
    definitions = [*draw(st.permutations(FUNCTIONS)), *CLASSES]
    role = draw(st.sampled_from(["functions", "step:defs", "functions"]))
    cells = [("imports", IMPORTS), (role, "\n".join([STATE, *definitions]) if draw(st.booleans()) else "\n".join(definitions))]
    if "journal" not in cells[1][1].split("\n")[0]:
        cells.append((draw(st.sampled_from(["setup", "step:state", "step:state", "parameters"])), STATE))
    cells.append(("step:start", "random.seed(1)\nnp.random.seed(1)\nopen('one.txt', 'w').write('1')\nn = 1\na = [1, 2]\ngrid = [[1], a]\n"
                  "d = {'k': [3]}\np = Box([1])\nf = counter()\nt = 'x'\nx = np.arange(4)\ndf = pd.DataFrame({'u': [1, 2, 3]})\ns = {1}"))
    for number in range(draw(st.integers(2, 5))):
        lines = [writer.statement() for _ in range(draw(st.integers(1, 4)))]
        if draw(st.booleans()):
            lines.append(writer.shown())
        tag = "" if draw(st.integers(0, 5)) == 0 else f"step:s{number}"
        cells.append((tag, "\n".join(lines)))
    return cells
