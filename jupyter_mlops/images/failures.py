"""From what podman, docker and pip print to one message each. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from jupyter_mlops.errors import InfrastructureError, MlopsError, UsageError

__all__ = ["build_error", "push_error", "relevant_lines"]

_MOST_LINES = 6
_LONGEST = 240
_PREFIX = re.compile(r"^(?:#\d+ (?:\d+\.\d+ )?|\[\d+/\d+\] |\s+> )")
_VERSIONS = re.compile(r"\(from versions: ([^)]*)\)")
_CREDENTIALS = re.compile(r"(://)[^/@\s]+@")


class _Cause(NamedTuple):
    """A pattern of what is printed, and what it means; groups of the pattern may be named in the texts."""

    pattern: str
    kind: type[MlopsError]
    message: str
    hint: str | None = None


_DISK = _Cause(
    r"no space left on device|ENOSPC|disk quota exceeded|not enough free space",
    InfrastructureError,
    "The disk is full",
    "Free space, for example with `podman system prune` (or `docker system prune`).",
)
_NETWORK = (
    r"dial tcp|no such host|connection refused|i/o timeout|network is unreachable|Temporary failure in name resolution"
    r"|TLS handshake timeout|connection reset|EOF$"
)
_TLS = r"x509:|certificate verify failed|CERTIFICATE_VERIFY_FAILED|tls: failed"

_PIP = (
    _Cause(
        r"No matching distribution found for (?P<what>\S+)",
        UsageError,
        "pip finds no {what} for the image's Python and platform",
        "Is it on the index that pip uses? Name a private one in `index_url` or `extra_index_urls`; "
        "a version that only exists here must be published first.",
    ),
    _Cause(
        r"THESE PACKAGES DO NOT MATCH THE HASHES",
        UsageError,
        "pip got files with other hashes than the project's lock file has",
        "Make the lock file again, or find out who changed the files.",
    ),
    _Cause(
        r"ResolutionImpossible|conflicting dependencies",
        UsageError,
        "pip can't satisfy the requirements together",
        "Loosen what `packages` ask for.",
    ),
    _Cause(
        r"Failed building wheel for|Failed to build \S+|error: command '\S*(?:gcc|cc|g\+\+)\S*'"
        r"|metadata-generation-failed|subprocess-exited-with-error",
        UsageError,
        "pip can't build a package that has no wheel for the image's platform",
        "Name the Debian packages that its build needs in `build_packages`, such as build-essential.",
    ),
    _Cause(r"Invalid requirement", UsageError, "pip does not understand a requirement"),
    _Cause(
        r"401 Error|401 Client Error|User for .+: *$|EOFError: EOF when reading",
        UsageError,
        "The package index wants other credentials",
        "Put them into pip's configuration, or into the URL as ${{VARIABLE}} in `index_url`.",
    ),
    _Cause(
        r"403 Client Error|403 Error",
        UsageError,
        "The package index refuses access (403)",
        "See what your account may read there.",
    ),
    _Cause(
        _TLS,
        InfrastructureError,
        "The certificate of the package index is not trusted in the build",
        "Set `cert` in pip's configuration; it is passed to the build.",
    ),
    _Cause(
        r"NewConnectionError|Max retries exceeded|Failed to establish a new connection|ReadTimeoutError"
        r"|Temporary failure in name resolution|Network is unreachable",
        InfrastructureError,
        "pip can't reach the package index from within the build",
        "See pip's configuration and proxy; `--build-option=--network=host` uses this machine's network.",
    ),
)
_CONDA = (
    _Cause(
        r"[└├]─ (?P<what>\S+).* does not exist \(perhaps a typo|nothing provides requested (?P<other>\S+)",
        UsageError,
        "conda finds no {what}{other} for the image's platform",
        "See how it is written, and the `channels` of environment.yml; what they lack can be below `pip:`.",
    ),
    _Cause(
        r"Could not solve for environment specs",
        UsageError,
        "conda can't satisfy the environment's packages together",
        "Loosen the versions in environment.yml.",
    ),
    _Cause(
        r"libmamba .*(?:Download error|Could not (?:resolve|connect)|Could not load repodata|Multiple errors occurred)",
        InfrastructureError,
        "conda can't reach its channels from within the build",
        "See `channels` in environment.yml, and proxy; `--build-option=--network=host` uses this machine's network.",
    ),
    _Cause(
        r"micromamba: (?:not found|command not found)|\"?micromamba\"?: executable file not found",
        UsageError,
        "The image that is to make the conda environment has no micromamba",
        "Name one that has it as `builder` in the image's settings.",
    ),
)
_BASE = (
    _Cause(
        r"unauthorized|authentication required|401 Unauthorized",
        UsageError,
        "The registry wants a login for the base image {base}",
        "Log in with `{engine} login REGISTRY`.",
    ),
    _Cause(
        r"manifest unknown|not found: manifest|manifest for .+ not found|name unknown|repository does not exist"
        r"|pull access denied|: not found|requested access to the resource is denied|image not known"
        r"|did not resolve to an alias|failed to resolve source metadata",
        UsageError,
        "The base image {base} was not found",
        "See how it is written, and whether its registry is reachable from here.",
    ),
    _Cause(
        r"no image found in (?:manifest list|image index) for architecture|no match for platform",
        UsageError,
        "The base image {base} does not exist for this platform",
        "Set `platform` or another `base`.",
    ),
    _Cause(_TLS, InfrastructureError, "The certificate of the base image's registry is not trusted ({base})"),
    _Cause(
        _NETWORK,
        InfrastructureError,
        "The registry of the base image {base} can't be reached",
        "Is there a network, a proxy, a mirror? Name an image that is on this machine as `base` otherwise.",
    ),
)
_BUILD = (
    _Cause(
        r"mlops: Python (?P<what>[\d.]+)",
        UsageError,
        "The base image {base} has Python {what}, the notebook's kernel another one",
        "Name a `base` with the kernel's version; values that one has pickled may not load in the other.",
    ),
    _Cause(
        r"python3: not found|\"?python3\"?: executable file not found|python3: command not found",
        UsageError,
        "The base image {base} has no python3",
        "Name another `base`, or python3 and python3-venv in `system_packages`.",
    ),
    _Cause(
        r"ensurepip is not available|No module named (?:venv|ensurepip)",
        UsageError,
        "The base image {base} has a Python without venv",
        "Name python3-venv in `system_packages` of the image's settings.",
    ),
    _Cause(
        r"Unable to locate package (?P<what>\S+)",
        UsageError,
        "There is no Debian package {what}",
        "See `system_packages` and `build_packages` of the image's settings.",
    ),
    _Cause(
        r"apt-get: (?:not found|command not found)",
        UsageError,
        "The base image {base} is not of Debian or Ubuntu, so `system_packages` can't be installed",
        "Install them with an own `dockerfile`.",
    ),
    _Cause(
        r"Cannot connect to the Docker daemon|docker daemon is not running",
        InfrastructureError,
        "The service of docker is not running",
        "Start it, or use podman.",
    ),
    _Cause(
        r"buildx component is missing|BuildKit is enabled but",
        InfrastructureError,
        "docker lacks its component buildx",
        "Install docker-buildx, or use podman.",
    ),
    _Cause(r"\bKilled\b|signal: killed|exit (?:code|status):? 137", InfrastructureError, "The build ran out of memory"),
)
_PUSH = (
    _Cause(
        r"unauthorized|authentication required|\b401\b|no basic auth credentials",
        UsageError,
        "The registry {registry} wants a login",
        "Log in with `{engine} login {registry}`.",
    ),
    _Cause(
        r"denied|\b403\b|forbidden|insufficient_scope",
        UsageError,
        "The registry {registry} does not let you push {reference}",
        "See what your account may write there, and how the name is written.",
    ),
    _Cause(
        r"server gave HTTP response to HTTPS client",
        InfrastructureError,
        "The registry {registry} speaks HTTP, not HTTPS",
        "Name it among the insecure registries of {engine} (registries.conf, daemon.json), if you trust its network.",
    ),
    _Cause(_TLS, InfrastructureError, "The certificate of the registry {registry} is not trusted"),
    _Cause(
        r"name unknown|repository does not exist|\b404\b",
        UsageError,
        "The registry {registry} has no place for {reference}",
        "Create the repository there, or see how the name is written.",
    ),
    _Cause(
        _NETWORK,
        InfrastructureError,
        "The registry {registry} can't be reached",
        "Is its name right, and is there a network, a VPN, a proxy?",
    ),
)


def build_error(lines: Sequence[str], engine: str, base: str, log: str | None = None, *others: str) -> MlopsError:
    """Say why a build failed.

    Args:
        lines: All that was printed.
        base: The base image's name.
        others: Images that the Dockerfile takes besides.
        log: Where all of it can be read.
    """
    text = "\n".join(lines)
    in_pip = any(line.lstrip().startswith("ERROR:") for line in map(_plain, lines)) or "pip" in "\n".join(lines[-5:])
    groups = [(_DISK,), _BUILD, _CONDA, _PIP if in_pip else (), _BASE]
    told = "\n".join(relevant_lines(lines))
    names = {"engine": engine, "base": next((name for name in others if name.rpartition(":")[0] in told), base)}
    return _error(text, [cause for group in groups for cause in group], names, "The image can't be built", lines, log)


def push_error(lines: Sequence[str], engine: str, reference: str) -> MlopsError:
    """Say why a push failed; nothing is registered then."""
    registry = reference.partition("/")[0]
    names = {"engine": engine, "registry": registry, "reference": reference}
    return _error("\n".join(lines), [_DISK, *_PUSH], names, f"{reference} can't be pushed", lines, None)


def _error(
    text: str,
    causes: Sequence[_Cause],
    names: dict[str, str],
    otherwise: str,
    lines: Sequence[str],
    log: str | None,
) -> MlopsError:
    shown = relevant_lines(lines)
    quoted = "".join(f"\n  {line}" for line in shown)
    where = f"\n  (all of it: {log})" if log else ""
    for cause in causes:
        found = re.search(cause.pattern, text, re.IGNORECASE | re.MULTILINE)
        if found:
            values = {**{key: value or "" for key, value in found.groupdict().items()}, **names}
            message = cause.message.format(**values)
            hint = cause.hint.format(**values) if cause.hint else None
            return cause.kind(f"{message}:{quoted}{where}" if quoted else f"{message}.", hint=hint)
    return InfrastructureError(f"{otherwise}:{quoted}{where}" if quoted else f"{otherwise}; nothing says why.")


def relevant_lines(lines: Sequence[str]) -> list[str]:
    """Return the few lines that say what went wrong."""
    plain = [line for line in map(_plain, lines) if line.strip()]
    errors = [
        line.strip()
        for line in plain
        if re.match(r"\s*(ERROR|E|Error|error|fatal|mlops)\b ?:|\s*[└├]─ |(critical|error) +libmamba ", line)
        or "exit status" in line
        or "executor failed" in line
    ]
    telling = [line for line in errors if "exit status" not in line and "did not complete successfully" not in line]
    chosen = list(dict.fromkeys(telling or errors or [line.strip() for line in plain[-3:]]))
    return [_short(line) for line in chosen[-_MOST_LINES:]]


def _plain(line: str) -> str:
    return _PREFIX.sub("", re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line))


def _short(line: str) -> str:
    """Leave most of a long list of versions out, and credentials in any case."""

    def some(found: re.Match[str]) -> str:
        versions = found[1].split(", ")
        listed = versions if len(versions) <= 4 else ["…", *versions[-3:]]
        return f"(from versions: {', '.join(listed)})"

    text = _CREDENTIALS.sub(r"\1***@", _VERSIONS.sub(some, line))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
