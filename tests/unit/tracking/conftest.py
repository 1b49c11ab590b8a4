"""A store with nothing in it yet."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.store.database import Database

sys.path.insert(0, str(Path(__file__).parent))  # histories

from histories import History


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with Database(tmp_path / "mlops.db") as database:
        yield History(database)
