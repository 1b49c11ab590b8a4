from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.notebook.model import Accelerator, Backoff, ConfigMap, Secret, StepSettings, Toleration, Volume
from jupyter_mlops.notebook.settings import merge, read_notebook_settings, read_settings

EVERYTHING: dict[str, Any] = {
    "image": "ghcr.io/org/image:1",
    "packages": ["xgboost>=2", "shap"],
    "cpu": "500m",
    "memory": "4Gi",
    "accelerator": {"type": "nvidia.com/gpu", "count": 2},
    "env": {"OMP_NUM_THREADS": "1", "EMPTY": ""},
    "secrets": [{"name": "db", "key": "password", "env": "DB_PASSWORD"}, {"name": "tls", "path": "/etc/tls"}],
    "config_maps": [{"name": "app", "key": "level", "env": "LEVEL"}],
    "volumes": [{"claim": "data", "path": "/data"}],
    "retries": 2,
    "backoff": {"delay": "10s", "factor": 1.5, "max_duration": "1h"},
    "timeout": "10m",
    "cache": "volatile",
    "image_pull_policy": "always",
    "image_pull_secrets": ["registry"],
    "node_selector": {"pool": "gpu"},
    "tolerations": [{"key": "gpu", "operator": "exists", "effect": "NoExecute", "seconds": 60}],
    "labels": {"team.org/name": "risk"},
    "annotations": {"note": "any: text"},
    "description": "Trains it.",
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=10), children, max_size=3),
    max_leaves=10,
)


def problems(value: object) -> list[str]:
    settings, found = read_settings(value, cell="c1")
    assert isinstance(settings, StepSettings)
    assert all((item.code, item.severity, item.cell) == ("MLO009", "error", "c1") for item in found)
    return [item.message for item in found]


def test_everything_that_can_be_set() -> None:
    settings, found = read_settings(EVERYTHING)
    assert not found
    assert settings == StepSettings(
        image="ghcr.io/org/image:1",
        packages=("xgboost>=2", "shap"),
        cpu="500m",
        memory="4Gi",
        accelerator=Accelerator("nvidia.com/gpu", 2),
        env={"OMP_NUM_THREADS": "1", "EMPTY": ""},
        secrets=(Secret("db", "password", "DB_PASSWORD"), Secret("tls", path="/etc/tls")),
        config_maps=(ConfigMap("app", "level", "LEVEL"),),
        volumes=(Volume("data", "/data"),),
        retries=2,
        backoff=Backoff(10.0, 1.5, 3600.0),
        timeout=600.0,
        cache="volatile",
        image_pull_policy="Always",
        image_pull_secrets=("registry",),
        node_selector={"pool": "gpu"},
        tolerations=(Toleration("gpu", "Exists", None, "NoExecute", 60),),
        labels={"team.org/name": "risk"},
        annotations={"note": "any: text"},
        description="Trains it.",
    )


@pytest.mark.parametrize("value", [None, {}, dict.fromkeys(EVERYTHING)])
def test_nothing_set(value: object) -> None:
    assert read_settings(value) == (StepSettings(), ())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(90, 90.0), (0.5, 0.5), ("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5 H", 5400), ("2d", 172800)],
)
def test_a_timeout_is_seconds_or_text(value: object, seconds: float) -> None:
    settings, found = read_settings({"timeout": value})
    assert not found
    assert settings.timeout == seconds


@pytest.mark.parametrize(
    ("value", "backoff"),
    [
        ("2m", Backoff(120.0)),
        (0, Backoff(0.0)),
        ({}, Backoff()),
        ({"delay": "0s"}, Backoff(0.0)),
        ({"factor": 1}, Backoff(factor=1.0)),
        ({"max_duration": 60}, Backoff(max_duration=60.0)),
    ],
)
def test_a_backoff_may_be_its_delay_alone(value: object, backoff: Backoff) -> None:
    settings, found = read_settings({"backoff": value})
    assert not found
    assert settings.backoff == backoff
    assert merge(settings, StepSettings()).backoff == backoff
    assert merge(settings, StepSettings(backoff=Backoff(7.0))).backoff == Backoff(7.0)


@pytest.mark.parametrize(("value", "cpu"), [(2, "2"), (0.5, "0.5"), ("2", "2"), ("250m", "250m"), (" 1.5 ", "1.5")])
def test_cpu(value: object, cpu: str) -> None:
    assert read_settings({"cpu": value})[0].cpu == cpu


