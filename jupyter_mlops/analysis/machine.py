"""The state that the abstract interpreter's parts share."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_mlops.analysis.effects import EffectTable
from jupyter_mlops.analysis.heap import Heap, Obj, Scope, Val
from jupyter_mlops.analysis.recorder import Recorder
from jupyter_mlops.diagnostics import Diagnostic, make
from jupyter_mlops.local_modules import LocalModule
from jupyter_mlops.notebook.model import Cell

__all__ = ["IMMUTABLE", "PLAIN_HOLDERS", "PURE_METHOD", "Environment", "Machine"]

IMMUTABLE = frozenset(
    {
        "int", "float", "complex", "str", "bool", "bytes", "NoneType", "range", "slice", "module", "builtin",
        "ellipsis",
    }
)  # fmt: skip
"""Types whose values can neither change nor refer to anything that can."""

PURE_METHOD = "pure method"
"""Type of a bound method that the effect table knows to be harmless."""

PLAIN_HOLDERS = ("numpy.", "pandas.", "polars.", "scipy.sparse")
"""Types of data that don't keep references to other objects unless the effect table says so."""

_BUDGET = 3_000_000
_STATEMENT = 30_000
_DEPTH = 12
_PYLAB = ("numpy.random", "numpy.linalg", "numpy.fft", "numpy", "matplotlib.pyplot")
_OF_IPYTHON = frozenset({"display", "get_ipython", "_"})
_MOST_OBJECTS = 12
_WORK = 150_000
_MUCH_WORK = 3_000_000


@dataclass(frozen=True, slots=True)
class Environment:
    """Facts about the environment that the notebook runs in, gathered by whoever calls the analysis.

    Args:
        stars: For modules imported with ``*``, the names they export.
        modules: Top-level modules that belong to the project, not to an installed distribution, as far as the
            notebook may use them.
    """

    stars: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    modules: Mapping[str, LocalModule] = field(default_factory=dict)


Evaluate = Callable[["Machine", ast.expr, "Scope | None"], Val]
Execute = Callable[["Machine", Sequence[ast.stmt], "Scope | None"], None]


