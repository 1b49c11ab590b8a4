"""The server: routes, records in memory, and who may do what."""

from __future__ import annotations

import email
import email.policy
import json
import re
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .executing import Execution, load_spec, now
from .faults import Faults

__all__ = ["KfpServer", "Problem"]

Json = dict[str, Any]
Query = Mapping[str, str]
_API = "/apis/v2beta1"


class Problem(Exception):
    """An answer that is none of success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class KfpServer:
    """A server on a free port of loopback; use it as a context.

    Args:
        folder: For what runs make, and logs.
        tokens: Accepted tokens with the namespaces that they may use; None accepts everybody.
        cookie: A cookie that is accepted instead.
        namespaces: Those that there are; none for a server of a single user.
        environment: Variables for the steps.
        certificate: File with key and certificate, to speak TLS.
    """

    def __init__(
        self,
        folder: Path,
        *,
        tokens: Mapping[str, tuple[str, ...]] | None = None,
        cookie: str | None = None,
        namespaces: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        certificate: Path | None = None,
    ) -> None:
        self.root = folder / "root"
        self.faults = Faults()
        self.requests: list[tuple[str, str]] = []
        self.tokens, self.cookie, self.namespaces = tokens, cookie, namespaces
        self.experiments: dict[str, Json] = {}
        self.pipelines: dict[str, Json] = {}
        self.versions: dict[str, Json] = {}
        self.runs: dict[str, Json] = {}
        self.schedules: dict[str, Json] = {}
        self.executions: dict[str, Execution] = {}
        self.environment = dict(environment or {})
        self.speaks = "v2beta1"
        self._scratch = folder / "pods"
        self._cache: dict[str, tuple[Json, Json]] = {}
        self._lock = threading.RLock()
        server = self

        class Handler(_Handler):
            kfp = server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        scheme = "http" if certificate is None else "https"
        self.host = f"{scheme}://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> KfpServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for execution in self.executions.values():
            execution.cancel()
            execution.join(10)
        self._http.shutdown()
        self._http.server_close()

    def count(self, method: str, path: str) -> int:
        """Return how many requests there were whose path fits."""
        return sum(1 for verb, found in self.requests if verb == method and re.search(path, found))

    def answer(self, method: str, path: str, query: Query, body: Any, headers: Mapping[str, str]) -> Any:
        """Do what a request asks for."""
        self._authorize(query, body, headers)
        if path == "/k8s/pod/logs":
            return self._log(query)
        version, _, rest = path.removeprefix("/apis/").partition("/")
        if version == "v1beta1" and rest == "healthz":
            return {"commit_sha": "unknown", "tag_name": "1.8.5"}
        if version != self.speaks:
            raise Problem(404, "Not Found")
        for verb, pattern, handler in self._routes():
            match = re.fullmatch(pattern, rest)
            if verb == method and match:
                with self._lock:
                    return handler(query, body or {}, *match.groups())
        raise Problem(404, f"no route for {method} {path}")

    def _routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        part = "([^/:]+)"
        return [
            ("GET", "healthz", lambda *_: {"multi_user": bool(self.namespaces), "pipeline_store": "database"}),
            ("GET", "experiments", lambda q, _: {"experiments": _chosen(self.experiments, q)}),
            ("POST", "experiments", self._create_experiment),
            ("GET", f"experiments/{part}", lambda q, b, key: _of(self.experiments, key)),
            ("GET", "pipelines", lambda q, _: {"pipelines": _chosen(self.pipelines, q)}),
            ("POST", "pipelines", self._create_pipeline),
            ("POST", "pipelines/upload", self._upload),
            ("POST", "pipelines/upload_version", self._upload_version),
            ("GET", f"pipelines/{part}", lambda q, b, key: _of(self.pipelines, key)),
            ("GET", f"pipelines/{part}/versions", self._list_versions),
            ("GET", f"pipelines/{part}/versions/{part}", lambda q, b, _, key: _of(self.versions, key)),
            ("GET", "runs", lambda q, _: _page({"runs": _chosen(self.runs, q)})),
            ("POST", "runs", self._create_run),
            ("GET", f"runs/{part}", lambda q, b, key: _of(self.runs, key)),
            ("DELETE", f"runs/{part}", lambda q, b, key: self.runs.pop(key) and {}),
            ("POST", f"runs/{part}:terminate", self._terminate),
            ("POST", f"runs/{part}:retry", self._retry),
            ("GET", "recurringruns", lambda q, _: {"recurringRuns": _chosen(self.schedules, q)}),
            ("POST", "recurringruns", self._create_schedule),
            ("GET", f"recurringruns/{part}", lambda q, b, key: _of(self.schedules, key)),
            (
                "DELETE",
                f"recurringruns/{part}",
                lambda q, b, key: _of(self.schedules, key) and self.schedules.pop(key) and {},
            ),
            ("POST", f"recurringruns/{part}:enable", lambda q, b, key: self._set(key, "ENABLED")),
            ("POST", f"recurringruns/{part}:disable", lambda q, b, key: self._set(key, "DISABLED")),
        ]

    def _authorize(self, query: Query, body: Any, headers: Mapping[str, str]) -> None:
        if self.cookie is not None and headers.get("Cookie") == self.cookie:
            return
        allowed = self.namespaces
        if self.tokens is not None:
            token = (headers.get("Authorization") or "").removeprefix("Bearer ")
            if token not in self.tokens:
                raise Problem(401, "Request header error: there is no valid token")
            allowed = self.tokens[token]
        elif self.cookie is not None:
            raise Problem(401, "Unauthenticated")
        named = query.get("namespace") or (body.get("namespace") if isinstance(body, dict) else None)
        if named and named not in allowed:
            raise Problem(403, f"User is not authorized with reason: may not list in namespace {named}")

    def _create_experiment(self, query: Query, body: Json) -> Json:
        if any(item["display_name"] == body["display_name"] for item in self.experiments.values()):
            raise Problem(409, f"experiment {body['display_name']} already exists")
        return _add(self.experiments, "experiment_id", body)

    def _create_pipeline(self, query: Query, body: Json) -> Json:
        if any(item["name"] == body["name"] for item in self.pipelines.values()):
            raise Problem(409, f"The name {body['name']} already exists")
        return _add(self.pipelines, "pipeline_id", body)

    def _upload(self, query: Query, body: bytes) -> Json:
        name = query.get("name") or "pipeline"
        text = body.decode()
        _checked(text)
        made = self._create_pipeline(query, {"name": name, "display_name": query.get("display_name") or name})
        self._add_version(made["pipeline_id"], name, text, query)
        return made

    def _upload_version(self, query: Query, body: bytes) -> Json:
        pipeline = _of(self.pipelines, query.get("pipelineid", ""))
        return self._add_version(pipeline["pipeline_id"], query["name"], body.decode(), query)

    def _add_version(self, pipeline: str, name: str, text: str, query: Query) -> Json:
        if any(item["name"] == name and item["pipeline_id"] == pipeline for item in self.versions.values()):
            raise Problem(409, f"a pipeline version {name} already exists")
        body = {
            "pipeline_id": pipeline,
            "name": name,
            "display_name": query.get("display_name") or name,
            "description": query.get("description", ""),
            "pipeline_spec": _checked(text),
        }
        return _add(self.versions, "pipeline_version_id", body)

    def _list_versions(self, query: Query, body: Json, pipeline: str) -> Json:
        own = {key: item for key, item in self.versions.items() if item["pipeline_id"] == pipeline}
        return {"pipeline_versions": _chosen(own, query)}

    def _create_run(self, query: Query, body: Json) -> Json:
        reference = body.get("pipeline_version_reference") or {}
        inline = body.get("pipeline_spec") or {}
        spec = inline.get("pipeline_spec") or inline
        if not spec:
            spec = _of(self.versions, reference.get("pipeline_version_id", ""))["pipeline_spec"]
        config = body.setdefault("runtime_config", {})
        known = spec["root"].get("inputDefinitions", {}).get("parameters", {})
        for name in config.get("parameters") or {}:
            if name not in known:
                raise Problem(400, f"unknown input parameter {name}")
        run = _add(self.runs, "run_id", body)
        run.update(run_details={"task_details": []}, state_history=[], storage_state="AVAILABLE")
        config.setdefault("pipeline_root", self.root.as_uri())
        place = Path(urlsplit(config["pipeline_root"]).path) / spec["pipelineInfo"]["name"] / run["run_id"]
        execution = Execution(run, spec, place, self._scratch, self._cache, self.environment)
        self.executions[run["run_id"]] = execution
        execution.start()
        return run

    def _terminate(self, query: Query, body: Json, key: str) -> Json:
        _of(self.runs, key)
        self.executions[key].cancel()
        return {}

    def _retry(self, query: Query, body: Json, key: str) -> Json:
        run = _of(self.runs, key)
        if run["state"] not in ("FAILED", "CANCELED"):
            raise Problem(400, "only failed or canceled runs can be retried")
        self.executions[key].start()
        return {}

    def _create_schedule(self, query: Query, body: Json) -> Json:
        cron = ((body.get("trigger") or {}).get("cron_schedule") or {}).get("cron", "")
        if len(cron.split()) != 6:
            raise Problem(400, f"The cron {cron!r} has not six fields")
        body["status"] = "ENABLED" if body.get("mode") == "ENABLE" else "DISABLED"
        return _add(self.schedules, "recurring_run_id", body)

    def _set(self, key: str, status: str) -> Json:
        _of(self.schedules, key)["status"] = status
        return {}

    def _delete_schedule(self, query: Query, body: Json, key: str) -> Json:
        _of(self.schedules, key)
        del self.schedules[key]
        return {}

    def _log(self, query: Query) -> str:
        for execution in self.executions.values():
            if query.get("podname") in execution.logs:
                return execution.logs[query["podname"]].read_text(errors="replace")
        raise Problem(404, "pod not found")


class _Handler(BaseHTTPRequestHandler):
    kfp: KfpServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        self.kfp.requests.append((self.command, self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.kfp.faults.take(self.command, parts.path)
        if fault is not None and fault.kind == "drop":
            self.close_connection = True
            return
        if fault is not None and fault.kind == "answer":
            self._send(fault.status, fault.body.encode(), fault.type, fault.headers)
            return
        if fault is not None:
            time.sleep(fault.seconds)
        status, content, kind = self._answer(parts.path, parts.query, body)
        if fault is not None and fault.kind == "lose":
            self.close_connection = True
            return
        self._send(status, content, kind)

    def _answer(self, path: str, query: str, body: bytes) -> tuple[int, bytes, str]:
        try:
            found = self.kfp.answer(
                self.command,
                path,
                {key: values[0] for key, values in parse_qs(query).items()},
                self._content(body),
                self.headers,
            )
        except Problem as problem:
            text = {"error": problem.message, "code": 5, "message": problem.message, "details": []}
            return problem.status, json.dumps(text).encode(), "application/json"
        if isinstance(found, str):
            return 200, found.encode(), "text/plain"
        return 200, json.dumps(found).encode(), "application/json"

    def _content(self, body: bytes) -> Any:
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/"):
            return json.loads(body) if body else None
        whole = b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body
        message = email.message_from_bytes(whole, policy=email.policy.HTTP)
        return next(iter(message.iter_parts())).get_payload(decode=True)

    def _send(self, status: int, content: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            self.close_connection = True


def _add(where: dict[str, Json], key: str, body: Json) -> Json:
    made = {**body, key: str(uuid.uuid4()), "created_at": now()}
    where[made[key]] = made
    return made


def _of(where: Mapping[str, Json], key: str) -> Json:
    if key not in where:
        raise Problem(404, f"Failed to get {key}: not found")
    return where[key]


def _chosen(where: Mapping[str, Json], query: Query) -> list[Json]:
    predicates = json.loads(query.get("filter") or "{}").get("predicates", ())
    found = list(where.values())
    for predicate in predicates:
        if predicate["operation"] not in ("EQUALS", 1):
            raise Problem(400, f"unknown operation {predicate['operation']}")
        found = [item for item in found if item.get(predicate["key"]) == predicate["stringValue"]]
    if "experiment_id" in query:
        found = [item for item in found if item.get("experiment_id") == query["experiment_id"]]
    return found


def _page(answer: Json) -> Json:
    return {**answer, "total_size": len(answer["runs"])}


def _checked(text: str) -> Json:
    try:
        return load_spec(text)
    except Exception as error:
        raise Problem(400, f"Failed to parse the pipeline spec: {error}") from None
