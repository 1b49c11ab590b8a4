"""Lines that GitHub shows beside the code: what failed, with file and line."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlops.pipeline.reporting import github_command
from jupyter_mlops.tracking.ci.account import Account
from jupyter_mlops.tracking.rendering import plain

__all__ = ["annotation_lines"]

_LONGEST = 4_000
_LEVELS = {"error": "error", "warning": "warning"}


def annotation_lines(account: Account) -> Iterator[str]:
    """Write workflow commands, one line each: failed steps, failed gates, diagnostics."""
    for step, error in account.failures:
        text = f"{step.place}: {error.message}" if step.place else error.message
        if error.hint:
            text += f"\n{error.hint}"
        yield _line("error", account, step.line, f"{step.result.name} failed", text)
    for gate in account.gates:
        if gate.verdict == "failed":
            yield _line("error", account, 1, "Gate failed", f"{gate.gate}: {gate.reason}")
    for item in account.findings:
        text = f"{item.place}: {item.message}" if item.place else item.message
        if item.hint:
            text += f"\n{item.hint}"
        yield _line(_LEVELS.get(item.severity, "notice"), account, item.line, item.code, text)
    if account.refusal is not None and not account.findings:
        yield _line("error", account, 1, "Not run", account.refusal.message)


def _line(level: str, account: Account, line: int, title: str, text: str) -> str:
    return github_command(level, plain(text, _LONGEST), file=account.file, line=str(line), title=title)
