"""Analyses a whole notebook: every code cell in order, every top-level statement in turn."""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache, lru_cache

from jupyter_mlops.analysis import configuring, hidden
from jupyter_mlops.analysis.effects import EffectTable
from jupyter_mlops.analysis.expressions import evaluate
from jupyter_mlops.analysis.heap import Val
from jupyter_mlops.analysis.machine import Environment, Machine
from jupyter_mlops.analysis.model import NotebookFacts
from jupyter_mlops.analysis.namespace import barrier
from jupyter_mlops.analysis.scoping import FUNCTIONS, binds, free_names
from jupyter_mlops.analysis.statements import execute, run_statement
from jupyter_mlops.diagnostics import make
from jupyter_mlops.notebook.model import Cell

__all__ = ["analyse", "parse_cell"]

_KEPT = 2048
"""Cells whose trees, and what they say by themselves, are remembered."""


def parse_cell(source: str) -> ast.Module:
    """Parse a cell's Python; top-level ``await`` is allowed.

    Raises:
        SyntaxError: The cell is not valid Python (also for input that Python refuses to parse for its size).
    """
    try:
        tree = compile(source, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise SyntaxError(str(error) or type(error).__name__) from error
    assert isinstance(tree, ast.Module)
    _compile(tree)
    return tree


@lru_cache(_KEPT)
def _tree(source: str, _occurrence: int) -> ast.Module:
    """``parse_cell``, remembered: who edits a notebook asks again and again, and one cell alone is another.

    Args:
        _occurrence: How many cells above have the same source. Equal cells have nodes of their own, since these tell
            what was made where.
    """
    return parse_cell(source)


@cache
def _effects() -> EffectTable:
    return EffectTable()


def _compile(tree: ast.Module) -> None:
    """Find what the parser lets pass and the compiler refuses: ``return`` outside of a function and the like."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(tree, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (ValueError, RecursionError, MemoryError, OverflowError):
        return  # too large for this compiler run; the kernel may well take it


def analyse(
    cells: Sequence[Cell], environment: Environment | None = None, *, skipped: Iterable[Cell] = ()
) -> NotebookFacts:
    """Find out what each cell defines, reads and changes.

    Args:
        cells: The code cells that run, in the order in which they run.
        environment: What is known of the environment they run in.
        skipped: Cells that don't run; only used to explain undefined names.
    """
    machine = Machine(_effects(), environment or Environment(), evaluate, execute)
    machine.cells = {cell.index: cell for cell in cells}
    seen: Counter[str] = Counter()
    trees = {cell.index: _parse(machine, cell, seen) for cell in cells}
    machine.unparsed = "\n".join(cell.source for cell in cells if trees[cell.index] is None)
    machine.skipped = _definitions(skipped, {cell.index: _quiet_parse(cell) for cell in skipped})
    machine.defined_later = _definitions(cells, trees)
    machine.recorder.last_mention = _last_mentions(cells, trees)
    for cell in cells:
        _analyse_cell(machine, cell, trees[cell.index])
    recorder = machine.recorder
    return NotebookFacts(
        recorder.cells, tuple(recorder.versions), machine.heap, recorder.times, tuple(machine.diagnostics.values())
    )


def _quiet_parse(cell: Cell) -> ast.Module | None:
    try:
        return parse_cell(cell.python.text if cell.python is not None else "")
    except SyntaxError:
        return None


def _parse(machine: Machine, cell: Cell, seen: Counter[str]) -> ast.Module | None:
    source = cell.python.text if cell.python is not None else ""
    seen[source] += 1
    try:
        return _tree(source, seen[source])
    except SyntaxError as error:
        line = error.lineno
        problem = (error.msg or "invalid syntax").rstrip(".")
        machine.diagnostics["MLO001", cell.index, line or 0, problem] = make(
            "MLO001",
            f"The cell is not valid Python: {problem}",
            cell=cell.id,
            line=line,
            hint="Mend the cell, or tag it `skip`.",
        )
        if "raises-exception" in cell.tags:  # it is meant to fail, and the kernel goes on after it
            key = ("MLO001", cell.index, line or 0, problem)
            machine.diagnostics[key] = replace(machine.diagnostics[key], severity="warning")
        return None


def _definitions(cells: Iterable[Cell], trees: dict[int, ast.Module | None]) -> dict[str, int]:
    found: dict[str, int] = {}
    for cell in cells:
        tree = trees[cell.index]
        for name in _bound(tree) if tree is not None else ():
            found.setdefault(name, cell.index)
    return found


@lru_cache(_KEPT)
def _bound(tree: ast.Module) -> tuple[str, ...]:
    return tuple(binds(tree.body))


@lru_cache(_KEPT)
def _mentions(tree: ast.Module) -> tuple[frozenset[str], frozenset[str]]:
    """Names in a cell's code, and those that its functions and classes use whenever they run."""
    at_once: set[str] = set()
    ever: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            at_once.add(node.id)
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            ever.update(free_names(node))
    return frozenset(at_once), frozenset(ever)


def _last_mentions(cells: Sequence[Cell], trees: dict[int, ast.Module | None]) -> dict[str, int]:
    """For each name, the time of the last cell that can use it: names in functions may be used whenever those run."""
    found: dict[str, int] = {}
    for time, cell in enumerate(cells, 1):
        tree = trees[cell.index]
        at_once, ever = _mentions(tree) if tree is not None else ((), ())
        if not _REACHES_ALL.isdisjoint(at_once):
            return {}
        for name in at_once:
            found[name] = max(found.get(name, 0), time)
        found.update(dict.fromkeys(ever, len(cells)))
        for item in (*cell.outputs, *cell.inputs):
            found[item.name] = len(cells)
        found.update(dict.fromkeys(cell.metric_names, len(cells)))
    return found


def _analyse_cell(machine: Machine, cell: Cell, tree: ast.Module | None) -> None:
    recorder = machine.recorder
    recorder.begin_cell(cell.index)
    if tree is None:
        recorder.cell.parsed = False
    else:
        before = dict(recorder.names)
        for ordinal, statement in enumerate(tree.body):
            machine.begin_statement()
            recorder.begin_statement(ordinal, _first_line(statement), statement.end_lineno or statement.lineno)
            if _shares_line(tree.body, ordinal):
                recorder.statement.segment = ast.get_source_segment(cell.python.text if cell.python else "", statement)
            if ordinal == 0:
                hidden.use_process_state(machine)
                _install(machine, cell)
            _run_guarded(machine, statement)
            imports = isinstance(statement, (ast.Import, ast.ImportFrom))
            recorder.end_statement(defines=_defines(machine, statement), imports=imports)
        if "raises-exception" in cell.tags and tree.body:
            recorder.join([before, dict(recorder.names)], "depends on where the cell raises")
    recorder.end_cell()


def _shares_line(body: Sequence[ast.stmt], ordinal: int) -> bool:
    """Tell whether another statement stands on a line of this one (``import a; a.seed(1)``)."""
    first, last = _first_line(body[ordinal]), body[ordinal].end_lineno
    before = ordinal > 0 and body[ordinal - 1].end_lineno == first
    return before or (ordinal + 1 < len(body) and _first_line(body[ordinal + 1]) == last)


def _install(machine: Machine, cell: Cell) -> None:
    """Packages that a step's cell installs are there for imports below it."""
    if cell.python is not None and cell.python.requirements and cell.role == "step":
        machine.recorder.once("installs packages")
        machine.recorder.touch("$packages", "installs packages", reads=False)


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(item.lineno for item in decorators)])


