"""The words of a filter, with their places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from jupyter_mlops.tracking.filters.problems import FilterError

__all__ = ["Token", "tokens"]

Kind = Literal["word", "name", "text", "number", "sign", "end"]

_TOKEN = re.compile(
    r"""
      (?P<number>[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|inf|infinity|nan)(?![\w.]))
    | (?P<word>[^\W\d][\w./-]*)
    | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<name>`(?:[^`]|``)*`)
    | (?P<sign><=|>=|!=|<>|==|[=<>(),])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a filter.

    Args:
        kind: ``word`` is a name, a keyword or both; ``name`` one in backticks; ``text`` something in quotes.
        text: As it stands there; of names and texts, what is within the quotes.
        start: Its place, from 0.
        end: The place after it.
        quote: The quotes of a text or name, if it has any.
    """

    kind: Kind
    text: str
    start: int
    end: int
    quote: str = ""

    @property
    def keyword(self) -> str:
        """A word or sign as it is compared with keywords."""
        return self.text.upper() if self.kind in ("word", "sign") else ""


def tokens(text: str, what: str) -> list[Token]:
    """Take a text apart; the last token is the end.

    Raises:
        FilterError: Something there begins no word.
    """
    if len(text) > _LONGEST:
        raise FilterError(what, f"It is longer than {_LONGEST:,} characters", text, _LONGEST)
    return [*_tokens(text, what), Token("end", "", len(text), len(text))]


def _tokens(text: str, what: str) -> Iterator[Token]:
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise _unreadable(text, place, what)
        kind, found = match.lastgroup, match.group()
        quote = found[0] if kind in ("text", "name") else ""
        content = found[1:-1].replace(quote * 2, quote) if quote else found
        yield Token(kind, content, place, match.end(), quote)  # type: ignore[arg-type]
        place = match.end()


def _unreadable(text: str, place: int, what: str) -> FilterError:
    letter = text[place]
    if letter in "'\"`":
        return FilterError(what, f"The quote {letter} is never closed", text, place)
    if letter.isdigit() or letter in "+-.":
        return FilterError(
            what, "This is no number", text, place, hint='Texts, and times such as "-7d", stand in quotes.'
        )
    hint = {"&": "Write AND.", "|": "Write OR.", "!": "Write NOT, or != between two things."}.get(letter)
    return FilterError(what, f"{letter!r} has no meaning here", text, place, hint=hint)
