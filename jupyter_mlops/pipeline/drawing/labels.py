"""What the drawings say: names on one line, what flows along an edge, how wide text is."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from jupyter_mlops.pipeline.model import Edge, Pipeline

__all__ = ["display_width", "edge_pairs", "flow_names", "one_line", "shorten", "summary", "truncate"]


def one_line(text: str) -> str:
    """Return the text with blanks for line breaks and without other control characters."""
    joined = " ".join(text.split())
    return "".join(char for char in joined if unicodedata.category(char) not in {"Cc", "Cf", "Cs"} or char == "\u200d")


def flow_names(edge: Edge) -> tuple[str, ...]:
    """Names of what flows along an edge, for people: values first, then files and other state."""
    plain = [name for name in edge.names if not _is_hidden(name)]
    hidden = [name.removeprefix("file:") for name in edge.names if _is_hidden(name)]
    return tuple(one_line(name) for name in (*plain, *hidden))


def _is_hidden(name: str) -> bool:
    return ":" in name


def summary(names: Sequence[str], most: int = 1) -> str:
    """Shorten a list of names: ``X_train +3``."""
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} +{len(names) - most}"


def edge_pairs(pipeline: Pipeline) -> list[tuple[Edge, int, int, bool]]:
    """Edges that can be drawn, with the step indices of their upper and lower end.

    Returns:
        The edge, the earlier and the later step of the page, and whether the edge points
        upwards (only a pipeline with errors has such edges).
    """
    index = {step.slug: place for place, step in enumerate(pipeline.steps)}
    pairs: dict[tuple[int, int], tuple[Edge, int, int, bool]] = {}
    for edge in pipeline.edges:
        source, target = index.get(edge.source), index.get(edge.target)
        if source is None or target is None or source == target:
            continue
        upper, lower = min(source, target), max(source, target)
        pairs.setdefault((upper, lower), (edge, upper, lower, source > target))
    return [pairs[key] for key in sorted(pairs)]


def display_width(text: str) -> int:
    """Columns that the text takes in a terminal."""
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def truncate(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut the text to this many columns, the last one an ellipsis if anything was cut."""
    if display_width(text) <= width:
        return text
    kept, used = [], display_width(ellipsis)
    for char in text:
        used += _char_width(char)
        if used > width:
            break
        kept.append(char)
    return "".join(kept).rstrip() + ellipsis


def shorten(names: Sequence[str], width: int, lines: int, ellipsis: str = "…") -> list[str]:
    """One name per line, at most so many lines; the last one counts the names left out."""
    if len(names) > lines:
        kept = list(names[:lines])
        kept[-1] = f"{truncate(kept[-1], width - 4, ellipsis)} +{len(names) - lines}"
        return [*(truncate(name, width, ellipsis) for name in kept[:-1]), kept[-1]]
    return [truncate(name, width, ellipsis) for name in names]
