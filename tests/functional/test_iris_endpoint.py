"""The commands that examples/README.md shows for iris.ipynb: run, register, serve, ask."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

MLOPS = [sys.executable, "-m", "jupyter_mlops.cli"]


@pytest.mark.timeout(240)
def test_the_readme_leads_to_an_answer(root: Path, tmp_path: Path) -> None:
    text = (root / "examples" / "README.md").read_text(encoding="utf-8")
    block = next(item for item in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "serve" in item)
    commands = [shlex.split(line) for line in block.strip().splitlines()]
    assert [" ".join(words[:3]) for words in commands[:3]] == [
        "jupyter mlops run", "jupyter mlops models", "jupyter mlops serve",
    ]  # fmt: skip
    shutil.copy(root / "examples" / "iris.ipynb", tmp_path)
    (tmp_path / "mlops.toml").touch()
    for words in commands[:2]:
        done = subprocess.run([*MLOPS, *words[2:]], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
    server = subprocess.Popen(
        [*MLOPS, *commands[2][2:], "--port", "0", "--format", "json"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None and server.stderr is not None
        line = server.stdout.readline()
        assert line, server.stderr.read()
        curl = commands[3]
        url = curl[2].replace("http://127.0.0.1:8080", json.loads(line)["url"])
        header = dict([curl[curl.index("-H") + 1].split(": ")])
        transport = httpx.HTTPTransport(retries=5)  # the port is taken before the model is loaded
        with httpx.Client(transport=transport, timeout=60) as client:
            answer = client.post(url, content=curl[curl.index("-d") + 1], headers=header)
        assert answer.text in text and answer.json() == {"predictions": ["setosa"]}
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) in (0, -signal.SIGTERM)
    finally:
        server.kill()
        server.communicate()
