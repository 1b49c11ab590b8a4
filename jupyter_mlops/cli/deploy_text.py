"""How deployments look on a terminal, and in JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.cli.output import say, table
from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import printable

if TYPE_CHECKING:
    from jupyter_mlops.api.deployed_images import Image
    from jupyter_mlops.api.deployments import Answer, Deployed, Shown
    from jupyter_mlops.deploy.deployment import Deployment
    from jupyter_mlops.deploy.watching.live import Live, LiveVersion

__all__ = [
    "deployed_json",
    "read_rows",
    "say_answer",
    "say_deployed",
    "say_deployment",
    "say_deployments",
    "say_image",
    "shown_json",
]

_FEATURES = 5
_COLORS = {"running": "green", "applied": "green", "failed": "red", "stopped": None, "starting": "yellow"}


def say_deployments(found: Sequence[Deployment]) -> None:
    """List deployments."""
    if not found:
        say("Nothing is deployed. Such as: jupyter mlops deploy churn@3")
        return
    rows = [("name", "model", "answers", "target", "state", "endpoint")]
    rows += [
        (item.name, printable(item.model), str(item.traffic), item.target, item.state, item.endpoint or "-")
        for item in found
    ]
    for line in table(rows, indent=""):
        say(line)
    for item in found:
        if item.problem:
            say(f"{item.name}: {printable(item.problem)}", color="yellow")


def say_deployed(done: Deployed) -> None:
    """Say what a change came to."""
    found = done.deployment
    if not done.changed:
        say(f"{found.name}: {found.traffic} already; nothing was changed.")
    else:
        before = f"; before: {done.before}" if done.before and done.before != str(found.traffic) else ""
        say(f"{found.name}: {found.traffic}{before}", bold=True)
    for kind, name, action in done.applied:
        say(f"  {action} {kind} {name}")
    if found.endpoint and found.target == "local":
        say(f"  {found.endpoint}/v2/models/{found.model}/infer   /docs tells more")
    if found.problem:
        say(f"note: {printable(found.problem)}", err=True, color="yellow")
    for note in done.notes:
        say(f"note: {printable(note)}", err=True, color="yellow")


def say_deployment(shown: Shown) -> None:
    """Show a deployment with its numbers and its history."""
    found = shown.deployment
    say(f"{found.name}: {found.traffic}", bold=True)
    state = found.state if found.problem is None else f"{found.state}: {printable(found.problem)}"
    rows = [("model", printable(found.model)), ("target", found.target), ("state", state)]
    rows += [("endpoint", found.endpoint)] if found.endpoint else []
    for line in table(rows):
        say(line, color=_COLORS.get(found.state) if line.strip().startswith("state") else None)
    if shown.live is not None:
        _say_live(shown.live, alive=found.state == "running")
    say()
    history: list[tuple[str, ...]] = [("when (UTC)", "who", "what", "answers then", "reason")]
    history += [
        (
            _time(event.happened),
            event.who or "-",
            event.action,
            _traffic(event.after) + (" (not committed)" if event.dirty else ""),
            printable(event.reason or "-"),
        )
        for event in shown.events
    ]
    for line in table(history, indent=""):
        say(line)


def _say_live(live: Live, *, alive: bool) -> None:
    say()
    when = "" if alive or live.measured is None else f", as of {_time(live.measured)}"
    say(f"the last {live.seconds / 60:g} minutes{when}")
    rows: list[tuple[str, ...]] = [
        ("version", "role", "part", "requests", "per s", "failed", "p50 ms", "p95 ms", "p99 ms", "drift", "right")
    ]
    rows += [_version_row(item) for item in live.versions]
    for line in table(rows):
        say(line)
    for item in live.versions:
        _say_drift(item)
    if live.lost:
        say(f"  {live.lost} requests came too quickly to be watched.", color="yellow")


def _version_row(item: LiveVersion) -> tuple[str, ...]:
    failed = f"{item.failures:.1%}" if item.requests else "-"
    return (
        *(str(item.version), item.role if item.ready else f"{item.role} (not ready)"),
        *("-" if item.role == "shadow" else f"{item.weight} %", str(item.requests), f"{item.rate:.2f}", failed),
        *(_number(item.p50), _number(item.p95), _number(item.p99), item.drift.level, _accuracy(item)),
    )


def _say_drift(item: LiveVersion) -> None:
    drift = item.drift
    if drift.reason is not None:
        say(f"  version {item.version}: no drift is told: {drift.reason}")
        return
    if not drift.rows:
        say(f"  version {item.version}: drift is told from {drift.needed} rows on; there are {drift.waiting}")
        return
    odd = [feature for feature in (*drift.features, *drift.outputs) if feature.level != "ok"]
    odd += [
        feature
        for feature in drift.features
        if feature.level == "ok" and (feature.out_of_range > 0.01 or feature.missing > feature.missing_before + 0.05)
    ]
    said = ", ".join(
        f"{printable(feature.name)} {feature.psi:.2f}"
        + (f" ({feature.missing:.0%} missing)" if feature.missing > feature.missing_before else "")
        + (f" ({feature.out_of_range:.0%} out of range)" if feature.out_of_range >= 0.005 else "")
        for feature in odd[:_FEATURES]
    )
    more = f" and {len(odd) - _FEATURES} more" if len(odd) > _FEATURES else ""
    text = f"  version {item.version}: {drift.rows} rows against the training data: " + (
        f"{said}{more}" if odd else "like it"
    )
    say(f"{text} (PSI; 0.1 is some, 0.2 much)", color="yellow" if odd else None)


def _accuracy(item: LiveVersion) -> str:
    accuracy = item.accuracy
    if accuracy.accuracy is not None:
        return f"{accuracy.accuracy:.1%} of {accuracy.labels}"
    if accuracy.error is not None:
        return f"off by {accuracy.error:.4g} ({accuracy.labels})"
    return f"agrees {accuracy.agreement:.1%}" if accuracy.agreement is not None else "-"


def say_answer(done: Answer) -> None:
    """Print what a deployment answered."""
    said = f"version {done.version} answered" if done.version is not None else "answered"
    say(f"{said} in {done.seconds * 1000:.1f} ms (request {printable(done.id)})", bold=True)
    for name, values in done.outputs.items():
        shown = json.dumps(values[:5], ensure_ascii=False)
        say(f"  {name}: {shown}{' ...' if len(values) > 5 else ''}")


def say_image(built: Image) -> None:
    """Say which image was built, and what can be done with it."""
    say(f"Built {built.reference}: {built.deployment.traffic}.", bold=True)
    if built.digest:
        say(f"  pushed as {built.digest}")
    say(f"  {built.run}")
    say(f"  jupyter mlops deploy {built.deployment.model} --target kserve --image {built.reference} --dry-run")


def read_rows(text: str) -> Any:
    """Read rows: JSON itself, the name of a file with it, or ``-`` for standard input.

    Raises:
        UsageError: It is no JSON, or there is no such file.
    """
    if text == "-":
        content = sys.stdin.read()
    elif text.lstrip()[:1] in ("{", "["):
        content = text
    else:
        try:
            content = Path(text).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{printable(text)} can't be read: {getattr(error, 'strerror', None) or error}.",
                hint="Give JSON, such as '{\"instances\": [[1, 2]]}', or a file that has it.",
            ) from None
    try:
        return json.loads(content)
    except ValueError as error:
        raise UsageError(f"The rows are no JSON: {error}.") from None


def deployed_json(done: Deployed) -> dict[str, Any]:
    """Return what a change came to as JSON."""
    return {
        "changed": done.changed,
        "before": done.before,
        "deployment": done.deployment.to_json(),
        "applied": [{"kind": kind, "name": name, "action": action} for kind, name, action in done.applied],
        "notes": list(done.notes),
    }


def shown_json(shown: Shown) -> Mapping[str, Any]:
    """Return all of a deployment as JSON."""
    return shown.to_json()


def _traffic(shares: Any) -> str:
    from jupyter_mlops.deploy.traffic import Traffic

    return str(Traffic(shares))


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
