"""Models of a run that really ran, and the server of a deployment on the loopback, which ends with its test."""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import uvicorn

sys.path.append(str(Path(__file__).parents[1] / "tracking" / "models"))

from inprocess import record_run, write_notebook

from jupyter_mlops import api
from jupyter_mlops.api.served import StoreSource
from jupyter_mlops.deploy.book import StoreBook
from jupyter_mlops.deploy.following import DeploymentServer
from jupyter_mlops.deploy.serving.settings import Settings
from jupyter_mlops.store.database import Database

CELLS = [
    ("imports", "import numpy as np\nimport pandas as pd\nfrom sklearn.linear_model import LogisticRegression"),
    (
        "functions",
        """\
class Moody:
    n_features_in_ = 2

    def fit(self, X, y):
        self.classes_, self.feature_names_in_ = np.unique(y), np.array(X.columns, dtype=object)
        return self

    def predict(self, X):
        if (np.asarray(X)[:, 0] > 10).any():
            raise ValueError("more than ten")
        return np.zeros(len(X), dtype=int)""",
    ),
    (
        "step:load",
        """\
rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(600, 2)), columns=["age", "income"])
y = (X.age + 0.2 * rng.normal(size=600) > 0).astype(int)""",
    ),
    (
        "step:train|out:steady|out:newer|out:moody",
        """\
steady = LogisticRegression().fit(X, y)
newer = LogisticRegression(C=0.01).fit(X, y)
moody = Moody().fit(X, y)""",
    ),
]
STEADY, NEWER, MOODY = 1, 2, 3


def make_store(folder: Path) -> Path:
    """Return the home of a store with the model churn in three versions; the third fails for ages above ten."""
    (folder / "mlops.toml").touch()
    home = folder / ".mlops"
    run = record_run(write_notebook(folder / "churn.ipynb", CELLS), home)
    for name in ("steady", "newer", "moody"):
        api.register_model(f"{run}:train/{name}", "churn", home=home)
    return home


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now


class Running:
    """The server of a deployment, in a thread of this process."""

    def __init__(self, home: Path, name: str, folder: Path) -> None:
        self.clock = Clock()
        self.database = Database(home / "mlops.db")
        self.database.set_deployment_process(name, host=platform.node(), pid=os.getpid(), pid_started=0.0)
        folder.mkdir(exist_ok=True)
        self.app = DeploymentServer(
            StoreSource(home), StoreBook(self.database, name), Settings(port=0), folder, clock=self.clock
        )
        self.server = uvicorn.Server(uvicorn.Config(self.app, port=0, log_level="error", timeout_graceful_shutdown=5))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        self.until(lambda: self.server.started)
        url = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"
        self.http = httpx.Client(base_url=url, timeout=60)

    def ask(self, identity: str = "a", age: float = 1.0, rows: int = 1) -> httpx.Response:
        """Ask for predictions."""
        columns = [
            {"name": name, "shape": [rows], "datatype": "FP64", "data": [value] * rows}
            for name, value in (("age", age), ("income", 0.5))
        ]
        return self.http.post("/v2/models/churn/infer", json={"id": identity, "inputs": columns})

    def until(self, holds: Callable[[], Any], seconds: float = 60) -> None:
        """Wait for something."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert self.thread.is_alive(), "the server has ended"
            assert time.monotonic() < deadline, "it does not come"
            time.sleep(0.01)

    def follows(self, revision: int) -> None:
        """Wait until it serves this revision."""
        self.until(lambda: self.app.deployment.revision >= revision)

    def stop(self) -> None:
        """End it."""
        self.server.should_exit = True
        self.thread.join(20)
        self.http.close()
        self.database.close()
