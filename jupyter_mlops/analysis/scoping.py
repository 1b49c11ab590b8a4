"""Which names a piece of syntax binds, and which it takes from outside."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache

__all__ = ["FUNCTIONS", "FunctionNode", "binds", "declared", "free_names", "is_generator", "local_names", "parameters"]

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_KEPT = 4096
"""Functions and classes of which is remembered what they say by themselves: nodes are never changed."""
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def parameters(node: FunctionNode) -> list[str]:
    """Names of a function's parameters."""
    spec = node.args
    every = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]
    every += [item for item in (spec.vararg, spec.kwarg) if item is not None]
    return [item.arg for item in every]


def _body(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.Lambda):
        return [node.body]
    return list(getattr(node, "body", [node]))


def _walk(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes of one scope: nested functions, classes and lambdas are yielded but not entered."""
    todo = list(nodes)
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, _SCOPES):
            todo.extend(_evaluated_here(node))
        else:
            todo.extend(ast.iter_child_nodes(node))


def _evaluated_here(node: ast.AST) -> list[ast.AST]:
    """The parts of a function or class that are evaluated where it is defined."""
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *node.keywords]
    spec = node.args  # type: ignore[attr-defined]
    parts = [*spec.defaults, *(item for item in spec.kw_defaults if item is not None)]
    parts += getattr(node, "decorator_list", [])
    arguments = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg]
    parts += [item.annotation for item in arguments if item is not None and item.annotation is not None]
    returns = getattr(node, "returns", None)
    return parts + ([returns] if returns is not None else [])


def _bound_by(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
        return [node.id]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [(item.asname or item.name.partition(".")[0]) for item in node.names if item.name != "*"]
    if isinstance(node, ast.ExceptHandler) and node.name:
        return [node.name]
    if isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
        return [node.name]
    if isinstance(node, ast.MatchMapping) and node.rest:
        return [node.rest]
    return []


def _comprehension_targets(nodes: Iterable[ast.AST]) -> set[int]:
    """Ids of the Name nodes that are targets of comprehensions (they have a scope of their own)."""
    found: set[int] = set()
    for node in nodes:
        if isinstance(node, _COMPREHENSIONS):
            for generator in node.generators:
                found.update(id(item) for item in ast.walk(generator.target))
    return found


def binds(nodes: Iterable[ast.AST]) -> list[str]:
    """Names bound by these statements in their own scope, in no particular order, each once."""
    every = list(_walk(nodes))
    private = _comprehension_targets(every)
    return list(dict.fromkeys(name for node in every if id(node) not in private for name in _bound_by(node)))


@lru_cache(_KEPT)
def declared(node: ast.AST, kind: type[ast.Global] | type[ast.Nonlocal]) -> frozenset[str]:
    """Names that a function declares ``global`` or ``nonlocal``."""
    return frozenset(name for item in _walk(_body(node)) if isinstance(item, kind) for name in item.names)


@lru_cache(_KEPT)
def local_names(node: FunctionNode) -> frozenset[str]:
    """Local variables of a function, parameters included."""
    bound = {*parameters(node), *binds(_body(node))}
    return frozenset(bound - declared(node, ast.Global) - declared(node, ast.Nonlocal))


@lru_cache(_KEPT)
def is_generator(node: FunctionNode) -> bool:
    """Tell whether calling the function makes a generator."""
    return any(isinstance(item, (ast.Yield, ast.YieldFrom)) for item in _walk(_body(node)))


@lru_cache(_KEPT)
def free_names(node: ast.AST) -> frozenset[str]:
    """Names that a function or class reads from outside, now or when it is called (nested functions included)."""
    found: set[str] = set()
    todo: list[tuple[ast.AST, frozenset[str]]] = [(node, frozenset())]
    while todo:
        item, local = todo.pop()
        if isinstance(item, ast.Name):
            if item.id not in local:
                found.add(item.id)
            continue
        if isinstance(item, FUNCTIONS):
            todo.extend((part, local) for part in _evaluated_here(item))
            hidden = (local | local_names(item)) - declared(item, ast.Global)
            todo.extend((part, hidden) for part in _body(item))
            continue
        if isinstance(item, _COMPREHENSIONS):
            local |= {
                part.id
                for generator in item.generators
                for part in ast.walk(generator.target)
                if isinstance(part, ast.Name)
            }
        # names of a class body are invisible to its methods, so that they count as free
        todo.extend((part, local) for part in ast.iter_child_nodes(item))
    return frozenset(found)
