"""A server that all tests of this folder share, and its contents root."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from serving import Client, Server, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose contents root is a folder of its own."""
    folder = tmp_path_factory.mktemp("server")
    root = folder / "root"
    root.mkdir()
    with serving(root, folder / "runtime") as found:
        yield found


@pytest.fixture
def client(server: Server) -> Client:
    """Somebody who may ask."""
    return server.client
