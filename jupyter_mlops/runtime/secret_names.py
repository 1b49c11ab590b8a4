"""Which names promise that what they name is a secret."""

from __future__ import annotations

import re

__all__ = ["REDACTED", "is_secret"]

REDACTED = "[redacted]"

_SECRET = re.compile(
    r"(?:^|[^a-z])(?:passwords?|passwd|passphrases?|pwd|secrets?|credentials?|api_?keys?|private_?keys?|access_?keys?"
    r"|(?:auth|access|api|bearer|refresh|id|session|bot|github|gitlab|hf)_?tokens?)(?:$|[^a-z])"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_secret(name: str) -> bool:
    """Tell whether a name says that its value is a secret: ``db_password``, ``apiKey``; not ``max_tokens``."""
    text = _CAMEL.sub("_", name).lower().replace("-", "_").replace(".", "_")
    if name.isupper() and text.endswith("_token"):  # of variables of the environment; ``pad_token`` is a word
        return True
    return text in ("token", "auth") or _SECRET.search(text) is not None
