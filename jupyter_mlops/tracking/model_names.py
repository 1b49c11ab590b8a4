"""How models, their versions and aliases are called: ``churn``, ``churn@champion``, ``churn@3``, ``churn/3``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import printable

__all__ = ["LATEST", "ModelReference", "check_alias", "check_model_name", "parse_reference", "parse_source"]

LATEST = "latest"
"""Stands for the newest version, as if it were an alias."""

_LONGEST = 200
_REFUSED = "/\\@:"
_NUMBER = re.compile(r"v?([0-9]{1,9})")
_FORMS = "Write NAME, NAME@ALIAS or NAME/VERSION, such as churn@champion or churn/3."


@dataclass(frozen=True, slots=True)
class ModelReference:
    """What somebody means by a text.

    Args:
        version: A number, if the text has one.
        alias: An alias, if the text has one.
    """

    name: str
    version: int | None = None
    alias: str | None = None


def check_model_name(name: str) -> str:
    """Return a name for a model.

    Raises:
        UsageError: It can't be one.
    """
    return _checked(name, "model")


def check_alias(alias: str) -> str:
    """Return an alias for a version.

    Raises:
        UsageError: It can't be one.
    """
    _checked(alias, "alias")
    if _NUMBER.fullmatch(alias) or alias == LATEST:
        meaning = "the newest version" if alias == LATEST else "a version's number"
        raise UsageError(f'"{alias}" can\'t be an alias: it means {meaning}.', hint="Aliases are words: champion.")
    return alias


def parse_reference(text: str) -> ModelReference:
    """Understand ``churn``, ``churn@champion``, ``churn@3``, ``churn/3``.

    Raises:
        UsageError: It is nothing of the kind.
    """
    name, mark, rest = _parted(text.strip())
    check_model_name(name)
    if not mark or (mark == "@" and rest == LATEST):
        return ModelReference(name)
    number = _NUMBER.fullmatch(rest)
    if number:
        return ModelReference(name, version=int(number[1]))
    if mark == "/" or not rest:
        what = f'"{printable(rest)}" is not the number of a version' if rest else "A version or alias is missing"
        raise UsageError(f"{what} in {printable(text)!r}.", hint=_FORMS)
    return ModelReference(name, alias=check_alias(rest))


def parse_source(text: str) -> tuple[str, str | None, str]:
    """Understand ``RUN:NAME`` or ``RUN:STEP/NAME`` as run, step and name.

    The first slash that has something before and behind it parts them; a file's path can be meant by that as well.

    Raises:
        UsageError: It is nothing of the kind.
    """
    run, colon, rest = text.partition(":")
    if not colon or not run.strip() or not rest.strip():
        raise UsageError(
            f"{printable(text)!r} does not say which variable of which run is the model.",
            hint="Write RUN:NAME or RUN:STEP/NAME, such as latest:forest.",
        )
    step, slash, name = rest.strip().partition("/")
    return (run.strip(), step, name) if slash and step and name else (run.strip(), None, rest.strip())


def _parted(text: str) -> tuple[str, str, str]:
    for mark in "@/":
        name, found, rest = text.partition(mark)
        if found:
            return name, mark, rest
    return text, "", ""


def _checked(text: str, what: str) -> str:
    kind = "An alias" if what == "alias" else "A model's name"
    if not text.strip():
        raise UsageError(f"{kind} can't be empty.")
    shown = printable(text[:60])
    if text != text.strip() or not all(letter.isprintable() for letter in text):
        raise UsageError(f"{kind} can't begin or end with blanks, or have line ends and the like in it: {shown!r}.")
    refused = [letter for letter in _REFUSED if letter in text]
    if refused:
        raise UsageError(
            f'{kind} can\'t have "{refused[0]}" in it: {shown!r}.',
            hint="Letters, digits, blanks, - . _ and the like do.",
        )
    if len(text) > _LONGEST or text.strip(".") == "" or text.startswith("-"):
        raise UsageError(
            f"{shown!r} can't be {'an alias' if what == 'alias' else 'the name of a model'}.",
            hint=f"It may have up to {_LONGEST} characters, must not begin with a dash or be dots alone.",
        )
    return text
