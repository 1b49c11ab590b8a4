"""docs/cli.md has every command and option, and none that does not exist."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import click
import pytest

from jupyter_mlops.cli.main import COMMANDS


def sections(root: Path) -> dict[str, str]:
    """The part of the page about each command."""
    text = (root / "docs" / "cli.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return {heading.strip("`"): body for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


def documented_options(section: str) -> set[str]:
    """Options of the table whose heads are "option" and "meaning"."""
    rows = re.findall(
        r"^\| *(`-[^|]+?) *\|", section.partition("| option | meaning |")[2].partition("\n\n")[0], re.MULTILINE
    )
    return {word for row in rows for word in re.findall(r"(?<![\w-])--?[a-z][\w-]*", row)}


def options(name: str) -> list[click.Option]:
    """The options of a command, of a group those of all its commands."""
    command = importlib.import_module(f"jupyter_mlops.cli.{name}").command
    commands = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
    return [parameter for item in commands for parameter in item.params if isinstance(parameter, click.Option)]


def real_options(name: str) -> set[str]:
    return {text for option in options(name) for text in (*option.opts, *option.secondary_opts)}


def test_every_command_has_a_section_and_no_other_is_there(root: Path) -> None:
    listed = set(re.findall(r"^\| \[`(\w+)`\]", (root / "docs" / "cli.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == set(COMMANDS)
    assert set(sections(root)) - {"What all commands have in common"} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented_and_every_documented_one_exists(name: str, root: Path) -> None:
    assert documented_options(sections(root)[name]) == real_options(name)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_help_text(name: str) -> None:
    assert all(option.help for option in options(name))
