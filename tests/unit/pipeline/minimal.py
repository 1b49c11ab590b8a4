"""Makes a failing notebook small, so that a person can read it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

__all__ = ["minimal"]

Notebook = list[tuple[str, str]]
_Parts = list[tuple[str, list[str]]]


def minimal(cells: Notebook, fails: Callable[[Notebook], bool], tries: int = 300) -> Notebook:
    """Leave out cells and statements as long as the notebook still fails.

    Args:
        fails: Tells whether a notebook fails in the same way.
        tries: How many notebooks are tried at most.
    """
    parts = [(tags, _statements(source)) for tags, source in cells]
    while True:
        for smaller in _smaller(parts):
            tries -= 1
            if tries < 0:
                return _joined(parts)
            if fails(_joined(smaller)):
                parts = smaller
                break
        else:
            return _joined(parts)


def _smaller(parts: _Parts) -> Iterator[_Parts]:
    for at in reversed(range(len(parts))):
        if len(parts) > 1 and not any("seed(" in text for text in parts[at][1]):
            yield [*parts[:at], *parts[at + 1 :]]
    for at, (tags, texts) in enumerate(parts):
        for place in reversed(range(len(texts))):
            if len(texts) > 1 and "seed(" not in texts[place]:  # without a seed, two runs differ by themselves
                yield [*parts[:at], (tags, [*texts[:place], *texts[place + 1 :]]), *parts[at + 1 :]]


def _statements(source: str) -> list[str]:
    lines = source.split("\n")
    starts = [
        min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", ()))])
        for node in ast.parse(source).body
    ]
    ends = [*(start - 1 for start in starts[1:]), len(lines)]
    return ["\n".join(lines[start - 1 : end]) for start, end in zip(starts, ends, strict=True)] or [source]


def _joined(parts: _Parts) -> Notebook:
    return [(tags, "\n".join(texts)) for tags, texts in parts]