@pytest.mark.parametrize(("value", "cache"), [("on", "on"), ("OFF", "off"), (True, "on"), (False, "off")])
def test_cache(value: object, cache: str) -> None:
    assert read_settings({"cache": value})[0].cache == cache


def test_an_accelerator_may_be_its_type_alone() -> None:
    assert read_settings({"accelerator": "amd.com/gpu"})[0].accelerator == Accelerator("amd.com/gpu", 1)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([], "metadata.mlops"),
        ("cpu", "metadata.mlops"),
        ({"gpu": 1}, "metadata.mlops.gpu"),
        ({"cpu": "lots"}, "metadata.mlops.cpu"),
        ({"cpu": "0"}, "metadata.mlops.cpu"),
        ({"cpu": "-1"}, "metadata.mlops.cpu"),
        ({"cpu": True}, "metadata.mlops.cpu"),
        ({"cpu": float("nan")}, "metadata.mlops.cpu"),
        ({"cpu": "2 Gi"}, "metadata.mlops.cpu"),
        ({"memory": "4GB"}, "metadata.mlops.memory"),
        ({"memory": []}, "metadata.mlops.memory"),
        ({"image": ""}, "metadata.mlops.image"),
        ({"image": "a b"}, "metadata.mlops.image"),
        ({"image": 3}, "metadata.mlops.image"),
        ({"packages": "numpy"}, "metadata.mlops.packages"),
        ({"packages": ["numpy", 3]}, "metadata.mlops.packages[1]"),
        ({"packages": ["numpy", None]}, "metadata.mlops.packages[1]"),
        ({"retries": -1}, "metadata.mlops.retries"),
        ({"retries": 1.5}, "metadata.mlops.retries"),
        ({"retries": True}, "metadata.mlops.retries"),
        ({"retries": "3"}, "metadata.mlops.retries"),
        ({"backoff": "soon"}, "metadata.mlops.backoff"),
        ({"backoff": True}, "metadata.mlops.backoff"),
        ({"backoff": {"delay": -1}}, "metadata.mlops.backoff.delay"),
        ({"backoff": {"factor": 0.5}}, "metadata.mlops.backoff.factor"),
        ({"backoff": {"factor": "2"}}, "metadata.mlops.backoff.factor"),
        ({"backoff": {"factor": float("nan")}}, "metadata.mlops.backoff.factor"),
        ({"backoff": {"max_duration": 0}}, "metadata.mlops.backoff.max_duration"),
        ({"backoff": {"dealy": 1}}, "metadata.mlops.backoff.dealy"),
        ({"timeout": 0}, "metadata.mlops.timeout"),
        ({"timeout": -5}, "metadata.mlops.timeout"),
        ({"timeout": "soon"}, "metadata.mlops.timeout"),
        ({"timeout": ""}, "metadata.mlops.timeout"),
        ({"timeout": "1..5m"}, "metadata.mlops.timeout"),
        ({"timeout": float("inf")}, "metadata.mlops.timeout"),
        ({"timeout": 10**400}, "metadata.mlops.timeout"),
        ({"timeout": [1]}, "metadata.mlops.timeout"),
        ({"cache": "sometimes"}, "metadata.mlops.cache"),
        ({"cache": 1}, "metadata.mlops.cache"),
        ({"accelerator": {"count": 1}}, "metadata.mlops.accelerator.type"),
        ({"accelerator": {"type": "nvidia.com/gpu", "count": 0}}, "metadata.mlops.accelerator.count"),
        ({"accelerator": {"type": "nvidia.com/gpu", "cuont": 1}}, "metadata.mlops.accelerator.cuont"),
        ({"env": {"1X": "a"}}, "metadata.mlops.env.1X"),
        ({"env": {"X": 1}}, "metadata.mlops.env.X"),
        ({"env": ["X"]}, "metadata.mlops.env"),
        ({"secrets": [{"key": "a"}]}, "metadata.mlops.secrets[0].name"),
        ({"secrets": [{"name": "a", "value": "hush"}]}, "metadata.mlops.secrets[0].value"),
        ({"secrets": [{"name": "a"}, {"name": "b", "env": "a-b"}]}, "metadata.mlops.secrets[1].env"),
        ({"secrets": {"name": "a"}}, "metadata.mlops.secrets"),
        ({"secrets": ["a"]}, "metadata.mlops.secrets[0]"),
        ({"volumes": [{"claim": "a", "path": "data"}]}, "metadata.mlops.volumes[0].path"),
        ({"volumes": [{"path": "/data"}]}, "metadata.mlops.volumes[0].claim"),
        ({"labels": {"a b": "c"}}, "metadata.mlops.labels.a b"),
        ({"labels": {"a": "not a label"}}, "metadata.mlops.labels.a"),
        ({"node_selector": {"a": None}}, "metadata.mlops.node_selector.a"),
        ({"annotations": {"a": 1}}, "metadata.mlops.annotations.a"),
        ({"description": " "}, "metadata.mlops.description"),
    ],
)  # fmt: skip
def test_a_bad_value_is_one_diagnostic_with_its_path(value: object, path: str) -> None:
    (message,) = problems(value)
    assert message.startswith(f"`{path}` ")


