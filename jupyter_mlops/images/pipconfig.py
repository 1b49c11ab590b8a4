"""How pip reaches its packages here, for the pip inside a build: as secrets of the build, never in a layer."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.images.rendering import CA_SECRET, PIP_SECRET, SECRETS_FOLDER
from jupyter_mlops.notebook.model import BuildSettings

__all__ = ["PipAccess", "pip_access"]

_TAKEN = (
    "index-url",
    "extra-index-url",
    "find-links",
    "trusted-host",
    "proxy",
    "timeout",
    "default-timeout",
    "retries",
    "no-index",
    "only-binary",
    "no-binary",
    "prefer-binary",
)
_LISTS = ("extra-index-url", "find-links")
_SCOPES = ("global", "install", ":env:")
_LINE = re.compile(r"(\S+?)\.([a-z-]+)=(.*)")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_SECONDS = 30


@dataclass(frozen=True)
class PipAccess:
    """What a build is given so that its pip finds what pip finds here.

    Args:
        secrets: Files, by the id of the secret.
        folders: Folders of this machine that pip's configuration names.
        values: What is secret in them, to be struck out of messages.
    """

    secrets: Mapping[str, Path]
    folders: tuple[Path, ...] = ()
    values: tuple[str, ...] = field(default=(), repr=False)


@contextmanager
def pip_access(build: BuildSettings, interpreter: tuple[str, ...] | None) -> Iterator[PipAccess]:
    """Write pip's configuration to a private folder, and remove it at the end.

    Args:
        build: Its index URLs count before the configuration.
        interpreter: Command of the Python whose pip is asked for its configuration.

    Raises:
        UsageError: An environment variable that an index URL names is not set.
        InfrastructureError: The disk is full.
    """
    settings = _configured(interpreter)
    if build.index_url is not None:
        settings["index-url"] = [_expanded(build.index_url)]
    if build.extra_index_urls:
        own = [_expanded(url) for url in build.extra_index_urls]
        settings["extra-index-url"] = [*settings.get("extra-index-url", []), *own]
    authority = next((Path(value) for value in settings.pop("cert", []) if Path(value).is_file()), None)
    secret = _written(_text(settings, authority is not None))
    try:
        secrets = {PIP_SECRET: secret}
        if authority is not None:
            secrets[CA_SECRET] = authority
        urls = [url for key in ("index-url", "extra-index-url", "find-links", "proxy") for url in settings.get(key, [])]
        passwords = tuple(dict.fromkeys(word for url in urls if (word := _password(url))))
        yield PipAccess(secrets, tuple(_folders(settings)), passwords)
    finally:
        shutil.rmtree(secret.parent, ignore_errors=True)


def _written(text: str) -> Path:
    """Write a file into a folder of its own that only its owner may enter."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="mlops-build-"))
        path = folder / PIP_SECRET
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return path
    except OSError as error:
        raise InfrastructureError(f"pip's configuration for the build can't be written: {error}.") from error


def _configured(interpreter: tuple[str, ...] | None) -> dict[str, list[str]]:
    """Ask pip for its configuration; files, then environment variables, the later one counts."""
    for command in dict.fromkeys((interpreter or (sys.executable,), (sys.executable,))):
        try:
            done = subprocess.run(
                [*command, "-m", "pip", "config", "list"], capture_output=True, text=True, timeout=_SECONDS, check=True
            )
        except (OSError, subprocess.SubprocessError):
            continue
        return _parsed(done.stdout)
    return _parsed("")


def _parsed(listing: str) -> dict[str, list[str]]:
    scopes: dict[str, dict[str, list[str]]] = {scope: {} for scope in _SCOPES}
    for line in listing.splitlines():
        found = _LINE.fullmatch(line.strip())
        if found and found[1] in scopes and found[2] in (*_TAKEN, "cert"):
            try:
                value = ast.literal_eval(found[3])
            except (ValueError, SyntaxError):
                continue
            scopes[found[1]][found[2]] = str(value).split()
    merged: dict[str, list[str]] = {}
    for scope in _SCOPES:
        merged.update(scopes[scope])
    if "cert" not in merged:
        found_here = [os.environ[name] for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE") if os.environ.get(name)]
        merged["cert"] = found_here[:1]
    return merged


def _expanded(url: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise UsageError(
                f"The index URL of the image names the environment variable {match[1]}, which is not set.",
                hint=f"Set {match[1]}, for example to a token of the index.",
            )
        return os.environ[match[1]]

    return _VARIABLE.sub(value, url)


def _text(settings: Mapping[str, list[str]], has_authority: bool) -> str:
    lines = ["[global]"]
    for key in _TAKEN:
        if settings.get(key):
            name = "timeout" if key == "default-timeout" else key
            lines.append(f"{name} =" + "".join(f"\n    {value}" for value in settings[key]).replace("%", "%%"))
    if has_authority:
        lines.append(f"cert = {SECRETS_FOLDER}/{CA_SECRET}")
    return "\n".join(lines) + "\n"


def _folders(settings: Mapping[str, list[str]]) -> Iterator[Path]:
    """Folders that must be visible at the same place; an index often points to files beside it."""
    for key in ("index-url", *_LISTS):
        for value in settings.get(key, []):
            path = Path(url2pathname(urlsplit(value).path)) if value.startswith("file:") else Path(value)
            if "://" in value and not value.startswith("file:"):
                continue
            if path.name == "simple":
                path = path.parent
            if path.is_absolute() and path.is_dir() and path != Path("/"):
                yield path


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None
