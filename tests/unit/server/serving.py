"""A Jupyter server for tests, and a client that holds every answer against the description."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[3]
TOKEN = "secret"
_PATIENCE = 60.0
_LAUNCH = """
import sys
from jupyter_server.serverapp import ServerApp
app = ServerApp.instance()
app.initialize(sys.argv[1:], find_extensions=False)
app.start()
"""


@cache
def description() -> dict[str, Any]:
    """The API's description, as it stands in the repository."""
    text = (ROOT / "jupyter_mlops" / "server" / "openapi.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


@cache
def validator(name: str) -> Draft202012Validator:
    """What holds a value against a schema of the description."""
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": description()["components"]})


def operation(method: str, path: str) -> dict[str, Any]:
    """What the description says of a request."""
    for template, item in description()["paths"].items():
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
        if re.fullmatch(pattern, "/" + path) and method.lower() in item:
            found: dict[str, Any] = item[method.lower()]
            return found
    raise AssertionError(f"{method} /{path} is not described")


@dataclass
class Answer:
    """An answer.

    Args:
        body: JSON, or text where it is something else.
    """

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Client:
    """Asks a server."""

    url: str
    token: str | None = TOKEN
    asked: set[tuple[str, str]] = field(default_factory=set)

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, /, **query: Any
    ) -> Answer:
        """Ask, and hold the answer against the description."""
        text = urlencode({key: value for key, value in query.items() if value is not None}, doseq=True)
        address = f"{self.url}jupyter-mlops/api/{quote(path)}" + (f"?{text}" if text else "")
        request = urllib.request.Request(address, method=method)
        if body is not None:
            request.data = body if isinstance(body, bytes) else json.dumps(body).encode()
        if self.token is not None:
            request.add_header("Authorization", f"token {self.token}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
                answer = _answer(response.status, response.read(), response.headers)
        except urllib.error.HTTPError as error:
            answer = _answer(error.code, error.read(), error.headers)
        _check(method, path, answer)
        return answer

    def get(self, path: str, /, **query: Any) -> Any:
        """Ask for something that is there."""
        answer = self.ask("GET", path, **query)
        assert answer.status == 200, answer.body
        return answer.body

    def send(self, method: str, path: str, body: Any = None, /, **query: Any) -> Any:
        """Ask for something to be done that can be done."""
        answer = self.ask(method, path, {} if body is None and method != "DELETE" else body, **query)
        assert answer.status in (200, 201, 204), answer.body
        return answer.body

    def refused(self, method: str, path: str, body: Any = None, /, **query: Any) -> tuple[int, dict[str, Any]]:
        """Ask for something that can't be done; return status and problem."""
        answer = self.ask(method, path, body, **query)
        assert answer.status >= 400, answer.body
        problem: dict[str, Any] = answer.body["error"]
        return answer.status, problem


def _answer(status: int, content: bytes, headers: Any) -> Answer:
    is_json = headers.get("Content-Type", "").startswith("application/json")
    body = json.loads(content) if is_json and content else content.decode("utf-8", "replace")
    return Answer(status, body, headers)


def _check(method: str, path: str, answer: Answer) -> None:
    try:
        responses = operation(method, path)["responses"]
    except AssertionError:
        if answer.status < 400:
            raise
        responses = {}
    if answer.status >= 400:
        validator("ErrorAnswer").validate(answer.body)
        return
    assert str(answer.status) in responses, f"{method} {path} answers {answer.status}, which is not described"
    content = responses[str(answer.status)].get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if schema is not None:
        Draft202012Validator({**schema, "components": description()["components"]}).validate(answer.body)


@dataclass
class Server:
    """A Jupyter server in a process of its own."""

    root: Path
    runtime: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def client(self) -> Client:
        """Somebody who may ask it."""
        return Client(f"http://127.0.0.1:{self.port}/")

    def stop(self, *, kill: bool = False) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
            return
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        """What it printed."""
        return (self.runtime / "server.log").read_text(encoding="utf-8", errors="replace")


def start_server(root: Path, runtime: Path, *options: str) -> Server:
    """Start a server, and wait until it answers.

    Args:
        root: Its contents root.
        runtime: For its own files.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    runtime.mkdir(exist_ok=True)
    (runtime / "launch.py").write_text(_LAUNCH, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "JUPYTER_MLOPS_HOME"}
    environment.update(JUPYTER_RUNTIME_DIR=str(runtime), JUPYTER_CONFIG_DIR=str(runtime / "config"))
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [
        *(sys.executable, str(runtime / "launch.py"), "--no-browser", "--allow-root"),
        *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={TOKEN}"),
        "--ServerApp.jpserver_extensions={'jupyter_mlops': True}",
        *options,
    ]
    with (runtime / "server.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    server = Server(root, runtime, port, process)
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5).close()
            return server
        time.sleep(0.1)
    server.stop(kill=True)
    raise AssertionError(f"The server does not start:\n{server.log()}")


@contextlib.contextmanager
def serving(root: Path, runtime: Path, *options: str) -> Iterator[Server]:
    """A server for a while."""
    server = start_server(root, runtime, *options)
    try:
        yield server
    finally:
        server.stop()


def until(test: Any, what: str, seconds: float = _PATIENCE) -> Any:
    """Wait until something is true, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = test()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come in {seconds:g} s")


def live(path: str, *cells: tuple[str, list[str]], **more: Any) -> dict[str, Any]:
    """A live notebook of code cells with their tags, as the panel sends it."""
    return {
        "path": path,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [
            {"id": f"c{place}", "cell_type": "code", "source": source, "metadata": {"tags": tags}}
            for place, (source, tags) in enumerate(cells)
        ],
        **more,
    }


def saved(folder: Path, name: str, *cells: tuple[str, list[str]]) -> Path:
    """The same, in a file."""
    content = live(name, *cells)
    for cell in content["cells"]:
        cell.update(outputs=[], execution_count=None)
    raw = {"nbformat": 4, "nbformat_minor": 5, "metadata": content["metadata"], "cells": content["cells"]}
    (folder / name).write_text(json.dumps(raw), encoding="utf-8")
    return folder / name
