"""Takes secrets out of text that is kept: values of names that promise one, tokens of known forms."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from jupyter_mlops.runtime.secret_names import REDACTED, is_secret

__all__ = [
    "TOKEN_STARTS",
    "is_worth_hiding",
    "may_hold_token",
    "redact",
    "redact_command",
    "secret_file",
    "secret_values",
    "without_tokens",
]

_SHORTEST = 6
"""Characters of a value that is looked for: shorter ones stand in too many places by chance."""

_COMMON = frozenset(
    [
        *("anonymous", "bearer", "change-me", "change_me", "changeme", "credentials", "default"),
        *("development", "disabled", "enabled", "example", "filesystem", "keychain", "keyring", "localhost"),
        *("notebook", "optional", "passwd", "password", "private", "production", "project", "public"),
        *("redacted", "required", "research", "secret", "secrets", "testing", "undefined", "unknown"),
        *("username", "workspace", "xxxxxx", "xxxxxxxx"),
    ]
)
"""Values that stand for a secret, or say where one comes from; as words they are everywhere."""

_VALUE = (
    r"""(?P<value>\\"[^"\n]*?\\"|\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
    r"""|(?:\\(?![ntr])|[^\s"',;)}\]\\])+)"""
)
"""A text in quotes, which are escaped in a notebook's file, or a word."""

_ASSIGNED = re.compile(
    r"""(?:(?<![\w.\\-])|(?<=--)|(?<=\\[ntr]))(?P<name>[A-Za-z_][\w.-]*)(?![\w.-])(?P<between>\\?["']?\]?"""
    r"""(?:\s*:\s*[A-Za-z][\w.|\[\] ]{0,60}?\s{0,9}=(?!=)\s*|\s*(?::=|=>|==?|:)\s*)"""  # with a type, or without
    r"""(?:[rRbBuUfF]{1,2}(?=\\?["']))?)""" + _VALUE,
    re.DOTALL,
)
_OPTION = re.compile(r"--(?P<name>[A-Za-z][\w-]*)(?P<between>[ \t]+)" + _VALUE)
_FORMS = re.compile(
    r"(?:AKIA|ASIA)[0-9A-Z]{16}"  # Amazon
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|xox[abprs]-[\w-]{10,}"  # Slack
    r"|\bsk-[\w-]{20,}|\bhf_[A-Za-z0-9]{20,}|AIza[\w-]{30,}"
    r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"  # a JSON web token
)
_ADDRESS = re.compile(r"://[^\s/:@]*:[^\s/@]+@")  # begins with a text, which is searched for quickly
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_BEARER = re.compile(r"(?i)\b(?P<kind>bearer|basic)\s+(?=\S*[0-9=])[A-Za-z0-9+/=._~-]{12,}")
_BEARERS = ("earer ", "EARER ", "asic ", "ASIC ")
TOKEN_STARTS = (
    *("AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxa-", "xoxb-", "xoxp-"),
    *("xoxr-", "xoxs-", "sk-", "hf_", "AIza", "eyJ"),
)
"""What tokens of known forms begin with."""

_TELLING = (
    "AKIA",
    "ASIA",
    "AIza",
    ".eyJ",
    "hf_",
    "sk-",
    "xox",
    "glpat-",
    "github_pat_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
)
"""A text without any of these has no token of a known form."""
_FILES = re.compile(
    r"(?:^|/)(?:\.env(?:\.[\w.-]+)?|\.netrc|\.pgpass|\.pypirc|\.htpasswd|id_(?:rsa|dsa|ecdsa|ed25519)|credentials|"
    r"[^/]*\.(?:pem|key|p12|pfx|keystore|kdbx))$"
)
_NUMBER = re.compile(r"[+-]?[\d.,_]+(?:[eE][+-]?\d+)?")
_PLACE = re.compile(r"[/~]|\.{1,2}[/\\]|[A-Za-z]:[/\\]")
_HARMLESS = frozenset(["", "none", "null", "true", "false", "str", "int", "bool", "os.environ", "..."])


def secret_values(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the values of environment variables whose names promise a secret, the longest first."""
    variables = os.environ if environment is None else environment
    found = {value for name, value in variables.items() if is_secret(name) and is_worth_hiding(value)}
    return tuple(sorted(found, key=len, reverse=True))


def is_worth_hiding(value: str) -> bool:
    """Tell whether the value of a secret can be looked for: it is no number, no common word and no place."""
    text = value.strip()
    if len(text) < _SHORTEST or text.lower() in _COMMON:
        return False
    if _NUMBER.fullmatch(text):
        return False
    return not (_PLACE.match(text) and _exists(text))


def _exists(path: str) -> bool:
    """A variable may name the file that the secret is in."""
    try:
        return Path(path).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def secret_file(path: str) -> bool:
    """Tell whether a file is there to hold secrets."""
    return _FILES.search(path.lower()) is not None


def redact(text: str, values: Iterable[str] = ()) -> str:
    """Take secrets out of a text.

    Args:
        values: Texts that are secrets themselves.
    """
    text = _KEY.sub(lambda match: REDACTED + "\n" * match[0].count("\n"), text)
    for value in values:
        text = text.replace(value, REDACTED)
    text = without_tokens(text)
    return _OPTION.sub(_without_value, _ASSIGNED.sub(_without_value, text))


def may_hold_token(text: str) -> bool:
    """Tell whether a text has anything by which ``without_tokens`` could find a secret; quick, and seldom true."""
    return any(sign in text for sign in (*_TELLING, "PRIVATE KEY-----", "://", *_BEARERS))


def without_tokens(text: str, *, code: bool = False) -> str:
    """Take out what looks like a secret by itself: tokens of known forms, private keys, passwords in addresses.

    Args:
        code: Whether it is code, in which an address may be made of variables.
    """
    if "PRIVATE KEY-----" in text:
        text = _KEY.sub(lambda match: REDACTED + "\n" * match[0].count("\n"), text)
    if any(start in text for start in _TELLING):  # far quicker than the expression, which is seldom needed
        text = _FORMS.sub(REDACTED, text)
    if code:
        return text
    if "://" in text:
        text = _ADDRESS.sub(f"://{REDACTED}@", text)
    if any(start in text for start in _BEARERS):
        text = _BEARER.sub(rf"\g<kind> {REDACTED}", text)
    return text


def redact_command(command: str) -> str:
    """Take secrets out of a command line; the value of a parameter is a word of its own."""
    words = shlex.split(command.encode("utf-8", "backslashreplace").decode("utf-8"))
    for place, word in enumerate(words[:-1]):
        if is_secret(word) and place and words[place - 1] in ("-p", "-r", "--parameters", "--parameters_raw"):
            words[place + 1] = REDACTED
    return redact(shlex.join(words), secret_values())


def _without_value(match: re.Match[str]) -> str:
    value = match["value"]
    mark = next((mark for mark in ('\\"', '"', "'") if value.startswith(mark)), "")
    quote = 3 * mark if mark and value.startswith(3 * mark) and len(value) > 5 else mark
    content = value.removeprefix(quote).removesuffix(quote)
    is_code = not quote and ("(" in content or "[" in content or content.lower() in _HARMLESS)
    if not content or is_code or not is_secret(match["name"]):
        return match[0]
    lines = "\n" * value.count("\n")  # those below keep their numbers
    return f"{match[0][: -len(value)]}{quote}{REDACTED}{lines}{quote}"