def test_the_value_of_a_secret_is_not_repeated() -> None:
    assert "hush" not in str(read_settings({"secrets": [{"name": "a", "value": "hush"}]}))


def test_one_bad_field_leaves_the_others() -> None:
    settings, found = read_settings({"cpu": "lots", "memory": "1Gi", "packages": ["a", 3, "b"]})
    assert (settings.memory, settings.packages, settings.cpu) == ("1Gi", ("a", "b"), None)
    assert len(found) == 2


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({"memroy": "1Gi"}, "Did you mean `memory`?"),
        ({"nodeSelector": {}}, "Did you mean `node_selector`?"),
        ({"memory": "4 GB"}, "Did you mean `4Gi`?"),
        ({"memory": "lots"}, "Write it as Kubernetes does, for example `4Gi` or `512Mi`."),
        ({"cache": "volatil"}, "Did you mean `volatile`?"),
    ],
)
def test_hints(value: object, hint: str) -> None:
    assert read_settings(value)[1][0].hint == hint


def test_marks_of_generated_cells_are_no_settings() -> None:
    assert read_settings({"role": "load"}) == (StepSettings(), ())


@given(st.dictionaries(st.sampled_from([*EVERYTHING, "other"]), json_values))
def test_no_json_makes_it_fail(value: dict[str, Any]) -> None:
    for message in problems(value):
        assert message.isprintable()


def test_a_notebook_has_a_name_a_description_and_defaults() -> None:
    settings = read_notebook_settings({"name": " Churn ", "description": "Who leaves.", "cpu": 2, "timeout": "1h"})
    assert (settings.name, settings.description) == ("Churn", "Who leaves.")
    assert settings.defaults == StepSettings(cpu="2", timeout=3600.0)
    assert not settings.diagnostics


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"name": 3}, "metadata.mlops.name"),
        ({"name": ""}, "metadata.mlops.name"),
        ({"nmae": "x"}, "metadata.mlops.nmae"),
        ({"step": "x"}, "metadata.mlops.step"),
        (3, "metadata.mlops"),
    ],
)
def test_a_bad_value_of_the_notebook(value: object, path: str) -> None:
    (found,) = read_notebook_settings(value).diagnostics
    assert found.code == "MLO009" and found.cell is None
    assert found.message.startswith(f"`{path}` ")


def test_a_step_notebook_can_be_read() -> None:
    assert not read_notebook_settings({"pipeline": "churn", "step": "train", "schema": 1}).diagnostics


def test_the_steps_own_settings_win() -> None:
    defaults = StepSettings(image="a", cpu="1", timeout=5.0, retries=3, env={"A": "1", "B": "1"}, description="d")
    own = StepSettings(cpu="2", retries=0, env={"B": "2"})
    assert merge(defaults, own) == StepSettings(
        image="a", cpu="2", timeout=5.0, retries=0, env={"A": "1", "B": "2"}, description=None
    )


def test_lists_are_joined_by_what_they_name() -> None:
    defaults = StepSettings(
        packages=("scikit_learn==1.4", "numpy"),
        secrets=(Secret("a", "k", "TOKEN"), Secret("b", "k", "USER")),
        volumes=(Volume("old", "/data"),),
    )
    own = StepSettings(
        packages=("Scikit-Learn>=1.5",), secrets=(Secret("c", "k", "TOKEN"),), volumes=(Volume("new", "/data"),)
    )
    merged = merge(defaults, own)
    assert merged.packages == ("numpy", "Scikit-Learn>=1.5")
    assert merged.secrets == (Secret("b", "k", "USER"), Secret("c", "k", "TOKEN"))
    assert merged.volumes == (Volume("new", "/data"),)


def test_merging_nothing_changes_nothing() -> None:
    settings, _ = read_settings({key: value for key, value in EVERYTHING.items() if key != "description"})
    assert merge(settings, StepSettings()) == settings
    assert merge(StepSettings(), settings) == settings
