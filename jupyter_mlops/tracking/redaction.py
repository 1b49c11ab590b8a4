"""Texts and values without the secrets in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.runtime.secret_names import REDACTED, is_secret

__all__ = ["redact", "redact_text"]

_QUOTED = r"""(?P<prefix>[rRbBuUfF]{0,2})(?P<quote>'''|\"\"\"|'|")(?P<secret>(?:\\.|(?!(?P=quote)).)+)(?P=quote)"""
_ASSIGNED = re.compile(
    r"""(?P<name>[A-Za-z_][\w.-]*)(?P<between>["']?\]?\s*(?::\s*[\w.\[\]| ]+?\s*)?(?:=|:)\s*)""" + _QUOTED, re.DOTALL
)
_SHAPES = re.compile(
    r"(?P<before>[a-z][a-z0-9+.-]*://[^\s/:@'\"]*:)[^\s/@'\"]+(?=@)"  # a password in an address
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}\b|\bgithub_pat_\w{20,}\b|\bglpat-[\w-]{16,}"
    r"|\bhf_[A-Za-z0-9]{20,}\b|\bsk-[A-Za-z0-9_-]{20,}|\bxox[abprs]-[\w-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----",
    re.DOTALL,
)


def redact_text(text: str) -> str:
    """Return a text without what is a secret by its form, or by the name that it is assigned to."""
    return _SHAPES.sub(_shape, _ASSIGNED.sub(_assignment, text))


def redact(name: str, value: Any) -> Any:
    """Return a value without secrets: nothing of it if its name says that it is one.

    Args:
        value: A JSON value.
    """
    if is_secret(name) and value is not None and not isinstance(value, bool):
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {str(key): redact(str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact("", item) for item in value]
    return value


def _assignment(found: re.Match[str]) -> str:
    if not is_secret(found["name"].rpartition(".")[2]):
        return found[0]
    # Lines keep their places.
    lines = "\n" * found["secret"].count("\n")
    return f"{found['name']}{found['between']}{found['prefix']}{found['quote']}{REDACTED}{lines}{found['quote']}"


def _shape(found: re.Match[str]) -> str:
    return f"{found['before'] or ''}{REDACTED}" + "\n" * found[0].count("\n")
