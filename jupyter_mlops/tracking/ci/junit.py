"""A run as a JUnit report: the run is a suite, each step and each gate a case."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from jupyter_mlops import templates
from jupyter_mlops.engine.result import GateResult, StepFailure
from jupyter_mlops.tracking import formats
from jupyter_mlops.tracking.ci.account import Account, StepAccount
from jupyter_mlops.tracking.rendering import plain

__all__ = ["junit"]

_LONGEST_LOG = 30_000
_LONGEST_VALUE = 1_000
_LONGEST_MESSAGE = 2_000
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_Outcome = Literal["", "failure", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class _Case:
    """A test case; an empty outcome is success."""

    name: str
    group: str
    seconds: float = 0.0
    outcome: _Outcome = ""
    type: str = ""
    message: str = ""
    text: str = ""
    log: str = ""


def junit(account: Account) -> str:
    """Write the report.

    Args:
        account: What there is to say of the run.

    Returns:
        XML in the form of Maven Surefire's reports, which continuous integration servers read. Parameters, metrics and
        measures are properties of the suite.
    """
    cases = [*(_step(account, step) for step in account.steps), *(_gate(account, gate) for gate in account.gates)]
    if account.refusal is not None:
        cases.append(_refusal(account))
    counts = {outcome: sum(case.outcome == outcome for case in cases) for outcome in ("failure", "error", "skipped")}
    started = account.started
    text: str = _template().render(
        run=account,
        cases=cases,
        failures=counts["failure"],
        errors=counts["error"],
        skipped=counts["skipped"],
        timestamp="" if started is None else time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(started / 1000)),
        properties=list(_properties(account)),
    )
    return text + "\n"


def _template() -> Any:
    environment = templates.environment(
        templates.root() / "results",
        autoescape=True,
        finalize=lambda value: _valid(value) if isinstance(value, str) and not hasattr(value, "__html__") else value,
    )
    return environment.get_template("junit.xml.j2")


def _valid(text: str) -> str:
    """Leave out what XML can't say."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _properties(account: Account) -> Iterator[tuple[str, str]]:
    for name, value in (
        ("run_id", account.run_id),
        ("status", account.status),
        ("notebook", account.file),
        ("commit", account.commit),
    ):
        if value:
            yield name, value
    if account.baseline is not None and account.baseline.run is not None:
        yield "baseline", account.baseline.run.run_id
    for name, value in account.parameters.items():
        yield f"parameter.{name}", formats.parameter(value)[:_LONGEST_VALUE]
    for name, metric in account.metrics.items():
        yield f"metric.{name}", repr(metric)
    doubles = {step.result.slug for step in account.steps if step.result.slug != step.result.name}
    for name, measured in account.measures.items():
        if measured is not None and name.rpartition(".")[0] not in doubles:
            yield name, f"{measured:.6g}" if isinstance(measured, float) else str(measured)


def _step(account: Account, step: StepAccount) -> _Case:
    result = step.result
    log = plain(step.log, _LONGEST_LOG)
    if result.error is not None:
        return _failed(account, step, result.error, log)
    if result.status in ("skipped", "cancelled", "queued"):
        # A step that was stopped in the middle is no success of any kind.
        outcome: _Outcome = "error" if result.attempts else "skipped"
        why = result.reason or result.status
        return _Case(result.name, account.name, result.seconds, outcome, result.status, why, log=log)
    return _Case(result.name, account.name, result.seconds, log=log)


def _failed(account: Account, step: StepAccount, error: StepFailure, log: str) -> _Case:
    message = f"{step.place}: {error.message}" if step.place else error.message
    parts = [f"{account.file}, {message}", error.traceback.strip(), error.hint or ""]
    outcome: _Outcome = "failure" if error.kind == "user" else "error"
    return _Case(
        step.result.name,
        account.name,
        step.result.seconds,
        outcome,
        error.ename,
        message=plain(message, _LONGEST_MESSAGE),
        text=plain("\n\n".join(part for part in parts if part), _LONGEST_LOG),
        log=log,
    )


def _gate(account: Account, gate: GateResult) -> _Case:
    group = f"{account.name}.gates"
    if gate.verdict == "passed":
        return _Case(gate.gate, group, log=gate.reason)
    outcome: _Outcome = "failure" if gate.verdict == "failed" else "skipped"
    return _Case(gate.gate, group, 0.0, outcome, f"gate {gate.verdict}", gate.reason)


def _refusal(account: Account) -> _Case:
    """Why nothing was run."""
    assert account.refusal is not None
    lines = [
        f"{account.file}{', ' if item.place else ''}{item.place}: {item.severity} {item.code}: {item.message}"
        + (f"\n  hint: {item.hint}" if item.hint else "")
        for item in account.findings
    ]
    message = account.refusal.message
    text = "\n".join(lines) or (account.refusal.hint or "")
    return _Case(account.file, account.name, 0.0, "error", type(account.refusal).__name__, message, plain(text))
