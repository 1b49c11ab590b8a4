"""What each cell is, by its code: imports, definitions, literals, metrics; and what stage of the work it does."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from jupyter_mlops.analysis.interpreter import parse_cell
from jupyter_mlops.analysis.model import CellFacts, NotebookFacts
from jupyter_mlops.notebook.model import Cell

__all__ = ["Call", "CellCode", "Stage", "read_code"]

Stage = Literal["load", "prepare", "split", "train", "predict", "evaluate", "save", "explore", "compute"]

_SPLITS = frozenset({"train_test_split", "random_split", "temporal_train_test_split"})
_TRAINS = frozenset({"cross_val_score", "cross_validate", "cross_val_predict"})
_SAVES = frozenset({
    "dump", "save", "save_model", "save_pretrained", "savetxt", "savez", "savez_compressed", "to_csv", "to_excel",
    "to_feather", "to_hdf", "to_json", "to_parquet", "to_pickle", "to_sql", "write_bytes", "write_text",
})  # fmt: skip
_TRANSFORMERS = frozenset({
    "compose", "decomposition", "feature_extraction", "feature_selection", "impute", "kernel_approximation",
    "manifold", "preprocessing", "random_projection",
})  # fmt: skip
_LOADERS = ("read", "load", "fetch", "download", "get")
_MODULES_THAT_LOAD = ("sklearn.datasets.", "seaborn.load_dataset", "numpy.load", "numpy.genfromtxt")


@dataclass(frozen=True, slots=True)
class Call:
    """A call in a cell.

    Args:
        name: Its last part, such as ``fit``.
        qual: What is called, as far as it is known: ``sklearn.svm.SVC.fit``; empty if unknown.
        own: Whether it is a function of the notebook.
        method: Whether it is called on a value.
        on: The name of that value.
    """

    name: str
    qual: str
    own: bool = False
    method: bool = False
    on: str = ""


@dataclass(frozen=True, slots=True)
class CellCode:
    """One cell's code.

    Args:
        kinds: Of its top-level statements: ``import``, ``define``, ``option``, ``literal``, ``nothing``,
            ``show``, ``loop``, ``work``.
        calls: Outside of functions that it defines.
        bound: Values assigned to names at the top level; the last value of each name.
        comment: What its first line says, if that is a comment.
    """

    kinds: tuple[str, ...]
    calls: tuple[Call, ...]
    bound: Mapping[str, ast.expr]
    comment: str | None
    parsed: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether nothing happens in it."""
        return all(kind == "nothing" for kind in self.kinds)

    @property
    def is_trivial(self) -> bool:
        """Whether it is no work of its own: literals, something shown."""
        return self.parsed and not {"work", "loop"}.intersection(self.kinds)

    def only(self, *kinds: str) -> bool:
        """Whether it has the first kind, and nothing but these kinds."""
        return kinds[0] in self.kinds and set(self.kinds) <= {*kinds, "nothing"}

    @property
    def trained(self) -> str | None:
        """The name of the first thing that it trains."""
        for name, value in self.bound.items():
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "fit":
                return name
        return next((call.on for call in self.calls if call.on and _is_training(call)), None)

    def stage(self, facts: CellFacts) -> Stage:
        """What the calls say about the cell's part in the work; ``compute`` if they say nothing."""
        if any(_is_training(call) for call in self.calls):
            return "train"
        if any(call.name in _SPLITS or _verb(call, "split") for call in self.calls):
            return "split"
        if any(_is_loading(call) for call in self.calls):
            return "load"
        if any(_is_evaluating(call) for call in self.calls):
            return "evaluate"
        if any(_is_predicting(call) for call in self.calls):
            return "predict"
        if facts.files_written or any(call.name in _SAVES and not call.own for call in self.calls):
            return "save"
        return "prepare" if any(_transforms(call) for call in self.calls) else "compute"


def _verb(call: Call, *verbs: str) -> bool:
    """Whether the name of one of the notebook's functions begins with one of these words."""
    return call.own and call.name.lower().lstrip("_").split("_")[0] in verbs


def _is_training(call: Call) -> bool:
    if call.name in _TRAINS or _verb(call, "train", "fit", "tune"):
        return True
    return call.method and call.name in ("fit", "partial_fit") and not _transforms(call)


def _transforms(call: Call) -> bool:
    parts = call.qual.split(".")
    return parts[0] == "sklearn" and len(parts) > 1 and parts[1] in _TRANSFORMERS


def _is_loading(call: Call) -> bool:
    if _verb(call, *_LOADERS):
        return True
    first = call.name.split("_")[0]
    if call.qual.startswith(_MODULES_THAT_LOAD):
        return True
    return not call.method and first in ("read", "load", "fetch") and bool(call.qual)


def _is_evaluating(call: Call) -> bool:
    if call.qual.startswith("sklearn.metrics.") or _verb(call, "evaluate", "score"):
        return True
    return call.method and call.name in ("score", "evaluate")


def _is_predicting(call: Call) -> bool:
    return (call.method and call.name in ("predict", "predict_proba")) or _verb(call, "predict")


# --- reading ----------------------------------------------------------------------------------------------------------


def read_code(cells: Sequence[Cell], facts: NotebookFacts) -> dict[int, CellCode]:
    """Read all code cells.

    Returns:
        By the cell's index.
    """
    trees = {cell.index: _tree(cell) for cell in cells}
    modules = [tree for tree in trees.values() if tree is not None]
    names = _Names(modules, facts)
    return {cell.index: _read(cell, trees[cell.index], facts.cells[cell.index], names) for cell in cells}


def _tree(cell: Cell) -> ast.Module | None:
    try:
        return parse_cell(cell.python.text if cell.python is not None else "")
    except SyntaxError:
        return None


