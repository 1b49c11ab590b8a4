"""The headings of the page, and short names made of them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_mlops.notebook.model import Notebook

__all__ = ["Heading", "find_headings", "short_name"]

_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_ATX = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+|(?=[^\s#]))(.*?)(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_HTML = re.compile(r"<h([1-6])\b[^>]*>(.*?)</h\1\s*>", re.IGNORECASE | re.DOTALL)
_NUMBERING = re.compile(
    r"^(?:(?:step|part|chapter|section|task|phase|stage|exercise)\s+)?"
    r"(?:\(?\d+(?:\.\d+)*[a-z]?\s*[.):\u2013\u2014-]+(?!\d)\s*|\d+(?:\.\d+)*\s+|(?:[ivx]+|[a-h])[.):]\s+)",
    re.IGNORECASE,
)
_NUMBER_WORD = re.compile(
    r"^(?:step|part|chapter|section|task|phase|stage)\s+(?:\d+|[ivx]+)\s*[.:\u2013\u2014-]*\s*", re.IGNORECASE
)
_STOPS = re.compile(r"\s*[:;?!|]\s*|\s+[\u2013\u2014-]+\s+|\s*\(|\.\s")
_ARTICLES = {"a", "an", "the"}
_HANGING = _ARTICLES | {
    "about", "and", "are", "as", "at", "by", "for", "from", "in", "into", "is", "its", "more", "of", "on", "or", "our",
    "than", "that", "this", "to", "using", "vs", "with", "your", "&",
}  # fmt: skip
_EMPTY = {"aside", "example", "examples", "exercise", "exercises", "note", "recall", "tip"}
_MOST_WORDS = 6
_MOST_LETTERS = 40


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a markdown cell.

    Args:
        cell: Index of the cell.
        level: 1 is the highest.
        text: As it is read: without markup.
    """

    cell: int
    level: int
    text: str


def find_headings(notebook: Notebook) -> list[Heading]:
    """All headings of the markdown cells, in the order of the page."""
    return [
        Heading(cell.index, level, text)
        for cell in notebook.cells
        if cell.kind == "markdown" and cell.role != "skip"
        for level, raw in _in_markdown(cell.source)
        if (text := _plain(raw))
    ]


def _in_markdown(source: str) -> Iterator[tuple[int, str]]:
    fence: str | None = None
    previous = ""
    for line in source.splitlines():
        marker = _FENCE.match(line)
        if marker is not None:
            if fence is None:
                fence = marker[1][:3]
            elif marker[1].startswith(fence):
                fence = None
            previous = ""
            continue
        if fence is not None:
            continue
        yield from _in_line(line, previous)
        previous = line if not _ATX.match(line) else ""


def _in_line(line: str, previous: str) -> Iterator[tuple[int, str]]:
    atx, setext = _ATX.match(line), _SETEXT.match(line)
    if atx is not None:
        yield len(atx[1]), atx[2]
    elif setext is not None and previous.strip() and not previous.lstrip().startswith(("-", "*", "|", ">", "#")):
        yield (1 if setext[1].startswith("=") else 2), previous
    else:
        for match in _HTML.finditer(line):
            yield int(match[1]), match[2]


def _plain(text: str) -> str:
    """The text without links, emphasis, code marks and HTML."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", " ", text)
    text = re.sub(r"\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])", r"\1", text)
    text = html.unescape(re.sub(r"<[^<>]*>", " ", text))
    text = re.sub(r"(~{1,2})(?=\S)[^~]*\1", " ", text)
    text = re.sub(r"(\*{1,3}|`+|\$+)", "", text)
    text = re.sub(r"(?<!\w)_{1,2}(?=\S)|(?<=\S)_{1,2}(?!\w)", "", text)
    return " ".join(text.replace("\\", " ").split())


def short_name(text: str) -> str:
    """Make a step's name of a heading: without numbering and side remarks, a few words, mostly in small letters.

    Returns:
        The name; empty where nothing is left.
    """
    text = _without_marks(_NUMBER_WORD.sub("", _without_marks(text)))
    text = _without_marks(_NUMBERING.sub("", text)) or text
    parts = [part for part in _STOPS.split(text) if part.strip()]
    if len(parts) > 1 and parts[0].strip().lower() in _EMPTY:
        del parts[0]
    words = _without_marks(parts[0] if parts else "").replace(",", " ").split()
    if not any(letter.isalpha() for word in words for letter in word):
        return ""
    while len(words) > 1 and words[0].lower() in _ARTICLES:
        del words[0]
    kept: list[str] = []
    for word in words[:_MOST_WORDS]:
        if kept and len(" ".join([*kept, word])) > _MOST_LETTERS:
            break
        kept.append(word[:_MOST_LETTERS])
    while len(kept) > 1 and len(kept) < len(words) and kept[-1].lower() in _HANGING:
        del kept[-1]
    return " ".join(_small(word) for word in kept)


def _without_marks(text: str) -> str:
    """The text without signs, pictures and punctuation at its ends."""
    return re.sub(r"^[^\w(]+|[^\w)%+#]+$", "", text)


def _small(word: str) -> str:
    """``Train`` in small letters; ``PCA`` and ``XGBoost`` as they are."""
    return word.lower() if word[1:] == word[1:].lower() else word
