"""``doctor``: text and JSON of what was found, and the exit code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jupyter_mlops import api
from jupyter_mlops.engine.doctor import Check

CHECKS = [
    Check("Python", "ok", "3.11", required=True),
    Check("containers", "missing", "neither podman nor docker is here", "Install podman."),
]
BROKEN = [*CHECKS, Check("kernels", "missing", "no working Python kernel", "Run: this", required=True)]


def test_text(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "doctor", lambda: CHECKS)
    printed = run("doctor")
    assert (printed.code, printed.err) == (0, "")
    assert printed.out.splitlines() == [
        "ok       Python      3.11",
        "missing  containers  neither podman nor docker is here",
        "         Install podman.",
    ]


def test_json(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "doctor", lambda: CHECKS)
    data = json.loads(run("doctor", "--format", "json").out)
    assert data["checks"][0] == {"name": "Python", "status": "ok", "detail": "3.11", "hint": None, "required": True}


@pytest.mark.parametrize("form", ["text", "json"])
def test_exit_code_4_if_nothing_can_run(run: Any, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(api, "doctor", lambda: BROKEN)
    assert run("doctor", "--format", form).code == 4
