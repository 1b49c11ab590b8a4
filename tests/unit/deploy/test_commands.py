"""``bundle``, ``predict`` and ``serve`` as people type them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from jupyter_mlops.cli.main import main


@pytest.fixture(autouse=True)
def at_home(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(store))


def test_bundle(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["bundle", "churn"]) == 0
    text = capsys.readouterr().out
    assert "ONNX Runtime: agrees on 300 rows" in text and "300 rows described" in text
    assert main(["bundle", "churn", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["engine"] == "onnx"
    assert main(["bundle", "--new-key", str(tmp_path / "key")]) == 0
    assert main(["bundle", "churn", str(tmp_path / "out"), "--sign", str(tmp_path / "key")]) == 0
    assert (tmp_path / "out" / "signature.ed25519").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bundle"], "Which model?"),
        (["bundle", "nope"], 'There is no model "nope"'),
        (["bundle", "churn", "--before", "nope", "--again"], "nope"),
        (["predict", "churn", "nope.csv", "out.csv"], "There is no file nope.csv"),
        (["serve"], "Which model?"),
        (["serve", "churn", "--queue", "0"], "--queue must be 1 or more"),
        (["serve", "churn", "--token-file", "nope"], "The token's file nope can't be read"),
        (["serve", "churn", "--certificate", "nope"], "There is no file nope"),
        (["serve", "--bundle", "nope"], "nope is no bundle"),
    ],
)
def test_mistakes_are_told(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert message in capsys.readouterr().err


def test_predict(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("city,income,age\nUlm,2.5,40\nBonn,1.5,20\n", encoding="utf-8")
    words = ["predict", "churn", str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), "--keep"]
    assert main([*words, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 2
    assert (tmp_path / "out.csv").read_text().splitlines() == [
        "city,income,age,prediction", "Ulm,2.5,40,yes", "Bonn,1.5,20,no",
    ]  # fmt: skip
    assert main(words) == 0 and "Predicted 2 rows" in capsys.readouterr().out


def test_several_workers_share_a_port_and_their_numbers() -> None:
    command = [sys.executable, "-m", "jupyter_mlops.cli", "serve", "forest", "--workers", "2", "--port", "0"]
    server = subprocess.Popen([*command, "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None and server.stderr is not None
        line = server.stdout.readline()
        assert line, server.stderr.read()
        url = json.loads(line)["url"]
        for _ in range(8):  # a connection for each
            answer = httpx.post(f"{url}/invocations", json={"instances": [[0.1, 0.2, 0.3]]}, timeout=60)
            assert answer.status_code == 200
        assert httpx.post(f"{url}/v2/repository/models/churn/load", timeout=60).status_code == 409
        text = httpx.get(f"{url}/metrics", timeout=60).text
        assert 'model_infer_request_success_total{model="forest",version="1"} 8.0' in text
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) in (0, -signal.SIGTERM)
    finally:
        server.kill()
        server.communicate()
