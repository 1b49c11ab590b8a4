from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlops.notebook.kale import printed_names, read_kale_metadata
from jupyter_mlops.notebook.model import Accelerator, Secret, StepSettings, Volume
from jupyter_mlops.notebook.reading import parse_notebook
from jupyter_mlops.notebook.tags import Tagging, read_tags


def codes(*tags: str) -> list[str]:
    return [found.code for found in read_tags(tags, cell="c1").diagnostics]


def test_steps_and_their_order() -> None:
    assert read_tags(["block:train", "prev:load", "prev:clean"]) == Tagging(step="train", after=("load", "clean"))


def test_a_block_without_a_name_is_an_untagged_cell() -> None:
    assert read_tags(["block:"]) == Tagging()


def test_roles() -> None:
    assert read_tags(["pipeline-parameters"]) == Tagging(role="parameters")
    assert read_tags(["pipeline-metrics"]) == Tagging(metrics=True, shows_metrics=True)


@pytest.mark.parametrize(
    ("tag", "settings"),
    [
        ("image:python:3.11-slim", StepSettings(image="python:3.11-slim")),
        ("limit:cpu:500m", StepSettings(cpu="500m")),
        ("limit:memory:4Gi", StepSettings(memory="4Gi")),
        ("limit:nvidia.com/gpu:2", StepSettings(accelerator=Accelerator("nvidia.com/gpu", 2))),
        ("label:team:risk", StepSettings(labels={"team": "risk"})),
        ("label:app.org/name:x", StepSettings(labels={"app.org/name": "x"})),
        ("annotation:note:a:b: c", StepSettings(annotations={"note": "a:b: c"})),
        ("annotation:url:http://x:80/", StepSettings(annotations={"url": "http://x:80/"})),
        ("annotation:empty:", StepSettings(annotations={"empty": ""})),
        ("secret:db:password:DB_PASSWORD", StepSettings(secrets=(Secret("db", "password", "DB_PASSWORD"),))),
        ("cache:enabled", StepSettings(cache="on")),
        ("cache:disabled", StepSettings(cache="off")),
        ("report:enabled", StepSettings()),
    ],
)
def test_settings(tag: str, settings: StepSettings) -> None:
    assert read_tags(["step:a", tag]) == Tagging(step="a", settings=settings)


def test_settings_add_up() -> None:
    tagging = read_tags(["block:a", "label:x:1", "label:y:2", "limit:cpu:1", "secret:s:k:A", "secret:s:k:B"])
    assert tagging.settings == StepSettings(
        labels={"x": "1", "y": "2"}, cpu="1", secrets=(Secret("s", "k", "A"), Secret("s", "k", "B"))
    )
    assert not tagging.diagnostics


@pytest.mark.parametrize(
    "tag",
    ["image:", "image:a b", "limit:cpu", "limit:cpu:lots", "limit:memory:4GB", "limit:nvidia.com/gpu:many",
     "limit:nvidia.com/gpu:0", "label:a", "label:a b:c", "label:a:b c", "annotation:a", "secret:a:b", "secret:a:b:c-d",
     "secret:a:b:c:d", "cache:maybe", "report:", "notebook:"],
)  # fmt: skip
def test_a_malformed_setting(tag: str) -> None:
    tagging = read_tags([tag], cell="c1")
    (found,) = tagging.diagnostics
    assert (found.code, found.cell) == ("MLO008", "c1")
    assert f"`{tag}`" in found.message and found.hint
    assert tagging.settings == StepSettings()


@pytest.mark.parametrize("tag", ["notebook:clean_data", "report:disabled", "limit:ephemeral-storage:1Gi"])
def test_what_has_no_counterpart_is_a_warning(tag: str) -> None:
    (found,) = read_tags([tag], cell="c1").diagnostics
    assert (found.code, found.severity, found.cell) == ("MLO060", "warning", "c1")
    assert f"`{tag}`" in found.message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cache:enabled", "cache:disabled"),
        ("image:a", "image:b"),
        ("limit:cpu:1", "limit:cpu:2"),
        ("limit:nvidia.com/gpu:1", "limit:amd.com/gpu:1"),
        ("label:a:1", "label:a:2"),
        ("secret:a:k:X", "secret:b:k:X"),
    ],
)
def test_settings_that_contradict_each_other(one: str, other: str) -> None:
    assert codes("step:a", one, other) == ["MLO007"]
    assert codes("step:a", one, one) == []


def metadata(**settings: Any) -> dict[str, Any]:
    return {
        "experiment": {"id": "", "name": ""},
        "experiment_name": "",
        "katib_run": False,
        "snapshot_volumes": False,
        **settings,
    }


