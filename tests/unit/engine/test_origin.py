"""What began a run is told by the variables that CI services set."""

from __future__ import annotations

from jupyter_mlops.engine.origin import Origin, origin


def test_by_hand() -> None:
    assert origin({}) == origin({"CI": "false"}) == origin({"CI": ""}) == Origin("hand")


def test_services() -> None:
    assert origin({"CI": "true"}) == Origin("ci")
    github = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_RUN_ID": "7",
        "GITHUB_REF_NAME": "main",
    }
    assert origin(github) == Origin(
        "ci",
        {
            "ci.provider": "github",
            "ci.repository": "o/r",
            "ci.ref": "main",
            "ci.run": "7",
            "ci.url": "https://github.example/o/r/actions/runs/7",
        },
    )
    gitlab = {
        "GITLAB_CI": "true",
        "CI_PROJECT_PATH": "g/p",
        "CI_PIPELINE_URL": "https://gitlab.example/g/p/-/pipelines/3",
    }
    assert origin(gitlab).tags == {
        "ci.provider": "gitlab",
        "ci.repository": "g/p",
        "ci.url": "https://gitlab.example/g/p/-/pipelines/3",
    }
    assert origin({"GITHUB_ACTIONS": "true"}).tags == {"ci.provider": "github"}
