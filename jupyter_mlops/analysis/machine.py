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
from jupyter_mlops.notebook.model import Cell

__all__ = ["IMMUTABLE", "PLAIN_HOLDERS", "Environment", "Machine"]

IMMUTABLE = frozenset(
    {
        "int", "float", "complex", "str", "bool", "bytes", "NoneType", "range", "slice", "module", "builtin",
        "ellipsis",
    }
)  # fmt: skip
"""Types whose values can neither change nor refer to anything that can."""

PLAIN_HOLDERS = ("numpy.", "pandas.", "polars.", "scipy.sparse")
"""Types of data that don't keep references to other objects unless the effect table says so."""

_BUDGET = 400_000
_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Environment:
    """Facts about the environment that the notebook runs in, gathered by whoever calls the analysis.

    Args:
        stars: For modules imported with ``*``, the names they export.
        local_modules: Top-level modules that belong to the project, not to an installed distribution.
    """

    stars: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    local_modules: frozenset[str] = frozenset()


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
        self.budget = _BUDGET
        self.context: tuple[int, ...] = ()
        self.active: list[int] = []
        self.conditional = 0
        self.barrier: str | None = None
        self.diagnostics: dict[tuple[str, int, int, str], Diagnostic] = {}
        self.cells: dict[int, Cell] = {}
        self.skipped: dict[str, int] = {}
        self.defined_later: dict[str, int] = {}
        self._sites: dict[tuple[int, tuple[int, ...], str | None], int] = {}
        self._nodes: list[ast.AST] = []

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
        found = set(value.objs)
        for number in value.objs:
            found.update(self.heap[number].refs)
        return frozenset(
            number for number in found if self.heap[number].function is None and self.heap[number].klass is None
        )

    def reach(self, values: Iterable[Val]) -> frozenset[int]:
        """All objects these values may lead to."""
        return self.heap.reach(obj for value in values for obj in value.objs)

    # limits

    def tick(self) -> bool:
        """Count one step of work; False when the budget is spent."""
        self.budget -= 1
        return self.budget > 0

    def may_enter(self, function: int) -> bool:
        """Tell whether a call may be followed into the function."""
        return self.budget > 0 and len(self.active) < _DEPTH and function not in self.active

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
        """Tell whether Python defines this name by itself."""
        return hasattr(builtins, name)

    def lookup(self, scope: Scope | None, name: str) -> Val | None:
        """A local name's value; None if the name is not local."""
        while scope is not None:
            if name in scope.globals:
                return None
            if name in scope.names and name not in scope.nonlocals:
                return scope.names[name]
            scope = scope.parent
        return None
