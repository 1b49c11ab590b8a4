"""What the source of a project's own modules tells: the state it keeps, the files and the libraries it touches."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

__all__ = ["LocalModule", "Touched", "look_at", "with_their_imports"]

_FILE_WORDS = (
    "open", "write", "read", "save", "load", "dump", "to_", "unlink", "remove", "mkdir", "rename", "touch", "copy2",
    "savefig", "Path", "subprocess", "shutil", "tempfile", "sqlite3", "os", "glob", "pathlib", "joblib", "pickle",
)  # fmt: skip
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_Aliases = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Touched:
    """Qualified names of other modules' things that a piece of code calls or stores into."""

    calls: frozenset[str] = frozenset()
    stores: frozenset[str] = frozenset()

    def __or__(self, other: Touched) -> Touched:
        return Touched(self.calls | other.calls, self.stores | other.stores)


@dataclass(frozen=True, slots=True)
class LocalModule:
    """A module of the project.

    Args:
        keeps_state: Its functions change variables of the module, so that calls depend on earlier ones.
        touches_files: It has names that speak of files; without any, calling it touches none.
        on_import: What importing it does.
        ever: What any of its code does.
        imports: Top-level modules that it imports.
        lends: Its functions return variables of the module, so that changing a result changes the module.
    """

    keeps_state: bool = True
    touches_files: bool = True
    on_import: Touched = field(default_factory=Touched)
    ever: Touched = field(default_factory=Touched)
    imports: frozenset[str] = frozenset()
    lends: bool = True


def look_at(path: Path) -> LocalModule:
    """Read a module's source, or all sources of a package; the worst is assumed of what can't be read."""
    sources = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    try:
        return _looked_at(tuple((source, *_stamp(source)) for source in sources))
    except OSError:
        return LocalModule()


def _stamp(source: Path) -> tuple[int, int, int]:
    found = source.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


@lru_cache(512)
def _looked_at(sources: tuple[tuple[Path, int, int, int], ...]) -> LocalModule:
    """What sources tell, remembered until one of the files is another."""
    try:
        trees = [ast.parse(source.read_text(encoding="utf-8")) for source, *_ in sources]
    except (OSError, SyntaxError, ValueError, RecursionError):
        return LocalModule()
    aliases = [_aliases(tree) for tree in trees]
    ever = [_touched(ast.walk(tree), names) for tree, names in zip(trees, aliases, strict=True)]
    at_once = [
        every if _calls_itself(tree) else _touched(_run_on_import(tree), names)
        for tree, names, every in zip(trees, aliases, ever, strict=True)
    ]
    return LocalModule(
        any(map(_keeps_state, trees)),
        any(map(_touches_files, trees)),
        _together(at_once),
        _together(ever),
        frozenset(name.partition(".")[0] for names in aliases for name in names.values()),
        any(map(_lends, trees)),
    )


def with_their_imports(modules: Mapping[str, LocalModule]) -> dict[str, LocalModule]:
    """Count what the project's modules do to each other: importing or calling one does the same to all it imports."""
    return {name: _joined([modules[item] for item in _reached(name, modules)]) for name in modules}


def _reached(name: str, modules: Mapping[str, LocalModule]) -> list[str]:
    found = [name]
    for item in found:
        found += [other for other in sorted(modules[item].imports & modules.keys()) if other not in found]
    return found


def _joined(modules: list[LocalModule]) -> LocalModule:
    return replace(
        modules[0],
        keeps_state=any(item.keeps_state for item in modules),
        touches_files=any(item.touches_files for item in modules),
        on_import=_together(item.on_import for item in modules),
        ever=_together(item.ever for item in modules),
        lends=any(item.lends for item in modules),
    )


def _together(parts: Iterable[Touched]) -> Touched:
    found = Touched()
    for part in parts:
        found |= part
    return found


# state of its own


def _keeps_state(tree: ast.Module) -> bool:
    variables = {name for node in tree.body for name in _assigned(node)}
    for function in (node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS)):
        for node in ast.walk(function):
            if isinstance(node, ast.Global) or _changes(node) & variables:
                return True
    return False


def _lends(tree: ast.Module) -> bool:
    variables = {name for node in tree.body if not isinstance(node, ast.ClassDef) for name in _assigned(node)}
    returned = (node.value for node in ast.walk(tree) if isinstance(node, (ast.Return, ast.Yield)))
    return any(_root(value) in variables for value in returned if value is not None)


def _assigned(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For, ast.With, ast.If, ast.Try)):
        for item in ast.walk(node):
            if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
                yield item.id
    elif isinstance(node, ast.ClassDef):
        yield node.name


def _changes(node: ast.AST) -> set[str]:
    """Variables that a piece of code may change in place."""
    if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
        return {_root(node)}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return {_root(node.func)}
    if isinstance(node, ast.Call):
        return {item.id for item in node.args if isinstance(item, ast.Name)}
    return set()


def _root(node: ast.expr) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


# files


def _touches_files(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        names = [getattr(node, "id", ""), getattr(node, "attr", "")]
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [part for item in node.names for part in item.name.split(".")]
            names += (getattr(node, "module", None) or "").split(".")
        if any(name.startswith(_FILE_WORDS) for name in names if name):
            return True
    return False


# other modules' things


def _aliases(tree: ast.Module) -> dict[str, str]:
    """What the names that it imports stand for."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                top = item.name.partition(".")[0]
                found[item.asname or top] = item.name if item.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.update((item.asname or item.name, f"{node.module}.{item.name}") for item in node.names)
    return found


def _touched(nodes: Iterable[ast.AST], aliases: _Aliases) -> Touched:
    calls, stores = set(), set()
    for node in nodes:
        if isinstance(node, ast.Call):
            calls.add(_qualified(node.func, aliases))
        elif isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            stores.add(_qualified(node, aliases))
    return Touched(frozenset(calls - {""}), frozenset(stores - {""}))


def _qualified(node: ast.expr, aliases: _Aliases) -> str:
    """The qualified name of what stands there, items left out; empty if it is not imported."""
    parts: list[str] = []
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in aliases:
        return ""
    return ".".join([aliases[node.id], *reversed(parts)])


def _run_on_import(tree: ast.Module) -> Iterator[ast.AST]:
    """All code but the bodies of functions and what runs as a script alone."""
    todo: list[ast.AST] = [node for node in tree.body if not _is_for_scripts(node)]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, _FUNCTIONS):
            todo += [*getattr(node, "decorator_list", ()), *ast.iter_child_nodes(node.args)]
        else:
            todo += ast.iter_child_nodes(node)


def _is_for_scripts(node: ast.stmt) -> bool:
    names = {item.id for item in ast.walk(node.test) if isinstance(item, ast.Name)} if isinstance(node, ast.If) else ()
    return "__name__" in names


def _calls_itself(tree: ast.Module) -> bool:
    """Tell whether importing it calls functions that it defines or that another module of the project may define."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    calls = (node for node in _run_on_import(tree) if isinstance(node, ast.Call))
    return any(isinstance(node.func, ast.Name) and node.func.id in own for node in calls)
