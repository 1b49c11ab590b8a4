"""A run as a page of Markdown that fits into a pull request's comment."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jupyter_mlops import templates
from jupyter_mlops.notebook.names import printable
from jupyter_mlops.pipeline.drawing import mermaid
from jupyter_mlops.tracking import formats
from jupyter_mlops.tracking.ci.account import Account, StepAccount
from jupyter_mlops.tracking.rendering import plain

__all__ = ["LONGEST", "markdown"]

LONGEST = 65_536
"""Characters of a comment on GitHub."""

_LONGEST_NAME = 300
_LONGEST_GRAPH = 20_000
_MOST_EDGES = 280
"""GitHub's Mermaid draws no more than this many."""

_VERDICTS = {"passed": "✅", "failed": "❌", "skipped": "⏭️"}
_STATES = {"succeeded": "✅", "reused": "♻️", "failed": "❌", "skipped": "⏭️", "cancelled": "🛑"}
_NOTHING = "\N{EN DASH}"
_PLAIN = " .,:;-()=/+%'\"?"
"""ASCII characters besides letters and digits that mean nothing to Markdown within a line."""


@dataclass(frozen=True, slots=True)
class _Limits:
    """How much of each is shown; ``lines`` of a message or traceback."""

    metrics: int
    steps: int
    gates: int
    failures: int
    lines: int
    findings: int
    graph: bool


_LEVELS = (
    _Limits(metrics=300, steps=250, gates=100, failures=10, lines=60, findings=30, graph=True),
    _Limits(metrics=150, steps=150, gates=60, failures=8, lines=30, findings=20, graph=True),
    _Limits(metrics=100, steps=100, gates=40, failures=5, lines=20, findings=10, graph=False),
    _Limits(metrics=40, steps=40, gates=20, failures=3, lines=10, findings=5, graph=False),
    _Limits(metrics=10, steps=10, gates=10, failures=1, lines=4, findings=2, graph=False),
)


@dataclass(frozen=True, slots=True)
class _Row:
    """A metric, its parts as texts."""

    name: str
    value: str
    before: str
    change: str
    percent: str


def markdown(account: Account, *, longest: int = LONGEST) -> str:
    """Write the page.

    Args:
        account: What there is to say of the run.
        longest: Characters that it may have; it is shortened to fit, and says so.

    Returns:
        Markdown of GitHub's flavour, which GitLab renders as well. Whatever came from the user is escaped.
    """
    page = _Page(account)
    for limits in _LEVELS:
        text = page.render(limits)
        if len(text) <= longest:
            return text
    # Not reached by names of a reasonable length.
    return text[: max(0, longest - 60)].rpartition("\n")[0] + "\n\nThe rest was left out to fit into a comment.\n"


