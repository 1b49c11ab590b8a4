"""Patterns of ``match`` statements."""

from __future__ import annotations

import ast

from jupyter_mlops.analysis import library
from jupyter_mlops.analysis.heap import Scope, Val
from jupyter_mlops.analysis.machine import Machine
from jupyter_mlops.analysis.targets import bind_name

__all__ = ["bind_pattern"]


def bind_pattern(machine: Machine, pattern: ast.pattern, subject: Val, scope: Scope | None) -> None:
    """Bind the names that a pattern captures."""
    if isinstance(pattern, ast.MatchValue):
        machine.evaluate(pattern.value, scope)
    elif isinstance(pattern, ast.MatchAs):
        if pattern.pattern is not None:
            bind_pattern(machine, pattern.pattern, subject, scope)
        if pattern.name is not None:
            bind_name(machine, pattern.name, subject, scope, f"captures {pattern.name}")
    elif isinstance(pattern, ast.MatchStar):
        if pattern.name is not None:
            rest = machine.alloc(pattern, "list", subject.objs)
            rest.items = subject
            bind_name(machine, pattern.name, Val("list", frozenset({rest.number})), scope, f"captures {pattern.name}")
    elif isinstance(pattern, ast.MatchOr):
        for part in pattern.patterns:
            bind_pattern(machine, part, subject, scope)
    elif isinstance(pattern, ast.MatchSequence):
        item = library.items_of(machine, subject, pattern)
        for part in pattern.patterns:
            bind_pattern(machine, part, item, scope)
    else:
        _bind_parts(machine, pattern, subject, scope)


def _bind_parts(machine: Machine, pattern: ast.pattern, subject: Val, scope: Scope | None) -> None:
    part_of = Val(None, machine.reach([subject]))
    if isinstance(pattern, ast.MatchMapping):
        for key in pattern.keys:
            machine.evaluate(key, scope)
        if pattern.rest is not None:
            rest = machine.alloc(pattern, "dict", part_of.objs)
            rest.items = part_of
            bind_name(machine, pattern.rest, Val("dict", frozenset({rest.number})), scope, f"captures {pattern.rest}")
        parts = pattern.patterns
    elif isinstance(pattern, ast.MatchClass):
        machine.evaluate(pattern.cls, scope)
        parts = [*pattern.patterns, *pattern.kwd_patterns]
    else:
        parts = []
    for part in parts:
        bind_pattern(machine, part, part_of, scope)
