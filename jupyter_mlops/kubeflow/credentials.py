"""The headers that prove who one is; read anew where they change by themselves."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from jupyter_mlops.errors import UsageError
from jupyter_mlops.kubeflow.runtimes import Runtime
from jupyter_mlops.kubeflow.secrets import Redactor, resolve

__all__ = ["Credentials", "Fetch"]

_SERVICE_ACCOUNT = "/var/run/secrets/kubeflow/pipelines/token"
_SERVICE_ACCOUNT_VARIABLE = "KF_PIPELINES_SA_TOKEN_PATH"
_MARGIN = 30.0

Fetch = Callable[[str, Mapping[str, str]], tuple[str, float]]
"""Posts a form to a URL; returns the access token, and for how many seconds it holds."""


class Credentials:
    """Who somebody is at a runtime.

    Args:
        fetch: Gets tokens for client credentials.
        redactor: Told all secrets that are read.
    """

    def __init__(self, runtime: Runtime, fetch: Fetch, redactor: Redactor) -> None:
        self._runtime = runtime
        self._fetch = fetch
        self._learn = redactor.learn
        self._token = ""
        self._until = 0.0

    def headers(self) -> dict[str, str]:
        """Return the headers of a request.

        Raises:
            UsageError: A secret is not where the reference says.
            InfrastructureError: The host of tokens can't be reached.
        """
        kind, values = self._runtime.auth.kind, self._runtime.auth.values
        if kind == "none":
            return {}
        if kind == "cookie":
            cookie = resolve(values["cookie"], self._purpose("the cookie"))
            self._learn(cookie, *(part.partition("=")[2] for part in cookie.split("; ")))
            return {"Cookie": cookie}
        token = {"token": self._given, "client_credentials": self._granted}.get(kind, self._from_file)()
        self._learn(token)
        return {"Authorization": f"Bearer {_checked(token, self._purpose('the token'))}"}

    def forget(self) -> bool:
        """Forget a token that was not accepted; return whether there may be a new one."""
        had = bool(self._token)
        self._token = ""
        return had

    def _given(self) -> str:
        return resolve(self._runtime.auth.values["token"], self._purpose("the token"))

    def _from_file(self) -> str:
        path = self._runtime.auth.values.get("path", "")
        if self._runtime.auth.kind == "service_account":
            path = path or os.environ.get(_SERVICE_ACCOUNT_VARIABLE) or _SERVICE_ACCOUNT
        try:
            text = Path(path).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise UsageError(
                f"{self._purpose('The token')} can't be read from {path}: {reason}.",
                hint="Inside a cluster, Kubernetes mounts it: see docs/clusters.md. Outside, use another type of auth."
                if self._runtime.auth.kind == "service_account"
                else "Check `path` in mlops.toml.",
            ) from None
        if not text:
            raise UsageError(f"The file {path} for {self._purpose('the token')} is empty.")
        return text

    def _granted(self) -> str:
        if self._token and time.monotonic() < self._until:
            return self._token
        values = self._runtime.auth.values
        secret = resolve(values["client_secret"], self._purpose("the client's secret"))
        self._learn(secret)
        form = {"grant_type": "client_credentials", "client_id": values["client_id"], "client_secret": secret}
        form.update({key: values[key] for key in ("scope", "audience") if values.get(key)})
        self._token, seconds = self._fetch(values["token_url"], form)
        self._learn(self._token)
        self._until = time.monotonic() + max(seconds - _MARGIN, seconds / 2)
        return self._token

    def _purpose(self, what: str) -> str:
        return f"{what} of the runtime {self._runtime.name!r}"


def _checked(token: str, purpose: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(f"What is there for {purpose} is no token: it has characters that no token has.")
    return token
