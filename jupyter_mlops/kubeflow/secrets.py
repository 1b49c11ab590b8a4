"""Secrets by reference: ``env:NAME`` and ``keyring:SERVICE/USER``. Their values are never kept, printed or written."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.runtime.secret_names import REDACTED, is_secret

__all__ = ["Redactor", "check_reference", "is_reference", "literal_secret", "resolve", "resolve_all"]

_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|keyring:[^/\s]+/\S+")
_WITH_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)
_SECRET_OPTION = re.compile(r"secret|passw|token|credential|account_key|connection_string|cookie|authorization")
_SHORTEST = 4


def is_reference(text: str) -> bool:
    """Tell whether a text says where a secret is."""
    return _REFERENCE.fullmatch(text) is not None


def check_reference(where: str, value: str, variable: str) -> None:
    """Refuse a secret that is written where a reference belongs.

    Args:
        where: File, table and key, for the message.
        variable: A name for the environment variable that the cure proposes.

    Raises:
        UsageError: The text is no reference; it is not repeated.
    """
    if not is_reference(value):
        raise UsageError(
            f"{where} must say where the secret is, and never hold the secret itself.",
            hint=f'Set the environment variable {variable} and write "env:{variable}", or keep it in the keyring '
            'and write "keyring:SERVICE/USER". If the secret was committed, it is known: replace it.',
        )


def literal_secret(options: Mapping[str, Any], inside: str = "") -> str | None:
    """Return the name of the first option that holds a secret itself, of those for a file system or a URL."""
    for key, value in options.items():
        name = f"{inside}.{key}" if inside else key
        if isinstance(value, Mapping):
            found = literal_secret(value, name)
            if found is not None:
                return found
        elif isinstance(value, str) and not is_reference(value):
            secret = is_secret(key) or _SECRET_OPTION.search(key.lower()) is not None
            if secret or _WITH_PASSWORD.match(value):
                return name
    return None


def resolve(reference: str, purpose: str) -> str:
    """Return the secret that is meant.

    Args:
        purpose: What it is for, for the message: ``the token of the runtime 'prod'``.

    Raises:
        UsageError: It is not there.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        value = os.environ.get(name, "")
        if not value.strip():
            raise UsageError(
                f"The environment variable {name} holds {purpose}, and is not set.", hint=f"Set {name} and try again."
            )
        return value.strip()
    return _from_keyring(name, purpose)


def resolve_all(options: Mapping[str, Any], purpose: str) -> dict[str, Any]:
    """Return options with what their references mean. Errors as for ``resolve``."""
    return {key: _resolved(value, f"{key} of {purpose}") for key, value in options.items()}


def _resolved(value: Any, purpose: str) -> Any:
    if isinstance(value, Mapping):
        return resolve_all(value, purpose)
    return resolve(value, purpose) if isinstance(value, str) and is_reference(value) else value


def _from_keyring(name: str, purpose: str) -> str:
    service, _, user = name.partition("/")
    try:
        import keyring
    except ImportError:
        raise UsageError(
            f"The keyring holds {purpose}, and the library for it is missing.",
            hint='Install it (pip install keyring), or use an environment variable: "env:NAME".',
        ) from None
    try:
        value = keyring.get_password(service, user)
    except Exception as error:  # each system's keyring has errors of its own
        raise UsageError(
            f"The keyring, which holds {purpose}, can't be used: {type(error).__name__}: {error}.",
            hint='Unlock it, or use an environment variable: "env:NAME".',
        ) from None
    if not value:
        raise UsageError(
            f"The keyring has nothing for {service}/{user}, which is {purpose}.",
            hint=f"Put it there: keyring set {service} {user}",
        )
    return str(value).strip()


class Redactor:
    """Takes the secrets that are in use out of texts."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def learn(self, *values: str) -> None:
        """Note secrets that were read."""
        self._values.update(value for value in values if len(value) >= _SHORTEST)

    def __call__(self, text: str) -> str:
        """Return the text without them."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, REDACTED)
        return _WITH_PASSWORD.sub(lambda match: f"{match[0].partition('://')[0]}://{REDACTED}@", text)