class _Page:
    """What the levels of detail have in common."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._template = _template()
        self._rows = list(_metric_rows(account))
        self._graph = _graph(account)

    def render(self, limits: _Limits) -> str:
        account = self._account
        shown = self._template.render(
            run=account,
            sign="✅" if account.is_good else "🛑" if account.status == "cancelled" else "❌",
            headline=_headline(account),
            baseline=None if account.baseline is None else account.baseline.run,
            metrics=self._rows,
            graph=self._graph if limits.graph else "",
            limits=limits,
            verdicts=_VERDICTS,
            states=_STATES,
            is_short=self._is_short(limits),
        )
        return re.sub(r"\n{3,}", "\n\n", str(shown)).strip() + "\n"

    def _is_short(self, limits: _Limits) -> bool:
        account = self._account
        counts = (
            (len(self._rows), limits.metrics),
            (len(account.steps), limits.steps),
            (len(account.gates), limits.gates),
            (len(account.failures), limits.failures),
            (len(account.findings), limits.findings),
            (len(account.notes), limits.findings),
        )
        return limits != _LEVELS[0] or any(number > most for number, most in counts)


def _template() -> Any:
    # the filters escape: this is Markdown
    environment = templates.environment(templates.root() / "results", autoescape=False)
    environment.filters.update(
        md=_escaped, code=_code, fenced=_fenced, comment=_comment, duration=formats.duration, why=_why
    )
    return environment.get_template("run.md.j2")


def _headline(account: Account) -> str:
    if account.status == "refused":
        return "not run"
    failed = sum(gate.verdict == "failed" for gate in account.gates)
    took = f"{account.status} in {formats.duration(account.seconds)}"
    if not failed:
        return took
    return f"{took}, but {failed} gate{'s' if failed > 1 else ''} failed"


def _why(step: StepAccount) -> str:
    result = step.result
    parts = [result.reason or ""]
    if result.attempts > 1:
        parts.append(f"attempt {result.attempts}")
    if result.status == "succeeded" and result.peak_memory is not None:
        parts.append(formats.size(result.peak_memory))
    return ", ".join(part for part in parts if part)


def _graph(account: Account) -> str:
    pipeline = account.pipeline
    if pipeline is None or len(pipeline.steps) < 2 or len(pipeline.edges) > _MOST_EDGES:
        return ""
    status = {}
    for step in account.steps:
        result = step.result
        took = f" · {formats.duration(result.seconds)}" if result.status in ("succeeded", "failed") else ""
        status[result.slug] = result.status + took
    text = mermaid(pipeline, status)
    return text if len(text) <= _LONGEST_GRAPH else ""


# --- metrics ----------------------------------------------------------------------------------------------------------


def _metric_rows(account: Account) -> Iterator[_Row]:
    before = {} if account.baseline is None or account.baseline.run is None else account.baseline.run.metrics
    for name in (*account.metrics, *(name for name in before if name not in account.metrics)):
        now, then = account.metrics.get(name), before.get(name)
        yield _Row(name, _number(now), _number(then), *_change(now, then))


def _number(value: float | None) -> str:
    return _NOTHING if value is None else formats.number(value)


def _change(now: float | None, then: float | None) -> tuple[str, str]:
    """The difference and the per cent of it; which way is better, nobody has said."""
    if now is None or then is None or not (math.isfinite(now) and math.isfinite(then)):
        return _NOTHING, ""
    difference = now - then
    if difference == 0:
        return "=", ""
    if not math.isfinite(difference):
        return _NOTHING, ""
    per_cent = f"{_signed(round(100 * difference / abs(then), 2))} %" if then else ""
    return _signed(difference), per_cent if "inf" not in per_cent and "∞" not in per_cent else ""


def _signed(value: float) -> str:
    sign = "+" if value >= 0 else "\N{MINUS SIGN}"
    return f"{sign}{formats.number(abs(value))}"


# --- escaping ---------------------------------------------------------------------------------------------------------


def _escaped(text: str, longest: int = _LONGEST_NAME) -> str:
    """Text as it is, on one line: no character of it means anything to Markdown, HTML or a table."""
    return "".join(_entity(char) for char in _cut(" ".join(str(text).split()), longest))


def _entity(char: str) -> str:
    if char.isalnum() or char in _PLAIN or ord(char) > 127:
        return char
    # Nobody is to be mentioned, and nothing linked, because of a name in a notebook.
    apart = "&#8203;" if char in "@#" else ""
    return f"&#{ord(char)};{apart}"


def _code(text: str) -> str:
    return f"<code>{_escaped(text).replace('&#8203;', '')}</code>"


def _fenced(text: str, lines: int) -> str:
    """A block of text, in a fence that it can't end."""
    shown = plain(text.strip("\n"), 6_000)
    shown = "".join(char for char in shown if char in "\n\t" or char.isprintable() or ord(char) > 159)
    rows = shown.split("\n")
    if len(rows) > lines:
        rows = [*rows[: lines // 4], "…", *rows[-(lines - lines // 4 - 1) :]]
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *(row[:500] for row in rows), fence])


def _comment(text: str) -> str:
    """Text within an HTML comment, by which the comment is found again."""
    kept = "".join(char if char.isalnum() or char in " ./_" else "-" for char in _cut(text, _LONGEST_NAME))
    return re.sub("--+", "-", kept)


def _cut(text: str, longest: int) -> str:
    text = printable(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
