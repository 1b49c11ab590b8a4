"""Models as text and JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mlops.cli.output import count, say, table, terminal_width
from jupyter_mlops.notebook.names import printable
from jupyter_mlops.store.models import ModelVersion, RegisteredModel
from jupyter_mlops.tracking.formats import clock, number, parameter, size

if TYPE_CHECKING:
    from jupyter_mlops.tracking.model_lineage import LineageCell, ModelLineage
    from jupyter_mlops.tracking.models import ModelDetails, Removal

__all__ = ["called", "removal_text", "say_details", "say_models"]

_DIGEST = 12
_MOST_DISTRIBUTIONS = 12


def called(version: ModelVersion) -> str:
    """``churn/3 (champion)``."""
    shown = f" ({', '.join(version.aliases)})" if version.aliases else ""
    return f"{printable(version.model)}/{version.version}{shown}"


def removal_text(removal: Removal) -> str:
    """What is removed, in words."""
    aliases = f" and the alias {', '.join(removal.aliases)}" if removal.aliases else ""
    if removal.whole:
        return f"the model {printable(removal.model)} with {count(len(removal.versions), 'version')}{aliases}"
    return f"version {removal.versions[0]} of the model {printable(removal.model)}{aliases}"


def say_models(models: Sequence[RegisteredModel]) -> None:
    """Print the list."""
    if not models:
        say("There are no models. Register one: jupyter mlops models register latest:NAME --name churn")
        return
    rows = [("model", "versions", "latest", "aliases", "description")]
    for item in models:
        aliases = ", ".join(f"{alias} → {version}" for alias, version in item.aliases)
        latest = "-" if item.latest is None else str(item.latest)
        rows.append((printable(item.name), str(item.versions), latest, aliases, _short(item.description)))
    for index, line in enumerate(table(rows, indent="")):
        say(line, bold=index == 0)


def say_details(details: ModelDetails) -> None:
    """Print a model, and where one of its versions came from."""
    say(printable(details.model.name), bold=True)
    if details.model.description:
        say(f"  {printable(details.model.description)}")
    _section("Versions", [_version_row(item) for item in details.versions])
    if details.shown is None or details.lineage is None:
        say()
        say("All of its versions were removed.")
        return
    lineage = details.lineage
    _section(f"Version {details.shown.version}", _facts(details, lineage))
    _section("Metrics of the run", [(printable(name), number(value)) for name, value in details.metrics.items()])
    _section("Parameters", [(printable(name), _value(value)) for name, value in lineage.parameters.items()])
    _section(
        "Data",
        [
            (
                printable(item.name),
                f"from {item.step}" if item.step else "file",
                item.digest[:_DIGEST],
                size(item.bytes),
                printable(item.type or ""),
            )
            for item in lineage.data
        ],
    )
    _section("Environment", list(_environment(lineage)))
    say()
    say("Code", bold=True)
    for step in lineage.steps:
        reused = f", computed in {step.computed_in}" if step.computed_in else ""
        say(f"  {printable(step.name)} ({step.status}{reused})")
        _say_cells(step.cells, "")
        _say_cells(step.replayed, ", what the step takes of it")


def _facts(details: ModelDetails, lineage: ModelLineage) -> Iterable[tuple[str, str]]:
    assert details.shown is not None
    uncommitted = ", with uncommitted changes" if lineage.uncommitted else ""
    rows = [
        ("description", printable(details.shown.description or "")),
        ("run", f"{lineage.run_id}, begun {clock(lineage.started)}" + (f" by {lineage.user}" if lineage.user else "")),
        ("notebook", printable(lineage.notebook or "")),
        ("commit", f"{lineage.commit}{uncommitted}" if lineage.commit else ""),
        ("made by", f"step {details.shown.step}, as {printable(details.shown.member or details.shown.artifact)}"),
    ]
    record = details.artifact
    if record is not None:
        text = printable(record.members.get(details.shown.member or "", {}).get("preview") or record.preview or "")
        rows.append(("is", text))
        rows.append(("content", f"{record.digest[:_DIGEST]}, {size(record.bytes)}"))
    if details.signature is not None and (details.signature.inputs or details.signature.features is not None):
        rows.append(("takes", printable(str(details.signature))))
    width = max(40, terminal_width() - 18)
    for label, text in rows:
        for index, line in enumerate(textwrap.wrap(text, width, break_on_hyphens=False)):
            yield (label if index == 0 else "", line)


def _version_row(version: ModelVersion) -> tuple[str, ...]:
    return (
        str(version.version),
        ", ".join(version.aliases),
        version.run_id,
        clock(version.created),
        _short(version.description),
    )


def _environment(lineage: ModelLineage) -> Iterable[tuple[str, str]]:
    environment = lineage.environment
    for name in ("python", "platform"):
        if environment.get(name):
            yield (name, printable(str(environment[name])))
    listed = environment.get("distributions")
    if not isinstance(listed, dict):
        return
    imported = [name for name in _wanted(lineage) if name in listed]
    for name in imported[:_MOST_DISTRIBUTIONS]:
        yield (name, str(listed[name]))
    if len(listed) > len(imported):
        yield (f"{len(listed) - len(imported)} more", "see --format json")


def _wanted(lineage: ModelLineage) -> list[str]:
    """Distributions that the code and the data are likely to be about."""
    types = [str(item.type).partition(".")[0] for item in lineage.data if item.type]
    names = {"sklearn": "scikit-learn"}
    return list(dict.fromkeys(names.get(item, item) for item in ["numpy", "pandas", *types]))


def _say_cells(cells: Iterable[LineageCell], remark: str) -> None:
    for cell in cells:
        place = f"cell {cell.number}" if cell.number is not None else "a cell"
        say(f"    {place} ({printable(cell.id)}){remark}")
        for line in cell.source.splitlines():
            say(f"      {printable(line.expandtabs(4))}".rstrip())


def _section(title: str, rows: Iterable[Sequence[str]]) -> None:
    rows = list(rows)
    if rows:
        say()
        say(title, bold=True)
        for line in table(rows):
            say(line)


def _value(value: Any) -> str:
    return _short(parameter(value))


def _short(text: str | None) -> str:
    shown = printable(text or "")
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
