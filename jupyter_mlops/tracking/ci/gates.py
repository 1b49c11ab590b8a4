"""Gates: conditions that a run must meet, such as ``accuracy >= baseline - 0.01``.

    gate       = side (compare side)+          0.5 < loss <= 1.05 * baseline
    compare    = "<" "<=" ">" ">=" "==" "!="
    side       = term (("+" | "-") term)*
    term       = factor (("*" | "/") factor)*
    factor     = ("-" | "+") factor | "(" side ")" | number [unit] | name
               | "baseline" [ "(" name ")" ]

A name is a metric, ``seconds`` and the like of the run, or ``STEP.seconds`` and the like of a step.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import nearest, printable

__all__ = ["BASELINE", "Compare", "Factor", "Gate", "Minus", "Name", "Number", "Operation", "parse_gate"]

BASELINE = "baseline"

_UNITS = {
    **{"ms": 1e-3, "s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "%": 0.01},
    **{"B": 1.0, "KB": 1e3, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12},
    **{"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40},
}
_DEEPEST = 40
_LONGEST = 1000

# A dash between letters belongs to a name, as in `train-forest.seconds`; elsewhere it is a minus.
_WORD = r"[^\W\d](?:\w|(?<=\w)-(?=[^\W\d]))*"
_PART = r"(?:\w|(?<=\w)-(?=[^\W\d]))+"
_TOKEN = re.compile(
    rf"""
    (?P<blank>\s+)
    | (?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>(?:`[^`]*`|{_WORD})(?:\.(?:`[^`]*`|{_PART}))*)
    | (?P<quoted>"[^"]*"|'[^']*')
    | (?P<compare><=|>=|==|!=|<|>)
    | (?P<sign>[-+*/()%])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number, in seconds or bytes where it had a unit."""

    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """Something that a run, or its baseline, knows a number for.

    Args:
        text: Its name; empty for ``baseline`` alone, which is the gate's own metric in the baseline.
        quoted: Whether it stood in quotes, so that it can only be a metric or a step's measure.
        baseline: Whether the baseline's is meant.
    """

    text: str
    quoted: bool = False
    baseline: bool = False


@dataclass(frozen=True, slots=True)
class Minus:
    """The negative of something."""

    of: Factor


@dataclass(frozen=True, slots=True)
class Operation:
    """Two things and one of ``+ - * /`` between them."""

    sign: str
    left: Factor
    right: Factor


Factor = Number | Name | Minus | Operation


@dataclass(frozen=True, slots=True)
class Compare:
    """Two sides and how they must compare."""

    sign: str
    left: Factor
    right: Factor


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition on a run.

    Args:
        text: As the user wrote it.
        compares: All of them must hold.
        metric: What ``baseline`` alone stands for.
    """

    text: str
    compares: tuple[Compare, ...]
    metric: str = ""

    @property
    def needs_baseline(self) -> bool:
        """Whether it speaks of another run."""
        return any(name.baseline for name in self.names)

    @property
    def names(self) -> tuple[Name, ...]:
        """The names in it, each once."""
        found = (name for item in self.compares for side in (item.left, item.right) for name in _names(side))
        return tuple(dict.fromkeys(found))


def parse_gate(text: str) -> Gate:
    """Understand a gate.

    Args:
        text: Such as ``train.seconds < 60``.

    Raises:
        UsageError: It has a mistake; the message shows where.
    """
    return _Parser(text).gate()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    blank_before: bool = False


def _names(side: Factor) -> Iterator[Name]:
    if isinstance(side, Name):
        yield side
    elif isinstance(side, Minus):
        yield from _names(side.of)
    elif isinstance(side, Operation):
        yield from _names(side.left)
        yield from _names(side.right)


