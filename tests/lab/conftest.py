"""A real JupyterLab on loopback with the built panel, and a browser that looks at it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FLAGS = """
--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync
"""
START_SECONDS = 90.0
COMMAND_SECONDS = 60
AXE = Path(__file__).parents[2] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
LONGEST_SECONDS = 1800
"""After which a server ends by itself, whatever became of the tests."""


@dataclass(frozen=True)
class Lab:
    """A JupyterLab server.

    Attributes:
        url: With a slash at its end.
        folder: Its contents root.
    """

    url: str
    token: str
    folder: Path

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Ask our part of the server; returns the JSON of the answer.

        Raises:
            urllib.error.HTTPError: The server refuses.
        """
        request = urllib.request.Request(
            f"{self.url}jupyter-mlops/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            text = response.read()
        return json.loads(text) if text else None

    def write_notebook(self, name: str, *cells: tuple[str, str], metadata: dict[str, Any] | None = None) -> Path:
        """Write a notebook into the contents root; a cell is its tags, separated by ``|``, and its source."""
        notebook = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
                "language_info": {"name": "python"},
                **(metadata or {}),
            },
            "cells": [
                {
                    "id": f"cell-{number}",
                    "cell_type": "code",
                    "source": source,
                    "metadata": {"tags": tags.split("|")} if tags else {},
                    "outputs": [],
                    "execution_count": None,
                }
                for number, (tags, source) in enumerate(cells, 1)
            ],
        }
        path = self.folder / name
        path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
        return path


@pytest.fixture(scope="module")
def lab(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server whose contents root is an empty project; it ends with the module's tests."""
    if not (_built(root) / "package.json").is_file():
        pytest.skip("the panel is not built: make panel")
    with served(root, tmp_path_factory.mktemp("lab")) as started:
        yield started


def _built(root: Path) -> Path:
    return root / "labextension" / "built" / "labextension"


@contextlib.contextmanager
def served(root: Path, place: Path) -> Iterator[Lab]:
    """Start a JupyterLab with the built panel; all that it writes goes below an empty folder."""
    folder = place / "project"
    folder.mkdir()
    (folder / "mlops.toml").touch()
    share = place / "share" / "labextensions"
    share.mkdir(parents=True)
    (share / "jupyter-mlops").symlink_to(_built(root))
    quiet = place / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}', encoding="utf-8")
    process, lab = _start(root, place, folder)
    try:
        _await_answer(process, lab, place / "server.log")
        yield lab
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _start(root: Path, place: Path, folder: Path) -> tuple[subprocess.Popen[bytes], Lab]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH")))),
        "JUPYTER_PATH": str(place / "share"),
        "JUPYTER_CONFIG_DIR": str(place / "config"),
        "JUPYTER_DATA_DIR": str(place / "data"),
        "JUPYTER_RUNTIME_DIR": str(place / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(place / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(place / "workspaces"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [
        *(
            "timeout",
            "--kill-after=10",
            str(LONGEST_SECONDS),
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
        ),
        *("--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"),
        *(f"--ServerApp.root_dir={folder}", "--ServerApp.jpserver_extensions={'jupyter_mlops': True}"),
        "--LabApp.expose_app_in_browser=True",
    ]
    with (place / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    return process, Lab(f"http://127.0.0.1:{port}/", token, folder)


def _await_answer(process: subprocess.Popen[bytes], lab: Lab, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{lab.url}api?token={lab.token}", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-4000:]}")


@pytest.fixture(scope="module")
def browser(require: Callable[..., str]) -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    program = require("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=FLAGS.split())
        yield opened
        opened.close()


class Screen:
    """A JupyterLab in the browser, as a person sees it.

    Attributes:
        page: Playwright's page.
        said: What the console said that a person would call an error.
    """

    def __init__(self, lab: Lab, page: Any) -> None:
        self.lab, self.page = lab, page
        self.said: list[str] = []
        page.on("pageerror", lambda error: self.said.append(str(error)))

    def open(self, path: str = "", *, theme: str | None = None) -> None:
        """Open JupyterLab, with a notebook if a path is given, and wait until it is there."""
        tree = f"/tree/{path}" if path else ""
        self.page.goto(f"{self.lab.url}lab{tree}?token={self.lab.token}&reset")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=60_000)
        if path.endswith(".ipynb"):
            self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        if theme is not None:
            self.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
            self.page.wait_for_function(
                "theme => document.body.dataset.jpThemeName === theme", arg=theme, timeout=30_000
            )

    def command(self, name: str, **arguments: Any) -> None:
        """Execute a command of JupyterLab, and wait for its end; an error if there is none within a minute."""
        self.page.evaluate(
            """([name, args, wait]) => Promise.race([
                window.jupyterapp.commands.execute(name, args).then(() => null),
                new Promise((_, refuse) => setTimeout(() => refuse(new Error(`${name} does not end`)), wait))
            ])""",
            [name, arguments, COMMAND_SECONDS * 1000],
        )

    def axe(self, *places: str) -> list[str]:
        """Return what a check of accessibility finds in these places, given as selectors."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[str] = self.page.evaluate(
            """async places => {
                const include = places.map(place => [place]);
                const { violations } = await window.axe.run({ include }, { resultTypes: ['violations'] });
                const tell = one => one.nodes.map(node => `${one.id}: ${node.html}: ${node.failureSummary}`);
                return violations.flatMap(tell);
            }""",
            list(places),
        )
        return found

    def show_panel(self, tab: str, *, width: int | None = None) -> Any:
        """Show a tab of the side panel; returns its locator."""
        self.command("jupyter-mlops:show-panel", tab=tab)
        self.page.wait_for_selector(f"#jp-mlops-tab-{tab}[aria-selected=true]", timeout=30_000)
        if width is not None:
            self._widen(width)
        return self.page.locator("#jp-mlops-view")

    def _widen(self, width: int) -> None:
        box = self.page.locator("#jupyter-mlops-panel").bounding_box()
        y = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + box["width"] + 1, y)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + width + 1, y, steps=4)
        self.page.mouse.up()


@pytest.fixture
def screen(lab: Lab, browser: Any) -> Iterator[Screen]:
    """A window of 1400 by 900; at the end of the test it must have thrown no error."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    shown = Screen(lab, context.new_page())
    yield shown
    context.close()
    assert not shown.said, shown.said


@pytest.fixture(scope="module")
def window(lab: Lab, browser: Any) -> Iterator[Any]:
    """One JupyterLab for all tests of a module."""
    from tests.lab.bars import one_window

    yield from one_window(lab, browser)


@pytest.fixture
def bars(window: Any) -> Any:
    """A notebook with three steps, open in that JupyterLab, with what flows through them."""
    from tests.lab.bars import open_tagged

    return open_tagged(window)
