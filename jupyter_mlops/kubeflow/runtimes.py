"""Runtimes: the named places to run that ``mlops.toml`` knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_mlops.errors import UsageError
from jupyter_mlops.kubeflow.names import NAMESPACE
from jupyter_mlops.kubeflow.secrets import check_reference, literal_secret
from jupyter_mlops.notebook.names import nearest
from jupyter_mlops.store.projectfile import FILE, check_table, project_table

__all__ = ["AUTH_KEYS", "EXAMPLE", "Auth", "Runtime", "find_runtime", "read_runtime", "read_runtimes"]

EXAMPLE = '[runtimes.prod]\nhost = "https://kubeflow.example.org/pipeline"\nnamespace = "team-a"'

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_KINDS: Mapping[str, type] = {
    "host": str,
    "namespace": str,
    "pipeline_root": str,
    "registry": str,
    "experiment": str,
    "ui": str,
    "ca": str,
    "service_account": str,
    "auth": dict,
    "storage": dict,
}
AUTH_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "none": ((), ()),
    "token": (("token",), ()),
    "token_file": (("path",), ()),
    "service_account": ((), ("path",)),
    "client_credentials": (("token_url", "client_id", "client_secret"), ("scope", "audience")),
    "cookie": (("cookie",), ()),
}
"""For each way to prove who one is: the keys it needs, and those it may have."""

_SECRETS = ("token", "client_secret", "cookie")


@dataclass(frozen=True, slots=True)
class Auth:
    """How to prove who one is.

    Args:
        kind: A key of ``AUTH_KEYS``.
        values: Its keys; secrets are references.
    """

    kind: str = "none"
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Runtime:
    """A Kubeflow host.

    Args:
        host: Base URL of the API, without a slash at the end.
        namespace: Empty where Kubeflow is for a single user.
        pipeline_root: Where steps leave what they make; empty for what the cluster has set.
        registry: Where images are pushed to, and pulled from.
        experiment: The group runs are in unless they say another.
        ui: Base URL of the pages, if it is not ``host``.
        ca: File with the certificates that sign the host's.
        service_account: Name of the Kubernetes service account that pods run as.
        storage: Options of the file system of ``pipeline_root``; secrets are references.
    """

    name: str
    host: str
    namespace: str = ""
    pipeline_root: str = ""
    registry: str = ""
    experiment: str = ""
    ui: str = ""
    ca: str = ""
    service_account: str = ""
    auth: Auth = Auth()
    storage: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pages(self) -> str:
        """Base URL of the pages that people look at."""
        return self.ui or self.host

    @property
    def is_remote(self) -> bool:
        """Whether it is on another machine, as far as its address says."""
        return (urlsplit(self.host).hostname or "") not in ("localhost", "127.0.0.1", "::1")

    def to_json(self) -> dict[str, Any]:
        """Return what may be shown; references stand for secrets."""
        texts = ("name", "host", "namespace", "pipeline_root", "registry", "experiment", "ui", "ca", "service_account")
        return {
            **{name: getattr(self, name) or None for name in texts},
            "auth": {"type": self.auth.kind, **self.auth.values},
            "storage": dict(self.storage),
        }


def read_runtimes(root: Path) -> dict[str, Runtime]:
    """Return all runtimes of a project.

    Args:
        root: The project's root.

    Raises:
        UsageError: The file says something that makes no sense, or holds a secret.
    """
    table = project_table(root, "runtimes", EXAMPLE)
    return {name: read_runtime(root / FILE, name, value) for name, value in table.items()}


def find_runtime(root: Path, name: str) -> Runtime:
    """Return a runtime of a project.

    Raises:
        UsageError: There is none of this name, or the file makes no sense.
    """
    runtimes = read_runtimes(root)
    if name in runtimes:
        return runtimes[name]
    if not runtimes:
        raise UsageError(
            f"There is no runtime {name!r}: {root / FILE} has none.",
            hint=f"Add it: jupyter mlops runtime add {name} --host https://HOST",
        )
    near = nearest(name, runtimes)
    hint = f"Did you mean {near!r}?" if near else f"There are: {', '.join(runtimes)}."
    raise UsageError(f"There is no runtime {name!r} in {root / FILE}.", hint=hint)


def read_runtime(path: Path, name: str, table: Any) -> Runtime:
    """Return the runtime that a table describes.

    Args:
        path: The file, for messages.

    Raises:
        UsageError: It makes no sense, or holds a secret.
    """
    where = f"[runtimes.{name}]"
    if not _NAME.fullmatch(name):
        raise UsageError(f"{path}: {name!r} can't be the name of a runtime.", hint="Letters, digits, - and _ only.")
    if not isinstance(table, Mapping):
        raise UsageError(f"{path}: {where} is a table.", hint=f"Write: {EXAMPLE}")
    _refuse_stray_secrets(path, where, table)
    check_table(path, where, table, _KINDS)
    texts = {key: str(value).strip() for key, value in table.items() if isinstance(value, str)}
    host = _host(path, where, texts.pop("host", ""))
    namespace = texts.get("namespace", "")
    if namespace and not NAMESPACE.fullmatch(namespace):
        raise UsageError(
            f"{path}: {where} namespace can't be {namespace!r}.",
            hint="Kubernetes takes at most 63 lower-case letters, digits and -.",
        )
    root = texts.get("pipeline_root", "")
    if root and not _SCHEME.match(root):
        raise UsageError(
            f"{path}: {where} pipeline_root is a URL, not {root!r}.", hint='Such as "s3://bucket/folder" or "gs://…".'
        )
    if texts.get("ui"):
        texts["ui"] = _host(path, f"{where} ui", texts["ui"])
    return Runtime(name, host, **texts, auth=_auth(path, name, table.get("auth", {})), storage=table.get("storage", {}))


def _host(path: Path, where: str, text: str) -> str:
    if not text:
        raise UsageError(f"{path}: {where} has no host.", hint='Write: host = "https://…", as the browser shows it.')
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises for one that is none
    except ValueError as error:
        raise UsageError(f"{path}: {where} host makes no sense as a URL: {error}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"{path}: {where} host is a URL with http:// or https://, not {text!r}.", hint=f"Try: https://{text}"
        )
    # People copy it from the browser: what follows # is a page.
    return text.partition("#")[0].rstrip("/")


def _auth(path: Path, name: str, table: Mapping[str, Any]) -> Auth:
    where = f"[runtimes.{name}.auth]"
    kind = table.get("type", "none")
    if not isinstance(kind, str) or kind not in AUTH_KEYS:
        near = nearest(str(kind), AUTH_KEYS)
        hint = f"Did you mean {near!r}?" if near else f"There are: {', '.join(AUTH_KEYS)}."
        raise UsageError(f"{path}: {where} type can't be {kind!r}.", hint=hint)
    needed, allowed = AUTH_KEYS[kind]
    check_table(path, where, table, {"type": str, **dict.fromkeys((*needed, *allowed), str)})
    for key in needed:
        if not table.get(key):
            raise UsageError(f"{path}: {where} of type {kind!r} needs {key}.")
    values = {key: str(value) for key, value in table.items() if key != "type"}
    for key in _SECRETS:
        if key in values:
            check_reference(f"{path}: {where} {key}", values[key], f"{_variable(name)}_{key.upper()}")
    if "token_url" in values:
        _host(path, f"{where} token_url", values["token_url"])
    return Auth(kind, values)


def _refuse_stray_secrets(path: Path, where: str, table: Mapping[str, Any]) -> None:
    """Before all other checks, so that no message repeats one."""
    found = literal_secret({key: value for key, value in table.items() if key != "auth"})
    auth = table.get("auth", {})
    if found is None and isinstance(auth, Mapping):
        inside = literal_secret({key: value for key, value in auth.items() if key not in _NO_SECRETS})
        found = inside and f"auth.{inside}"
    if found is not None:
        name = where[len("[runtimes.") : -1]
        variable = f"{_variable(name)}_{found.rpartition('.')[2].upper()}"
        check_reference(f"{path}: {where} {found}", "", variable)


_NO_SECRETS = ("type", "path", "token_url", "client_id", "scope", "audience")


def _variable(name: str) -> str:
    return re.sub(r"\W", "_", name).upper()
