"""Lines of a notebook that install packages: requirements, not work."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

__all__ = ["Install", "read_install"]

_INSTALLERS = re.compile(r"(?:pip[0-9.]*|conda|mamba|micromamba)(?:\.exe)?", re.IGNORECASE)
_PYTHON = re.compile(r"(?:\{sys\.executable\}|\$\{?sys\.executable\}?|(?:.*[/\\])?python[0-9.]*(?:\.exe)?)")
_FILTERS = frozenset({"tail", "head", "grep", "cat", "wc"})
_TRIVIAL = frozenset({"echo", "clear", "true", ":"})
_JOINTS = frozenset({"&&", "||", ";", "|"})
_TO_NOWHERE = re.compile(r"(?:[12&]?>>?\s*/dev/null|[12]?>&[12])(?=\s|$|[;|&])")
_REDIRECTION = re.compile(r"[0-9&]?[<>]")
_INTERPOLATED = re.compile(r"\{(?!sys\.executable\})[^{}\s]|\$[A-Za-z_{(]|`")
# options of pip, conda and uv that take a value; its next word is no requirement
_WITH_VALUE = re.compile(
    r"-[icfntp]|--(index-url|extra-index-url|find-links|constraint|channel|target|trusted-host|timeout|retries|proxy"
    r"|prefix|root|src|cache-dir|log|python|name|progress-bar|platform|implementation|abi|upgrade-strategy|no-binary"
    r"|only-binary|index|default-index|solver|python-version)"
)
_NAMING = {"-r": "-r", "--requirement": "-r", "--file": "-r", "-e": "-e", "--editable": "-e"}


@dataclass(frozen=True, slots=True)
class Install:
    """A line that installs packages.

    Args:
        requirements: What it asks for, each as written but without quotes; options are left out, but for
            ``-r FILE`` and ``-e PATH``.
        is_all: Whether the line does nothing else and depends on no variable.
        reads_sys: Whether it is written with ``{sys.executable}``.
    """

    requirements: tuple[str, ...]
    is_all: bool
    reads_sys: bool = False


def read_install(command: str) -> Install | None:
    """Understand a shell command or a line magic (without its ``%`` or ``!``) as an installation.

    Args:
        command: For example ``pip install -q "pandas>=2" && echo done``.

    Returns:
        What it installs, or None if it installs nothing.
    """
    if "install" not in command and not re.search(r"\badd\b", command):
        return None
    try:
        segments = _segments(_TO_NOWHERE.sub(" ", command))
    except ValueError:  # quotes that don't close
        return None
    plain = [(joint, _without_redirections(words)) for joint, words in segments]
    installs = [_requirements(words) for _, words in plain]
    if all(names is None for names in installs):
        return None
    is_all = plain == segments and _INTERPOLATED.search(command) is None
    is_all &= all(
        names is not None or _is_harmless(joint, words) for (joint, words), names in zip(plain, installs, strict=True)
    )
    found = [name for names in installs for name in names or () if not _INTERPOLATED.search(name)]
    return Install(tuple(dict.fromkeys(found)), is_all, "sys.executable" in command)


def _without_redirections(words: list[str]) -> list[str]:
    kept: list[str] = []
    remaining = iter(words)
    for item in remaining:
        if not _REDIRECTION.match(item):
            kept.append(item)
        elif item[-1] in "<>":
            next(remaining, None)
    return kept


def _segments(text: str) -> list[tuple[str, list[str]]]:
    """Split a command line into simple commands, each with the operator before it."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";|&")
    lexer.whitespace_split = True
    lexer.commenters = ""
    lexer.escape = ""  # Windows paths keep their backslashes
    segments: list[tuple[str, list[str]]] = [("", [])]
    for token in lexer:
        if token.startswith("#"):
            break
        if token in _JOINTS:
            segments.append((token, []))
        else:
            segments[-1][1].append(token)
    return [segment for segment in segments if segment[1]]


def _is_harmless(joint: str, words: list[str]) -> bool:
    return not words or words[0] in _TRIVIAL or (joint == "|" and words[0] in _FILTERS and len(words) <= 3)


def _requirements(words: list[str]) -> list[str] | None:
    """Return what a simple command installs, or None if it is no installation."""
    rest = words[1:] if words[:1] == ["sudo"] else words
    if len(rest) > 2 and _PYTHON.fullmatch(rest[0]) and rest[1] == "-m":
        rest = rest[2:]
    if not rest:
        return None
    if rest[0] == "uv":
        rest = rest[1:] if rest[1:2] == ["add"] else rest[2:] if rest[1:2] == ["pip"] else []
        is_install = rest[:1] in (["add"], ["install"])
    else:
        is_install = _INSTALLERS.fullmatch(rest[0]) is not None and "install" in _leading(rest[1:])
        rest = rest[rest.index("install") :] if is_install else []
    return _named(rest[1:]) if is_install else None


def _leading(words: list[str]) -> list[str]:
    """Return the words up to the first that is no option (``pip -q install``, ``conda install``)."""
    for index, item in enumerate(words):
        if not item.startswith("-"):
            return words[: index + 1]
    return words


def _named(words: list[str]) -> list[str]:
    named: list[str] = []
    remaining = iter(words)
    for item in remaining:
        option, equals, value = item.partition("=")
        if not item.startswith("-"):
            named.append(item)
        elif option in _NAMING:
            named.append(f"{_NAMING[option]} {value if equals else next(remaining, '')}".strip())
        elif _WITH_VALUE.fullmatch(item):
            next(remaining, None)
    return named