class Machine:
    """Heap, recorder, effect table and limits of one analysis.

    The interpreter's parts need each other (a call executes a body, a body contains calls);
    the two entry points are handed in so that no module has to import one that imports it.
    """

    def __init__(self, effects: EffectTable, environment: Environment, evaluate: Evaluate, execute: Execute) -> None:
        self._evaluate = evaluate
        self._execute = execute
        self.heap = Heap()
        self.recorder = Recorder(self.heap)
        self.effects = effects
        self.environment = environment
        self._total = _BUDGET
        self._left = _STATEMENT
        self._worked = 0
        self.followed: dict[tuple[object, ...], Val] = {}
        self.context: tuple[int, ...] = ()
        self.active: list[int] = []
        self.conditional = 0
        self.barrier: str | None = None
        self.discarded: ast.AST | None = None
        self.diagnostics: dict[tuple[str, int, int, str], Diagnostic] = {}
        self.cells: dict[int, Cell] = {}
        self.skipped: dict[str, int] = {}
        self.unparsed = ""
        self.defined_later: dict[str, int] = {}
        self._sites: dict[tuple[int, tuple[int, ...], str | None], int] = {}
        self._nodes: list[ast.AST] = []
        self._hub_of: dict[int, int] = {}

    def evaluate(self, node: ast.expr, scope: Scope | None) -> Val:
        """The value of an expression."""
        return self._evaluate(self, node, scope)

    def execute(self, body: Sequence[ast.stmt], scope: Scope | None) -> None:
        """Execute statements of a function, a class or generated code."""
        self._execute(self, body, scope)

    # objects

    def alloc(self, node: ast.AST, type: str | None, refs: Iterable[int] = (), *, tag: str | None = None) -> Obj:
        """The object that this place in the code makes (the same one each time it is passed in a loop)."""
        key = (id(node), self.context, tag if tag is not None else type)
        number = self._sites.get(key)
        if number is None:
            obj = self.heap.new(type, self.recorder.time)
            obj.unpicklable = self._unpicklable(type)
            self._sites[key] = number = obj.number
            self._nodes.append(node)  # keeps the node, and so its id, alive
        self.heap.refer(number, refs, self.recorder.time)
        return self.heap[number]

    def _unpicklable(self, type: str | None) -> str | None:
        flags = self.effects.flags(type) if type is not None else ()
        return next((flag.partition(": ")[2] for flag in flags if flag.startswith("unpicklable")), None)

    def fresh(self, node: ast.AST, type: str | None, refs: Iterable[int] = ()) -> Val:
        """A new value of this type."""
        refs = frozenset(refs)
        if self.is_immutable(type) and not refs:
            return Val(type)
        return Val(type, frozenset({self.alloc(node, type, refs).number}))

    def fresh_tagged(self, node: ast.AST, type: str | None, tag: str) -> Val:
        """A new value of this type, one of several that the same place makes."""
        if self.is_immutable(type):
            return Val(type)
        obj = self.alloc(node, type, tag=tag)
        obj.opaque = True
        return Val(type, frozenset({obj.number}))

    def is_immutable(self, type: str | None) -> bool:
        """Tell whether values of this type never change."""
        if type is None:
            return False
        return type in IMMUTABLE or "immutable" in self.effects.flags(type)

    def follow_line(self, node: ast.stmt) -> None:
        """A statement of the cell itself begins: what happens now is on its line."""
        if node.lineno > self.recorder.statement.end_line or node.lineno < self.recorder.statement.line:
            return
        self.recorder.line = node.lineno

    def resolve(self, qual: str) -> str:
        """The name under which something is known that ``pylab`` exports once more."""
        module, _, name = qual.rpartition(".")
        if module not in ("pylab", "matplotlib.pylab"):
            return qual
        for origin in _PYLAB:
            found = f"{origin}.{name}"
            if self.effects.function(found) or self.effects.class_of(found) or self.effects.value(found):
                return found
        return qual

    def retain(self, nodes: Iterable[ast.AST]) -> None:
        """Keep generated syntax alive as long as the analysis: its ids name the objects it makes."""
        self._nodes.extend(nodes)

    def heap_refer_all(self, value: Val, others: Iterable[Val]) -> None:
        """Let a value refer to all others."""
        objs = [number for other in others for number in other.objs]
        for number in value.objs:
            self.heap.refer(number, objs, self.recorder.time)

    def parts(self, value: Val) -> frozenset[int]:
        """The objects a value may be or contain directly, functions and classes left out."""
        inner = {ref for number in value.objs if self._hub_of.get(number) != number for ref in self.heap[number].refs}
        inner = {number for number in inner if self.heap[number].function is None and self.heap[number].klass is None}
        own = {
            number for number in value.objs if self.heap[number].function is None and self.heap[number].klass is None
        }
        if len(own | inner) <= _MOST_OBJECTS:
            return frozenset(own | inner)
        return frozenset({self._hub(own | inner)})

    def bounded(self, objs: frozenset[int]) -> frozenset[int]:
        """Few objects that stand for many."""
        return objs if len(objs) <= _MOST_OBJECTS else frozenset({self._hub(objs)})

    def _hub(self, objs: Iterable[int]) -> int:
        """One object, connected with all of these in both directions, that stands for any of them.

        Objects that have been taken together once stay together: the work is linear in their number.
        """
        roots = sorted({self._root(self._hub_of[number]) for number in objs if number in self._hub_of})
        root = roots[0] if roots else self.heap.new(None, self.recorder.time).number
        self._hub_of.setdefault(root, root)
        for number in (*roots[1:], *(item for item in objs if item not in self._hub_of)):
            self.heap.refer(root, [number], self.recorder.time)
            self.heap.refer(number, [root], self.recorder.time)
            self._hub_of[number] = root
        return root

    def _root(self, number: int) -> int:
        while self._hub_of[number] != number:
            number = self._hub_of[number]
        return number

    def reach(self, values: Iterable[Val]) -> frozenset[int]:
        """All objects these values may lead to."""
        return self.heap.reach(obj for value in values for obj in value.objs)

    # limits

    def begin_statement(self) -> None:
        """A top-level statement begins: it gets a budget of its own, out of the notebook's."""
        self._total -= _STATEMENT - self._left
        self._left = min(_STATEMENT, max(self._total, 0))
        self._worked = self.heap.work
        self.followed = {}

    def tick(self) -> None:
        """Count one step of work."""
        self._left -= 1

    @property
    def exhausted(self) -> bool:
        """Whether the statement has used up its budget: calls are no longer followed."""
        limit = _WORK if self._worked < _MUCH_WORK else _WORK // 10
        return self._left <= 0 or self.heap.work - self._worked > limit

    def may_enter(self, function: int) -> bool:
        """Tell whether a call may be followed into the function."""
        return not self.exhausted and len(self.active) < _DEPTH and function not in self.active

    # problems

    def report(self, code: str, message: str, *, hint: str | None = None, soften: bool = False) -> None:
        """File a diagnostic at the current line, once."""
        recorder = self.recorder
        cell = self.cells.get(recorder.cell.index)
        item = make(code, message, cell=cell.id if cell else None, line=recorder.line, hint=hint)
        if soften and item.severity == "error":
            item = Diagnostic(item.code, "warning", item.message, item.cell, item.line, item.hint)
        self.diagnostics.setdefault((code, recorder.cell.index, recorder.line, message), item)

    def is_builtin(self, name: str) -> bool:
        """Tell whether Python defines this name by itself, whatever IPython has added in this process."""
        return name == "__IPYTHON__" or (name not in _OF_IPYTHON and hasattr(builtins, name))

    def lookup(self, scope: Scope | None, name: str) -> Val | None:
        """A local name's value; None if the name is not local."""
        while scope is not None:
            if name in scope.globals:
                return None
            if name in scope.names and name not in scope.nonlocals:
                return scope.names[name]
            scope = scope.parent
        return None
