"""What a Jupyter server answers the panel: every answer is held against the description."""

from __future__ import annotations

import http.cookiejar
import json
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from serving import TOKEN, Client, Server, live, saved

_CELLS = (
    ("import random", ["imports"]),
    ("n: int = 3", ["parameters"]),
    ("values = list(range(n))", ["step:load data"]),
    ("total = sum(values)", ["step:add"]),
    ("score = total / 2", ["metrics"]),
)


def test_it_says_what_is_there(client: Client, server: Server) -> None:
    saved(server.root, "status.ipynb", *_CELLS)
    found = client.get("status", path="status.ipynb")
    assert (found["exists"], found["project"]["path"]) == (True, "")
    assert [runtime["name"] for runtime in found["runtimes"]] == ["local"]
    assert found["deploy"]["available"] or found["deploy"]["reason"]
    assert client.get("openapi.json")["openapi"].startswith("3.1")


def test_clusters_of_the_project_are_runtimes_and_a_broken_file_is_told(client: Client, server: Server) -> None:
    project = server.root / "clusters"
    project.mkdir()
    file = project / "mlops.toml"
    file.write_text('[runtimes.prod]\nhost = "https://kfp.example.com"\n', encoding="utf-8")
    found = client.get("status", path="clusters")
    assert [(item["name"], item["kind"], item["address"]) for item in found["runtimes"]] == [
        ("local", "local", None),
        ("prod", "kubeflow", "https://kfp.example.com"),
    ]
    assert found["project"] == {"name": "clusters", "path": "clusters"}
    file.write_text("[runtimes", encoding="utf-8")
    found = client.get("status", path="clusters")
    assert [item["name"] for item in found["runtimes"]] == ["local"] and found["runtimes_problem"]["message"]


def test_nobody_gets_in_without_the_token(server: Server) -> None:
    stranger = Client(server.client.url, token=None)
    for method, path in (("GET", "status"), ("POST", "jobs"), ("GET", "runs"), ("GET", "events"), ("GET", "nothing")):
        status, problem = stranger.refused(method, path, {} if method == "POST" else None)
        assert (status, problem["code"]) == (403, "forbidden"), path


def test_a_page_of_another_site_can_change_nothing(server: Server) -> None:
    cookies = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    opener.open(f"{server.client.url}?token={TOKEN}").close()
    xsrf = next(cookie.value for cookie in cookies if cookie.name == "_xsrf") or ""

    def post(**headers: str) -> int:
        request = urllib.request.Request(
            f"{server.client.url}jupyter-mlops/api/analysis", json.dumps(live("x.ipynb")).encode()
        )
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with opener.open(request) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            assert json.loads(error.read())["error"]["code"] == "forbidden"
            return error.code

    assert post() == 403
    assert post(X_XSRFToken=xsrf) == 200


def test_a_live_notebook_is_analysed_cell_by_cell(client: Client) -> None:
    found = client.send("POST", "analysis", live("new.ipynb", *_CELLS))
    assert found["valid"] and found["pipeline"]["edges"] == [["load-data", "add"], ["add", "metrics"]]
    cells = found["cells"]
    assert [cells[f"c{place}"]["role"] for place in range(5)] == ["imports", "parameters", "step", "step", "metrics"]
    assert (cells["c2"]["step"], cells["c2"]["name"], cells["c2"]["first"]) == ("load-data", "load data", True)
    assert (cells["c3"]["inputs"], cells["c2"]["outputs"]) == (["values"], ["values"])
    again = client.send("POST", "analysis", live("new.ipynb", *_CELLS))
    assert again["revision"] == found["revision"]


def test_diagnostics_are_at_their_cell(client: Client) -> None:
    found = client.send("POST", "analysis", live("bad.ipynb", ("a = (", []), ("b = 1", ["step:x", "setup"])))
    assert not found["valid"]
    assert [item["code"] for item in found["cells"]["c0"]["diagnostics"]] == ["MLO001"]
    assert found["cells"]["c0"]["diagnostics"][0]["line"] == 1


