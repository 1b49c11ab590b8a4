"""A store with models of a run that really ran, and servers on the loopback that end by themselves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_mlops import api
from jupyter_mlops.deploy.serving.settings import Settings

if TYPE_CHECKING:
    from served import Running

for _folder in (Path(__file__).parent, Path(__file__).parents[1] / "tracking" / "models"):
    sys.path.append(str(_folder))

CELLS = [
    ("imports", """\
import time
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler"""),
    ("functions", """\
class Moody:
    n_features_in_ = 2

    def fit(self, X):
        return self

    def predict(self, X):
        if (X[:, 0] == 13).any():
            raise ValueError("thirteen /home/somebody")
        if (X[:, 0] == 99).any():
            time.sleep(60)
        if (X[:, 0] == 7).any():
            time.sleep(0.3)
        return X[:, 0] * 2"""),
    ("step:load", """\
rng = np.random.default_rng(0)
frame = pd.DataFrame({"age": rng.integers(18, 90, 300), "income": rng.normal(3, 1, 300),
                      "city": rng.choice(["Ulm", "Bonn", "Köln"], 300)})
left = np.where(frame.age / 90 + (frame.city == "Ulm") + rng.normal(0, 0.3, 300) > 1, "yes", "no")
numbers = pd.DataFrame(rng.normal(size=(300, 3)), columns=["a", "b", "c"])
label = (numbers.a + numbers.b > 0).astype(int)
matrix = rng.normal(size=(300, 2))
target = matrix @ [1.0, 2.0]
gaps = numbers.mask(rng.random((300, 3)) < 0.1)"""),
    ("step:train|out:churn|out:forest|out:linear|out:scaled|out:scaler|out:moody|out:boosted", """\
churn = make_pipeline(
    make_column_transformer((StandardScaler(), ["age", "income"]), (OneHotEncoder(handle_unknown="ignore"), ["city"])),
    LogisticRegression(),
).fit(frame, left)
forest = RandomForestClassifier(20, random_state=1).fit(numbers, label)
linear = LinearRegression().fit(matrix, target)
scaler = StandardScaler().fit(numbers)
scaled = LogisticRegression().fit(scaler.transform(numbers), label)
moody = Moody().fit(matrix)
boosted = HistGradientBoostingClassifier(max_iter=5).fit(gaps, label)"""),
]  # fmt: skip
MODELS = ("churn", "forest", "linear", "scaled", "moody", "boosted")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a store with models, each in version 1; their bundles are made once."""
    from inprocess import record_run, write_notebook

    folder = tmp_path_factory.mktemp("deploy")
    (folder / "mlops.toml").touch()
    home = folder / ".mlops"
    run = record_run(write_notebook(folder / "churn.ipynb", CELLS), home)
    for name in MODELS:
        api.register_model(f"{run}:train/{name}", name, home=home)
    api.register_model(f"{run}:train/forest", "other", home=home)
    api.register_model(f"{run}:train/scaled", "other", home=home)
    api.bundle("scaled", before=["scaler"], home=home)
    return home


@pytest.fixture
def serving(store: Path) -> Iterator[Callable[..., Running]]:
    """Return a function that starts a server for some models."""
    from served import Running

    running: list[Running] = []

    def start(*references: str, options: dict[str, Any] | None = None, **settings: Any) -> Running:
        made = api.make_server(references, Settings(**settings), home=store, **(options or {}))
        running.append(Running(made))
        return running[-1]

    yield start
    for item in running:
        item.stop()


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[Running]:
    """A server for all models that asks for nothing special."""
    from served import Running

    running = Running(api.make_server(MODELS, Settings(timeout=20), home=store))
    yield running
    running.stop()