def test_a_notebooks_metadata() -> None:
    settings = read_kale_metadata(
        metadata(
            pipeline_name="churn",
            pipeline_description="Who leaves.",
            docker_image="org/image:1",
            volumes=[{"type": "pvc", "name": "data", "mount_point": "/data", "snapshot": False}],
            steps_defaults=["label:a:b", "limit:memory:1Gi", "cache:disabled"],
        )
    )
    assert (settings.name, settings.description) == ("churn", "Who leaves.")
    assert settings.defaults == StepSettings(
        image="org/image:1", volumes=(Volume("data", "/data"),), labels={"a": "b"}, memory="1Gi", cache="off"
    )
    assert not settings.diagnostics


def test_defaults_may_be_an_object() -> None:
    settings = read_kale_metadata(
        metadata(
            base_image="org/image:2",
            steps_defaults={
                "labels": {"a": "b"},
                "annotations": {"c": "d:e"},
                "limits": {"cpu": "2", "nvidia.com/gpu": "1"},
                "secrets": {"TOKEN": {"secret_name": "s", "secret_key": "k"}},
                "enable_caching": True,
                "retry_count": 3,
                "timeout": 60,
            },
        )
    )
    assert not settings.diagnostics
    assert settings.defaults == StepSettings(
        image="org/image:2",
        labels={"a": "b"},
        annotations={"c": "d:e"},
        cpu="2",
        accelerator=Accelerator("nvidia.com/gpu", 1),
        secrets=(Secret("s", "k", "TOKEN"),),
        cache="on",
        retries=3,
        timeout=60.0,
    )


@pytest.mark.parametrize(
    "value", [None, {}, metadata(pipeline_name="", docker_image="", volumes=[], steps_defaults=[])]
)
def test_empty_metadata_say_nothing(value: object) -> None:
    settings = read_kale_metadata(value)
    assert (settings.name, settings.defaults, settings.diagnostics) == (None, StepSettings(), ())


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (metadata(experiment_name="trials"), "experiment_name"),
        ({"experiment": {"name": "trials"}}, "experiment"),
        (metadata(katib_run=True), "katib_run"),
        (metadata(snapshot_volumes=True), "snapshot_volumes"),
        (metadata(anything="new"), "anything"),
        (metadata(volumes=[{"type": "new_pvc", "name": "a", "mount_point": "/a", "size": 1}]), "volumes[0]"),
        (metadata(volumes=[{"type": "pvc", "name": "a", "mount_point": "/a", "snapshot": True}]), "snapshot"),
        (metadata(volumes=["a"]), "volumes[0]"),
        (metadata(volumes="a"), "volumes"),
        (metadata(steps_defaults=["block:a"]), "block:a"),
        (metadata(steps_defaults=[3]), "3"),
        (metadata(steps_defaults="x"), "steps_defaults"),
        (metadata(steps_defaults={"retry_factor": 2}), "retry_factor"),
        (metadata(steps_defaults={"labels": ["a"]}), "labels"),
        (metadata(steps_defaults={"enable_caching": "yes"}), "enable_caching"),
        (metadata(enable_caching="yes"), "enable_caching"),
    ],
)
def test_ignored_metadata_are_never_silent(value: object, named: str) -> None:
    (found,) = read_kale_metadata(value).diagnostics
    assert (found.code, found.cell) == ("MLO060", None)
    assert named in found.message


@pytest.mark.parametrize("value", ["x", [], 3])
def test_metadata_of_the_wrong_type(value: object) -> None:
    (found,) = read_kale_metadata(value).diagnostics
    assert found.code == "MLO009"
    assert "metadata.kubeflow_notebook" in found.message


def test_a_bad_number_in_the_defaults() -> None:
    (found,) = read_kale_metadata(metadata(steps_defaults={"retry_count": -1})).diagnostics
    assert (found.code, "steps_defaults.retry_count" in found.message) == ("MLO009", True)


def test_printed_names() -> None:
    assert printed_names("print(accuracy)\nprint(f1, auc)\nloss\nprint('x', f(y))\nz = 1\nprint(f1)") == (
        "accuracy",
        "f1",
        "auc",
        "loss",
    )
    assert printed_names("print(") == ()


def test_our_own_metadata_win_over_kales() -> None:
    theirs = {
        "pipeline_name": "theirs",
        "pipeline_description": "d",
        "steps_defaults": ["limit:cpu:1", "limit:memory:1Gi"],
    }
    tagged = {"tags": ["block:a", "limit:cpu:1", "image:x"], "mlops": {"cpu": 4}}
    raw = {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {"mlops": {"name": "ours", "cpu": 2}, "kubeflow_notebook": theirs},
        "cells": [
            {"cell_type": "code", "metadata": tagged, "source": ""},
            {"cell_type": "code", "metadata": {"tags": ["pipeline-metrics"]}, "source": "print(acc)"},
        ],
    }
    notebook = parse_notebook(raw)
    assert (notebook.name, notebook.description) == ("ours", "d")
    assert notebook.defaults == StepSettings(cpu="2", memory="1Gi")
    assert notebook.cells[0].settings == StepSettings(cpu="4", image="x")
    assert (notebook.cells[1].metrics, notebook.cells[1].metric_names) == (True, ("acc",))
    assert not notebook.diagnostics
