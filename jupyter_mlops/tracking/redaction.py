"""Values that are shown, without the secrets in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_mlops.engine.redaction import redact as redact_text
from jupyter_mlops.runtime.secret_names import REDACTED, is_secret

__all__ = ["redact", "redact_text"]


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