def _run_guarded(machine: Machine, statement: ast.stmt) -> None:
    """Run one statement; code too deeply nested to follow is taken for a barrier."""
    depth = (machine.conditional, len(machine.active), len(machine.recorder.via), machine.context)
    if isinstance(statement, ast.Expr) and not isinstance(statement.value, ast.Constant):
        _note_shown(machine, statement)
    try:
        run_statement(machine, statement, None)
    except RecursionError:
        machine.conditional, machine.context = depth[0], depth[3]
        del machine.active[depth[1] :]
        del machine.recorder.via[depth[2] :]
        machine.report(
            "MLO023", "The statement is nested too deeply to follow; it is assumed to read and change everything"
        )
        barrier(machine, "may be used by code that is nested too deeply to follow")
        for name in _shallow_names(statement):
            machine.recorder.bind(name, Val(), f"defines {name}")


def _shallow_names(statement: ast.stmt) -> list[str]:
    return [item.id for item in ast.walk(statement) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)]


def _note_shown(machine: Machine, statement: ast.Expr) -> None:
    """An expression shows something or acts: replaying it would do so again, unless it only sets options."""
    if not _only_configures(machine, statement.value):
        machine.recorder.once("shows or does something")


def _only_configures(machine: Machine, node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    parts: list[str] = []
    target: ast.expr = node.func
    while isinstance(target, (ast.Attribute, ast.Subscript)):
        parts.append(target.attr if isinstance(target, ast.Attribute) else "[]")
        target = target.value
    if isinstance(target, ast.Call) and _is_shell(target):
        return _configures_ipython(node, parts)
    if not isinstance(target, ast.Name):
        return False
    binding = machine.recorder.names.get(target.id)
    if binding is None or binding.value.qual is None:
        return False
    if binding.value.qual.startswith("get_ipython()"):
        return _configures_ipython(node, parts)
    if "[]" in parts:
        return False
    qual = ".".join([binding.value.qual, *reversed(parts)])
    if machine.effects.canonical(qual).rpartition(".")[0] in ("sys.path", "os.environ"):
        return True
    effect = machine.effects.function(qual)
    if effect is None:
        return configuring.configures(machine, qual)
    return bool(effect.sets) and not effect.draws and not effect.seeds


def _is_shell(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == "get_ipython"


def _configures_ipython(node: ast.Call, parts: Sequence[str]) -> bool:
    """Whether a call of one of IPython's own methods is there to set it up; ``parts`` begin with the last one."""
    if parts and parts[0] in ("run_line_magic", "magic"):
        return bool(node.args) and isinstance(node.args[0], ast.Constant) and node.args[0].value in CONFIGURING_MAGICS
    return len(parts) > 1 or (bool(parts) and parts[0].startswith(("set_", "register_", "enable_", "init_")))


_REACHES_ALL = frozenset({"exec", "eval", "globals", "locals", "vars", "get_ipython", "__import__"})
_UNSAVABLE = ("$imports", "$ipython", "$future", "$star:", "$module:", "$configured:", "$logging", "$recursion")
CONFIGURING_MAGICS = frozenset(
    {
        "matplotlib", "load_ext", "reload_ext", "autoreload", "config", "aimport", "env", "set_env", "precision",
        "xmode", "colors", "alias", "unalias", "alias_magic", "rehashx",
    }
)  # fmt: skip


def _defines(machine: Machine, node: ast.stmt) -> bool:
    """Tell whether a statement only defines code: imports, functions, classes, or options set to constants."""
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return True
    if isinstance(node, (ast.Try, ast.If)):
        inner = [item for item in ast.walk(node) if isinstance(item, (ast.Import, ast.ImportFrom))]
        return bool(inner) and all(_is_code_value(machine, number) for number in machine.recorder.statement.made)
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _is_shell(node.value):
        return True
    # what can't be saved is set again in each step: magics and stars; options set to constants in a cell that is
    # replayed are the slicer's business, those set in a step are handed on as state
    made = {machine.recorder.versions[number].name for number in machine.recorder.statement.made} - {"$backend"}
    return bool(made) and all(name.startswith(_UNSAVABLE) for name in made)


def _is_code_value(machine: Machine, number: int) -> bool:
    version = machine.recorder.versions[number]
    objs = version.objects
    if any(machine.heap[obj].function is None and machine.heap[obj].klass is None for obj in objs):
        return False
    return version.type in ("module", "type", "function", "builtin", "bool", "NoneType", "str", "int", None)