def _read(cell: Cell, tree: ast.Module | None, facts: CellFacts, names: _Names) -> CellCode:
    if tree is None:
        return CellCode(("work",), (), {}, None, parsed=False)
    kinds = tuple(
        _kind(node, facts.statements[place].defines if place < len(facts.statements) else False, names)
        for place, node in enumerate(tree.body)
    )
    calls = tuple(dict.fromkeys(names.call(node) for item in tree.body for node in _calls(item)))
    return CellCode(kinds, calls, dict(_bound(tree.body)), _comment(cell.source))


def _kind(node: ast.stmt, defines: bool, names: _Names) -> str:
    if _is_import(node):
        return "import"
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return "define"
    if isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return "nothing"
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        return "literal" if _is_literal(node) else "work"
    if isinstance(node, (ast.Try, ast.If)) and any(
        isinstance(item, (ast.Import, ast.ImportFrom)) for item in node.body
    ):
        return "import" if defines else "work"
    if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
        return "loop"
    if isinstance(node, ast.Assert):
        return "show"
    if defines or (isinstance(node, ast.Expr) and names.is_option(node.value)):
        return "option"
    return "show" if isinstance(node, ast.Expr) and _only_shows(node.value) else "work"


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, (ast.Import, ast.ImportFrom))


def _is_literal(node: ast.Assign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if node.value is None or not all(isinstance(item, ast.Name) for item in targets):
        return False
    try:
        ast.literal_eval(node.value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


_SHOWN = frozenset({"head", "tail", "describe", "info", "sample", "value_counts", "nunique", "isna", "isnull", "sum"})


def _only_shows(node: ast.expr) -> bool:
    """A name, an attribute or a short look at it: ``df``, ``df.shape``, ``df.head()``, ``print(x)``."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name):
            return node.func.id in ("print", "display", "len", "type") and all(map(_only_shows, node.args))
        return isinstance(node.func, ast.Attribute) and node.func.attr in _SHOWN and _only_shows(node.func.value)
    if isinstance(node, ast.Attribute):
        return _only_shows(node.value)
    if isinstance(node, ast.Subscript):
        return _only_shows(node.value)
    if isinstance(node, (ast.Tuple, ast.List)):
        return all(map(_only_shows, node.elts))
    return isinstance(node, (ast.Name, ast.Constant, ast.JoinedStr))


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """The calls in a statement, in the order of the page, without those in functions that it defines."""
    todo: list[ast.AST] = [node]
    while todo:
        item = todo.pop()
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if isinstance(item, ast.Call):
            yield item
        todo += reversed(list(ast.iter_child_nodes(item)))


def _bound(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for node in body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _pairs(target, node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield from _pairs(node.target, node.value)


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, (ast.Tuple, ast.List)):
        values = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
        matched = values if len(values) == len(target.elts) else [value] * len(target.elts)
        for item, part in zip(target.elts, matched, strict=True):
            yield from _pairs(item, part)


def _comment(source: str) -> str | None:
    first = next((line.strip() for line in source.splitlines() if line.strip()), "")
    text = first.lstrip("#").strip("=-# \t") if first.startswith("#") else ""
    return text or None


class _Names:
    """What names stand for, as far as imports, constructors and the analysis tell."""

    def __init__(self, trees: Iterable[ast.Module], facts: NotebookFacts) -> None:
        self.imported: dict[str, str] = {}
        self.own: set[str] = set()
        self.types: dict[str, str] = {}
        for tree in trees:
            for node in ast.walk(tree):
                self._note(node)
        for version in facts.versions:
            if version.type is not None and "." in version.type:
                self.types[version.name] = version.type

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for item in node.names:
                self.imported[item.asname or item.name.partition(".")[0]] = (
                    item.name if item.asname else item.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module:
            for item in node.names:
                self.imported[item.asname or item.name] = f"{node.module}.{item.name}"
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self.own.add(node.name)

    def call(self, node: ast.Call) -> Call:
        """What is called."""
        if isinstance(node.func, ast.Name):
            name = node.func.id
            return Call(name, self.imported.get(name, ""), own=name in self.own)
        if not isinstance(node.func, ast.Attribute):
            return Call("", "")
        module = self._dotted(node.func)
        if module is not None:
            return Call(node.func.attr, module)
        receiver = self._type(node.func.value)
        on = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
        return Call(node.func.attr, f"{receiver}.{node.func.attr}" if receiver else "", method=True, on=on)

    def is_option(self, node: ast.expr) -> bool:
        """Whether an expression sets an option, a seed or a magic's setting: things that stand beside imports."""
        if not isinstance(node, ast.Call):
            return False
        called = self.call(node)
        last = called.qual.rpartition(".")[2]
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
            inner = node.func.value.func
            return isinstance(inner, ast.Name) and inner.id == "get_ipython" and node.func.attr == "run_line_magic"
        if called.method or not called.qual:
            return False
        return last in (
            "seed",
            "manual_seed",
            "set_seed",
            "filterwarnings",
            "simplefilter",
            "use",
            "set_option",
            "rc",
        ) or (last.startswith("set_") or called.qual in ("seaborn.set", "matplotlib.rc", "logging.basicConfig"))

    def _dotted(self, node: ast.expr) -> str | None:
        """The qualified name, if the expression leads through modules only."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.imported:
            return None
        return ".".join([self.imported[node.id], *reversed(parts)])

    def _type(self, node: ast.expr) -> str:
        """The type of a value, or what it was constructed with."""
        if isinstance(node, ast.Name):
            return self.types.get(node.id, "")
        return self.call(node).qual if isinstance(node, ast.Call) else ""
