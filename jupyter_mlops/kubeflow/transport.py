"""HTTP to a cluster: time limits, certificates, and every failure as one error of ours.

It takes the place of the generated client's own, which has no time limits, waits for nobody and shows urllib3's errors.
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    SSLError,
    TimeoutError,
)

from jupyter_mlops.errors import UsageError
from jupyter_mlops.kubeflow.credentials import Credentials
from jupyter_mlops.kubeflow.pace import Pace
from jupyter_mlops.kubeflow.runtimes import Runtime
from jupyter_mlops.kubeflow.secrets import Redactor
from jupyter_mlops.kubeflow.trouble import Refused, Trouble, Unreachable, message_of, of_status, trouble

__all__ = ["Answer", "Transport"]

_AGAIN = frozenset({"throttled", "server", "closed", "timeout", "unreachable"})


@dataclass(frozen=True)
class Answer:
    """What a server answered; has what the generated client asks of it."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """Return a header."""
        return self.headers.get(name, default)


class Transport:
    """Sends requests to a runtime.

    Args:
        pace: How long to wait for what.
    """

    def __init__(self, runtime: Runtime, pace: Pace) -> None:
        self._runtime = runtime
        self._pace = pace
        self.redact = Redactor()
        self._credentials = Credentials(runtime, self._fetch_token, self.redact)
        self._proxy = _proxy(runtime.host)
        self._pool = self._make_pool()

    @property
    def uses_proxy(self) -> bool:
        """Whether the host is reached through a proxy."""
        return self._proxy is not None

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    def request(
        self,
        method: str,
        url: str,
        query_params: Any = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        post_params: Any = None,
        _preload_content: bool = True,
        _request_timeout: Any = None,
    ) -> Answer:
        """Send a request of the generated client; those that only ask are sent again if that may help."""
        if query_params:
            url = f"{url}?{urlencode(query_params)}"
        given: dict[str, Any] = {}
        sent = dict(headers or {})
        if sent.get("Content-Type") == "multipart/form-data":
            del sent["Content-Type"]  # with the boundary, urllib3 writes it
            given["fields"] = post_params
        elif body is not None:
            given["body"] = json.dumps(body).encode()
        return self.send(method, url, sent, asks=method == "GET", **given)

    def GET(self, url: str, **given: Any) -> Answer:
        """For the generated client."""
        return self.request("GET", url, **given)

    def POST(self, url: str, **given: Any) -> Answer:
        """For the generated client."""
        return self.request("POST", url, **given)

    def DELETE(self, url: str, **given: Any) -> Answer:
        """For the generated client."""
        return self.request("DELETE", url, **given)

    def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, *, asks: bool = False, **given: Any
    ) -> Answer:
        """Send a request.

        Args:
            asks: Whether it changes nothing, so that it may be sent again.

        Raises:
            Unreachable: Nothing came back, or the server failed.
            Refused: The server does not do it.
        """
        tries = self._pace.tries if asks else 1
        for attempt in range(tries):
            try:
                return self._send_authorized(method, url, headers or {}, given)
            except Trouble as error:
                if attempt + 1 == tries or error.kind not in _AGAIN:
                    raise
                time.sleep(self._pace.pause(attempt, error.retry_after))
        raise AssertionError("unreachable")

    def stream(self, url: str) -> urllib3.BaseHTTPResponse:
        """Open something that grows, to be read as it comes and then closed. Errors as for ``send``."""
        headers = self._credentials.headers()
        response = self._exchange("GET", url, headers, {"preload_content": False})
        if response.status != 200:
            body = response.read(4096)
            response.close()
            raise self._refusal(response, body)
        return response

    def _send_authorized(self, method: str, url: str, headers: Mapping[str, str], given: Mapping[str, Any]) -> Answer:
        for _ in range(2):
            response = self._exchange(method, url, {**headers, **self._credentials.headers()}, given)
            # A token that was granted may end before its time.
            if response.status != 401 or not self._credentials.forget():
                break
        if not 200 <= response.status < 300:
            raise self._refusal(response, response.data)
        return Answer(response.status, response.headers, response.data)

    def _refusal(self, response: urllib3.BaseHTTPResponse, body: bytes) -> Unreachable | Refused:
        detail = self.redact(message_of(body, response.headers.get("content-type", "")))
        if 300 <= response.status < 400:
            detail = f"it leads to {urlsplit(response.headers.get('location', '')).hostname or 'another page'}"
        return of_status(response.status, self._runtime, detail, _retry_after(response.headers))

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], given: Mapping[str, Any]
    ) -> urllib3.BaseHTTPResponse:
        timeout = urllib3.Timeout(connect=self._pace.connect, read=self._pace.read)
        try:
            return self._pool.request(
                method, url, headers=dict(headers), timeout=timeout, retries=False, redirect=False, **given
            )
        except HTTPError as error:
            raise self._trouble(error) from None
        except ValueError as error:  # a header or URL with characters that none has
            raise trouble("invalid", self._runtime, self.redact(str(error))) from None

    def _trouble(self, error: HTTPError) -> Unreachable | Refused:
        if isinstance(error, SSLError):
            return trouble("tls", self._runtime, _tls_reason(str(error)))
        if isinstance(error, NameResolutionError):
            return trouble("dns", self._runtime)
        if isinstance(error, NewConnectionError):
            cause = error.__cause__ or error.__context__
            if isinstance(cause, ConnectionRefusedError) or "refused" in str(error).lower():
                return trouble("refused", self._runtime)
            return trouble("unreachable", self._runtime, getattr(cause, "strerror", None) or "")
        if isinstance(error, ConnectTimeoutError):
            return trouble("unreachable", self._runtime, "no answer")
        if isinstance(error, TimeoutError):
            return trouble("timeout", self._runtime)
        if isinstance(error, ProxyError):
            return trouble("unreachable", self._runtime, "the proxy failed")
        return trouble("closed", self._runtime, _broken(error))

    def _make_pool(self) -> urllib3.PoolManager:
        given: dict[str, Any] = {"cert_reqs": "CERT_REQUIRED"}
        if self._runtime.ca:
            given["ca_certs"] = self._runtime.ca
        elif self._runtime.host.startswith("https"):
            import certifi

            given["ca_certs"] = certifi.where()
        try:
            if self._runtime.ca:
                with open(self._runtime.ca, "rb"):  # noqa: PTH123 - else urllib3 tells it at the first request
                    pass
            return urllib3.ProxyManager(self._proxy, **given) if self._proxy else urllib3.PoolManager(**given)
        except OSError as error:
            raise UsageError(
                f"The certificates of the runtime {self._runtime.name!r} can't be read from {self._runtime.ca}: "
                f"{error.strerror or error}.",
                hint="Check `ca` in mlops.toml.",
            ) from None

    def _fetch_token(self, url: str, form: Mapping[str, str]) -> tuple[str, float]:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        what = f"The token for the runtime {self._runtime.name!r} was not granted by {url}"
        try:
            response = self._exchange("POST", url, headers, {"body": urlencode(dict(form))})
        except Trouble as error:
            raise type(error)(f"{what}: {error.message}", hint="Check `token_url` in mlops.toml.") from None
        detail = self.redact(message_of(response.data, response.headers.get("content-type", "")))
        if response.status != 200:
            raise UsageError(
                f"{what} ({response.status}): {detail.rstrip('.')}.", hint="Check the client and its secret."
            )
        try:
            found = json.loads(response.data)
            return str(found["access_token"]), float(found.get("expires_in", 300))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UsageError(f"{what}: the answer has no access_token.", hint="Check `token_url`.") from None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "")
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _tls_reason(text: str) -> str:
    reasons = {
        "self-signed": "it is signed by itself",
        "self signed": "it is signed by itself",
        "has expired": "it has expired",
        "doesn't match": "it is for another host",
        "Hostname mismatch": "it is for another host",
        "IP address mismatch": "it is for another host",
        "unable to get local issuer": "nobody knows who signed it",
        "wrong version number": "the host does not speak TLS: is it http:// instead of https://",
        "record layer failure": "the host does not speak TLS: is it http:// instead of https://",
    }
    for sign, reason in reasons.items():
        if sign in text:
            return reason
    found = re.search(r"\]\s*([^()\[\]]+?)\s*\(_ssl", text)
    return found[1] if found else ""


def _broken(error: HTTPError) -> str:
    if isinstance(error, ProtocolError) and isinstance(error.args[-1], (ConnectionResetError, socket.error)):
        return "reset"
    return ""


def _proxy(host: str) -> str | None:
    """Return the proxy that the environment names for a host."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(host)
    if parts.hostname in ("localhost", "127.0.0.1", "::1") or proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)