class _Parser:
    """Reads one gate from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        if len(text) > _LONGEST:
            raise UsageError(f"A gate of {len(text)} characters is too long.", hint=f"At most {_LONGEST} are read.")
        self._tokens = list(self._split())
        self._place = 0
        self._depth = 0

    def gate(self) -> Gate:
        if self._now.kind == "end":
            self._refuse(self._now, "The gate is empty", "Write a condition, such as: accuracy >= 0.95")
        sides, signs = [self._side()], list[str]()
        while self._now.kind == "compare":
            signs.append(self._next().text)
            sides.append(self._side())
        if self._now.kind != "end":
            hint = None
            if self._now.text in ("and", "or", "&&", "||"):
                hint = "Give --gate once for each condition; all of them must hold."
            elif self._now.text in ("=", "=>", "=<"):
                hint = "Comparisons are: < <= > >= == !="
            elif self._now.kind == "name":
                hint = "Names with blanks go in backticks: `train forest`.seconds < 60; a step's slug has none."
            self._refuse(self._now, f"{_shown(self._now.text)} is not expected here", hint)
        if not signs:
            hint = f"Compare it with a limit, such as: {self._text.strip()} >= 0.95"
            self._refuse(self._now, "A comparison is missing", hint)
        compares = tuple(Compare(sign, *pair) for sign, pair in zip(signs, itertools.pairwise(sides), strict=True))
        return self._with_metric(Gate(self._text.strip(), compares))

    def _with_metric(self, gate: Gate) -> Gate:
        """Find out what ``baseline`` alone stands for: the one metric that the gate is about."""
        if not any(name.baseline and not name.text for name in gate.names):
            return gate
        metrics = [name.text for name in gate.names if not name.baseline]
        if len(metrics) == 1:
            return Gate(gate.text, gate.compares, metrics[0])
        token = next(token for token in self._tokens if token.text == BASELINE)
        self._refuse(token, "It is not clear which metric of the baseline is meant", "Write: baseline(METRIC)")

    def _side(self) -> Factor:
        found = self._term()
        while self._now.text in ("+", "-") and self._now.kind == "sign":
            found = Operation(self._next().text, found, self._term())
        return found

    def _term(self) -> Factor:
        found = self._factor()
        while self._now.text in ("*", "/") and self._now.kind == "sign":
            found = Operation(self._next().text, found, self._factor())
        return found

    def _factor(self) -> Factor:
        token = self._next()
        self._depth += 1
        if self._depth > _DEEPEST:
            self._refuse(token, "The gate is nested too deeply")
        try:
            return self._factor_at(token)
        finally:
            self._depth -= 1

    def _factor_at(self, token: _Token) -> Factor:
        if token.kind == "number":
            return Number(self._number(token))
        if token.kind == "name" and token.text == BASELINE:
            return self._baseline()
        if token.kind in ("name", "quoted"):
            return self._name(token)
        if token.kind == "sign" and token.text in "+-":
            return Minus(self._factor()) if token.text == "-" else self._factor()
        if token.text == "(":
            found = self._side()
            self._close()
            return found
        what = "ends" if token.kind == "end" else f"has {_shown(token.text)}"
        self._refuse(token, f"The gate {what} where a metric or a number is expected")

    def _baseline(self) -> Name:
        if self._now.text != "(":
            return Name("", baseline=True)
        self._next()
        token = self._next()
        if token.kind not in ("name", "quoted"):
            self._refuse(token, "The name of a metric is expected here")
        name = self._name(token)
        self._close()
        return Name(name.text, name.quoted, baseline=True)

    def _close(self) -> None:
        token = self._next()
        if token.text != ")":
            self._refuse(token, 'A ")" is missing')

    def _name(self, token: _Token) -> Name:
        quoted = token.kind == "quoted" or "`" in token.text
        text = token.text[1:-1] if token.kind == "quoted" else token.text.replace("`", "")
        if not text.strip():
            self._refuse(token, "The name of a metric is empty")
        return Name(text, quoted)

    def _number(self, token: _Token) -> float:
        try:
            value = float(token.text.replace("_", ""))
        except ValueError:
            self._refuse(token, f"{_shown(token.text)} is not a number")
        unit = self._now
        if unit.text == "%" or (unit.kind == "name" and unit.text in _UNITS):
            return value * _UNITS[self._next().text]
        if unit.kind == "name" and unit.text not in ("and", "or"):
            near = nearest(unit.text, _UNITS)
            hint = f"Did you mean {near}?" if near else f"Units are: {' '.join(_UNITS)}"
            self._refuse(unit, f"{_shown(unit.text)} is not a unit", hint)
        return value

    @property
    def _now(self) -> _Token:
        return self._tokens[self._place]

    def _next(self) -> _Token:
        token = self._tokens[self._place]
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return token

    def _split(self) -> Iterator[_Token]:
        place = 0
        while place < len(self._text):
            match = _TOKEN.match(self._text, place)
            if match is None:
                self._refuse_character(place)
            if match.lastgroup != "blank":
                yield _Token(str(match.lastgroup), match.group(), place)
            place = match.end()
        yield _Token("end", "", len(self._text.rstrip()))

    def _refuse_character(self, place: int) -> NoReturn:
        character = self._text[place]
        token = _Token("odd", character, place)
        if character in "\"'`":
            self._refuse(token, "The quote is not closed")
        if character == "=":
            self._refuse(token, 'A "=" alone compares nothing', "Comparisons are: < <= > >= == !=")
        if character in "&|":
            self._refuse(
                token,
                f"{_shown(character)} is not expected here",
                "Give --gate once for each condition; all must hold.",
            )
        hint = "Names with other characters than letters, digits, dots and dashes go into backticks."
        self._refuse(token, f"{_shown(character)} is not expected here", hint)

    def _refuse(self, token: _Token, problem: str, hint: str | None = None) -> NoReturn:
        """Raise, and show the place with a caret."""
        before = "".join(letter if letter.isprintable() else " " for letter in self._text)
        if not before.strip():
            raise UsageError(f"{problem}.", hint=hint)
        start = max(0, token.start - 60)
        line, caret = before[start : start + 100], token.start - start
        message = f"{problem} (gate, character {token.start + 1}).\n    {line}\n    {' ' * caret}^"
        raise UsageError(message, hint=hint)


def _shown(text: str) -> str:
    return f'"{printable(text)}"'