@pytest.mark.parametrize(
    "source", ["<img src=x onerror=alert(1)>", "x" * 2_000_000, "a = '" + "ü" * 100_000 + "'", "\ud800", "\0", ""]
)
def test_odd_cells_break_nothing(client: Client, source: str) -> None:
    found = client.send("POST", "analysis", live("odd.ipynb", (source, ["step:<b>&amp;\"'"])))
    assert set(found["cells"]) == {"c0"}


def test_markdown_and_cells_without_ids_are_understood(client: Client) -> None:
    body = live("md.ipynb", ("a = 1", []))
    body["cells"] += [{"cell_type": "markdown", "source": "# A", "metadata": {}}, {**body["cells"][0]}]
    found = client.send("POST", "analysis", body)
    assert [cell["role"] for cell in found["cells"].values()] == ["step", "none", "step"]


def test_suggestions_come_with_what_the_notebook_would_be(client: Client) -> None:
    body = live("plain.ipynb", ("import math", []), ("a = math.sqrt(2)", []), ("print(a)", []))
    found = client.send("POST", "suggestions", body)
    assert found["suggestion"]["valid"] and found["suggestion"]["steps"]
    assert found["preview"]["cells"]["c0"]["role"] == "imports"
    assert any(item["add"] for item in found["suggestion"]["cells"])


def test_a_plan_says_what_would_run(client: Client, server: Server) -> None:
    body = live("plan.ipynb", *_CELLS, parameters={"n": 5})
    found = client.send("POST", "plan", body)
    assert found["counts"] == {"reused": 0, "run": 3, "maybe": 0, "skipped": 0}
    assert not (server.root / ".mlops" / "mlops.db").exists() or client.get("runs")["total"] >= 0
    status, problem = client.refused("POST", "plan", {**body, "parameters": {"m": 1}})
    assert status == 400 and "m" in problem["message"]
    status, problem = client.refused("POST", "plan", live("plan.ipynb", ("a = (", ["step:x"])))
    assert (status, problem["code"]) == (422, "not-a-pipeline")
    assert problem["where"]["cell"] == "c0" and problem["diagnostics"]


def test_reasons_are_told(client: Client) -> None:
    body = live("why.ipynb", *_CELLS, step="add")
    found = client.send("POST", "explain", body)
    assert ("input", "values") in {(item["kind"], item["name"]) for item in found["reasons"]}
    status, problem = client.refused("POST", "explain", {**body, "step": "ad"})
    assert status == 404 and "add" in problem["message"]


def test_a_page_that_hangs_up_leaves_no_trace(client: Client, server: Server) -> None:
    body = json.dumps(live("left.ipynb", *[(f"a{number} = {number}", []) for number in range(500)])).encode()
    head = (
        f"POST /jupyter-mlops/api/suggestions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: token {TOKEN}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(head.encode() + body)
            time.sleep(0.05)
    assert client.send("POST", "analysis", live("left.ipynb", ("a = 1", [])))["valid"]
    assert "Traceback" not in server.log() and "CancelledError" not in server.log()


def test_other_languages_are_refused_in_words(client: Client) -> None:
    body = live("r.ipynb", ("x <- 1", []))
    body["metadata"] = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}
    status, problem = client.refused("POST", "analysis", body)
    assert (status, problem["code"]) == (422, "not-a-notebook") and problem["hint"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", None),
        ([1], None),
        ({}, None),
        ({**live("a.ipynb"), "more": 1}, None),
        ({**live("a.ipynb"), "path": 3}, "path"),
        ({**live("a.ipynb"), "cells": [1]}, "cells[0]"),
        ({**live("a.ipynb"), "cells": [{"cell_type": "code", "source": ["x"], "metadata": {}}]}, "cells[0]"),
        ({**live("a.ipynb"), "cells": [{"cell_type": "code", "source": "x"}]}, "cells[0]"),
        (b"[" * 100_000, None),
    ],
)
def test_requests_that_make_no_sense_are_refused_with_the_field(client: Client, body: Any, field: str | None) -> None:
    status, problem = client.refused("POST", "analysis", body)
    assert (status, problem["code"]) == (400, "bad-request")
    assert (problem["where"] or {}).get("field") == field


