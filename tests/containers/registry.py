"""A registry on the loopback that takes pushes, as the OCI distribution specification has it, or refuses them."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from uuid import uuid4


class Registry(ThreadingHTTPServer):
    """The server.

    Args:
        status: 0 takes everything; 401 and 403 are answered to all that is written.
    """

    daemon_threads = True

    def __init__(self, status: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = status
        self.blobs: dict[str, bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self.manifests: dict[str, str] = {}

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Registry
    protocol_version = "HTTP/1.1"
    _ERRORS: ClassVar = {401: "UNAUTHORIZED", 403: "DENIED", 404: "NAME_UNKNOWN"}

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/v2/" else 404)

    def do_HEAD(self) -> None:
        digest = self.path.rpartition("/")[2]
        known = digest in self.server.blobs or digest in self.server.manifests
        size = len(self.server.blobs.get(digest, b""))
        self._answer(200 if known else 404, {"Docker-Content-Digest": digest}, length=size if known else None)

    def do_POST(self) -> None:
        self._body()
        if self.server.status:
            self._answer(self.server.status)
            return
        upload = uuid4().hex
        self.server.uploads[upload] = b""
        self._answer(202, {"Location": f"{self.path.split('?')[0].rstrip('/')}/{upload}", "Range": "0-0"})

    def do_PATCH(self) -> None:
        upload = self._upload()
        self.server.uploads[upload] += self._body()
        last = max(0, len(self.server.uploads[upload]) - 1)
        self._answer(202, {"Location": self.path.split("?")[0], "Range": f"0-{last}"})

    def do_PUT(self) -> None:
        body = self._body()
        if "/manifests/" in self.path:
            digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
            self.server.manifests[self.path.removeprefix("/v2/").replace("/manifests/", ":")] = digest
        else:
            content = self.server.uploads.pop(self._upload()) + body
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            self.server.blobs[digest] = b""  # that it is there is enough, and images are large
        self._answer(201, {"Docker-Content-Digest": digest, "Location": self.path.split("?")[0]})

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _upload(self) -> str:
        found = re.search(r"/uploads/(\w+)", self.path)
        assert found
        return found[1]

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status: int, headers: dict[str, str] | None = None, length: int | None = None) -> None:
        body = b""
        if status >= 400 and self.command != "HEAD":
            code = self._ERRORS[status]
            body = b'{"errors": [{"code": "%s", "message": "no"}]}' % code.encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def registry(status: int = 0) -> Iterator[Registry]:
    """Run one as long as it is needed."""
    server = Registry(status)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
