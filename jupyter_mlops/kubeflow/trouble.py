"""What goes wrong between here and a cluster: one message each, with what to do."""

from __future__ import annotations

import html
import json
import re
from typing import Literal

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.kubeflow.runtimes import Runtime

__all__ = ["Kind", "Refused", "Trouble", "Unreachable", "message_of", "of_status", "trouble"]

Kind = Literal[
    "dns", "refused", "unreachable", "timeout", "tls", "closed",  # nothing came back
    "unauthorized", "forbidden", "missing", "conflict", "invalid", "throttled", "server", "login", "nonsense",
]  # fmt: skip

_MOST = 300
_UNSENT = frozenset({"dns", "refused", "unreachable", "tls"})
_PASSING = frozenset({"dns", "refused", "unreachable", "timeout", "closed", "throttled", "server"})


class _Facts:
    """What the code that goes on from here wants to know."""

    kind: Kind
    status: int | None = None
    retry_after: float | None = None

    @property
    def unsent(self) -> bool:
        """Whether the server surely has not done what was asked."""
        return self.kind in _UNSENT or (self.status is not None and 400 <= self.status < 500)

    @property
    def passing(self) -> bool:
        """Whether it may be better in a while."""
        return self.kind in _PASSING


class Unreachable(_Facts, InfrastructureError):
    """The cluster can't be reached, or does not do its work."""


class Refused(_Facts, UsageError):
    """The cluster does not do what was asked."""


Trouble = (Unreachable, Refused)


def trouble(
    kind: Kind, runtime: Runtime, detail: str = "", *, status: int | None = None, retry_after: float | None = None
) -> Unreachable | Refused:
    """Return the error for something that went wrong.

    Args:
        detail: What the system or the server said, without secrets.
        status: Of HTTP, if there was an answer.
        retry_after: Seconds the server wishes to be left alone.
    """
    message, hint = _texts(kind, runtime, detail, status)
    refusals = ("unauthorized", "forbidden", "missing", "conflict", "invalid", "login", "nonsense")
    error: Unreachable | Refused = (Refused if kind in refusals else Unreachable)(message, hint=hint)
    error.kind, error.status, error.retry_after = kind, status, retry_after
    return error


def of_status(status: int, runtime: Runtime, detail: str, retry_after: float | None = None) -> Unreachable | Refused:
    """Return the error for an answer that is none of success."""
    kinds: dict[int, Kind] = {
        400: "invalid", 401: "unauthorized", 403: "forbidden", 404: "missing", 408: "timeout", 409: "conflict",
        413: "invalid", 422: "invalid", 429: "throttled",
    }  # fmt: skip
    if 300 <= status < 400:
        return trouble("login", runtime, detail, status=status)
    kind = kinds.get(status, "server" if status >= 500 else "invalid")
    return trouble(kind, runtime, detail, status=status, retry_after=retry_after)


def message_of(body: bytes, content_type: str) -> str:
    """Return what an error's body says, in one short line, whatever it is written in."""
    text = body.decode("utf-8", "replace").strip()
    if "html" in content_type or text[:1] == "<":
        title = re.search(r"<(title|h1)[^>]*>(.*?)</\1>", text, re.DOTALL | re.IGNORECASE)
        plain = title[2] if title else re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<(script|style).*?</\1>", " ", text))
        text = html.unescape(re.sub(r"<[^>]+>", " ", plain))
    else:
        try:
            found = json.loads(text)
            text = str(found.get("error_message") or found.get("message") or found.get("error") or text)
        except (ValueError, AttributeError):
            pass
    # Servers put the whole way of an error through their functions before what it is.
    text = " ".join(text.split())
    return text if len(text) <= _MOST else text[: _MOST - 3] + "..."


def _texts(kind: Kind, runtime: Runtime, detail: str, status: int | None) -> tuple[str, str]:
    who = f"the runtime {runtime.name!r} ({runtime.host})"
    said = f": {detail.rstrip('.')}" if detail else ""
    number = f" ({status})" if status else ""
    test = f"jupyter mlops runtime test {runtime.name}"
    namespace = f"the namespace {runtime.namespace!r}" if runtime.namespace else "this"
    texts: dict[str, tuple[str, str]] = {
        "dns": (
            f"The name of the host of {who} is not known{said}.",
            "Check `host` in mlops.toml; some hosts are known inside a VPN or a cluster alone.",
        ),
        "refused": (
            f"Nothing listens at the host of {who}.",
            "Is the port-forward running? kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80",
        ),
        "unreachable": (f"The host of {who} can't be reached{said}.", "Check the network, the VPN and the proxy."),
        "timeout": (f"The host of {who} did not answer in time{said}.", f"Try again later; {test} says more."),
        "tls": (
            f"The certificate of {who} can't be trusted{said}.",
            "If it is signed by an authority of your own, name the file with its certificate as `ca` in mlops.toml.",
        ),
        "closed": (f"The host of {who} closed the connection before it answered{said}.", f"{test} says more."),
        "unauthorized": (f"The credentials were not accepted by {who}{number}{said}.", _credentials(runtime)),
        "forbidden": (
            f"The account may not use {namespace} at {who}{number}{said}.",
            "Ask whoever runs the cluster for access, or name another `namespace` in mlops.toml.",
        ),
        "missing": (f"What was asked for is not there at {who}{number}{said}.", f"{test} says what is there."),
        "conflict": (f"There is something of this name already at {who}{number}{said}.", "Try again."),
        "invalid": (f"The request was not accepted by {who}{number}{said}.", f"{test} says whether the host is right."),
        "throttled": (f"There were too many requests for {who}{number}{said}.", "Wait a minute and try again."),
        "server": (f"Something failed inside of {who}{number}{said}.", "Try again later, or ask who runs the cluster."),
        "login": (
            f"A login page answered instead of the API of {who}{said}.",
            _credentials(runtime),
        ),
        "nonsense": (
            f"What answered is not the API of Kubeflow Pipelines: {who}{said}.",
            "`host` is the base URL; the API is below it at /apis/v2beta1.",
        ),
    }
    return texts[kind]


def _credentials(runtime: Runtime) -> str:
    name, values = runtime.name, runtime.auth.values
    cures = {
        "none": f"No credentials are configured: see [runtimes.{name}.auth] in docs/clusters.md.",
        "token": f"Renew the token in {values.get('token', '')}.",
        "token_file": f"Renew the token in the file {values.get('path', '')}.",
        "service_account": "Is the token of the service account mounted, for the audience pipelines.kubeflow.org?",
        "client_credentials": f"Check client_id and the secret in {values.get('client_secret', '')}.",
        "cookie": f"The session has probably ended: log in again and renew the cookie in {values.get('cookie', '')}.",
    }
    return cures[runtime.auth.kind]