@pytest.mark.parametrize("path", ["../x.ipynb", ".secret/x.ipynb", "a/../../x.ipynb"])
def test_no_request_leaves_the_root(client: Client, server: Server, path: str) -> None:
    for method, where, body in (
        ("POST", "analysis", live(path)),
        ("POST", "jobs", {"kind": "run", "path": path}),
        ("POST", "load-code", {"run": "latest", "name": "x", "path": path}),
        ("POST", "models", {"source": "latest:x", "name": "x", "path": path}),
        ("POST", "kernel/cure", {"path": path}),
    ):
        status, problem = client.refused(method, where, body)
        assert (status, problem["code"]) == (404, "no-such-path"), where
    for where in ("status", "runs", "jobs", "models", "kernel"):
        status, problem = client.refused("GET", where, path=path)
        assert (status, problem["code"]) == (404, "no-such-path"), where


def test_a_link_out_of_the_root_leads_nowhere(client: Client, server: Server, tmp_path: Path) -> None:
    saved(tmp_path, "outside.ipynb", *_CELLS)
    link = server.root / "link.ipynb"
    link.unlink(missing_ok=True)
    link.symlink_to(tmp_path / "outside.ipynb")
    status, problem = client.refused("POST", "jobs", {"kind": "run", "path": "link.ipynb"})
    assert (status, problem["code"]) == (404, "no-such-path")


def test_jobs_that_make_no_sense_are_refused(client: Client, server: Server) -> None:
    saved(server.root, "job.ipynb", *_CELLS)
    for body, code in (
        ({"kind": "run", "path": "absent.ipynb"}, "no-such-path"),
        ({"kind": "dance", "path": "job.ipynb"}, "bad-request"),
        ({"kind": "run", "path": "job.ipynb", "workers": 0}, "bad-request"),
        ({"kind": "submit", "path": "job.ipynb"}, "usage"),
    ):
        assert client.refused("POST", "jobs", body)[1]["code"] == code, body
    for method, path in (("GET", "jobs/nothing"), ("POST", "jobs/nothing/stop"), ("DELETE", "jobs/nothing")):
        status, problem = client.refused(method, path)
        assert (status, problem["code"]) == (404, "no-such-thing")


def test_where_nothing_has_run_there_is_nothing(client: Client, server: Server) -> None:
    (server.root / "empty").mkdir(exist_ok=True)
    (server.root / "empty" / "pyproject.toml").touch()
    page = client.get("runs", path="empty")
    assert (page["total"], page["runs"], page["more"]) == (0, [], False)
    assert client.get("models", path="empty")["models"] == []
    assert client.get("jobs", path="empty")["jobs"] == []
    for path in ("runs/latest", "models/churn"):
        assert client.refused("GET", path, path="empty")[0] == 404
    assert not (server.root / "empty" / ".mlops").exists()


def test_a_kernel_is_looked_at(client: Client, server: Server) -> None:
    saved(server.root, "kernel.ipynb", *_CELLS)
    assert client.get("kernel", path="kernel.ipynb")["kernel"] == "python3"
    absent = client.get("kernel", kernel="no-such-kernel")
    assert not absent["ok"] and "no-such-kernel" in absent["reason"]


def test_deployments_are_there_or_say_why_not(client: Client) -> None:
    available = client.get("status")["deploy"]["available"]
    for method, path in (("GET", "deployments/x/live"), ("POST", "deployments"), ("POST", "deployments/x/promote")):
        status, problem = client.refused(method, path, {"model": "absent"} if path == "deployments" else {})
        assert status in (400, 404) if available else (status, problem["code"]) == (501, "no-deploy"), path
    assert client.ask("GET", "deployments").status == (200 if available else 501)


def test_what_is_not_there_is_said_in_the_same_form(client: Client) -> None:
    assert client.refused("GET", "nothing/here")[0] == 404
    assert client.refused("DELETE", "status")[0] == 405
