"""Secrets are found in whatever form and however cut; what is no secret stays as it is."""

from __future__ import annotations

import copy
import html
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jupyter_mlops.engine.redaction import is_worth_hiding, without_tokens
from jupyter_mlops.engine.redactor import Redactor, make_redactor
from jupyter_mlops.engine.result import StepFailure
from jupyter_mlops.engine.stepreport import StepReport, redacted_report
from jupyter_mlops.engine.streams import Streams
from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.configuration import SecretSettings, secret_settings
from jupyter_mlops.store.home import ensure_home
from jupyter_mlops.store.records import ArtifactRecord

ODD = "p\"w'\\ü<&>/ \n x"
KNOWN = "ghp_" + "a1" * 18


def of(*values: str, **settings: Any) -> Redactor:
    return Redactor(values, SecretSettings(**settings), b"key")


@pytest.mark.parametrize(
    "form",
    [
        str,
        repr,
        json.dumps,
        html.escape,
        lambda text: json.dumps(text, ensure_ascii=False),
    ],
)
def test_every_form_of_a_value_is_found(form: Any) -> None:
    assert of(ODD).text(f"a {form(ODD)} b") == f"a {form('[redacted]')} b"
    assert of(ODD).text(f"http://host/?key={quote(ODD, safe='')}&x") == "http://host/?key=[redacted]&x"


def test_which_values_are_looked_for(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.touch()
    assert all(map(is_worth_hiding, ["hunter2", "/not/there/s3cret", "12ab34", "~unknown-user/x"]))
    no = ["short", "123456", "1_000.5", "-1.5e10", "Changeme", "disabled", str(file), "      ", " abc  "]
    assert not any(map(is_worth_hiding, no))
    assert not is_worth_hiding(str(Path.cwd()))  # of the variable PWD


def test_where_secrets_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_TOKEN", "of-the-process")
    found = make_redactor(
        [
            {
                "n": 3,
                "api_key": "of-a-parameter",
                "db": {"password": ["nested-one"], "host": "db.example.org"},
                "mine": "extra-1",
            }
        ],
        [{"X_SECRET": " of-a-step ", "PATH": "/usr/bin:/bin", "REFERRED": "by-reference"}],
        SecretSettings(names=("mine",), ignore=("X_SECRET",)),
        references=["REFERRED"],
    )
    assert {"of-the-process", "of-a-parameter", "nested-one", "extra-1", "by-reference"} <= set(found.values)
    assert not {"of-a-step", "db.example.org", "/usr/bin:/bin"} & set(found.values)
    assert (
        make_redactor([{"api_key": "of-a-parameter"}], [], SecretSettings(redact=False)).text("of-a-parameter")
        == "of-a-parameter"
    )


def test_parameters_have_fingerprints() -> None:
    values = {
        "api_key": "abcdefgh",
        "n": 3,
        "pin_secret": 4711,
        "password": None,
        "token": "",
        "d": {"token": 1, "x": [1.5]},
    }
    found = of("abcdefgh").parameters(values)
    assert found["n"] == 3 and found["password"] is None and found["token"] == "" and found["d"]["x"] == [1.5]
    assert {len(found["api_key"]), len(found["pin_secret"]), len(found["d"]["token"])} == {len("[redacted 01234567]")}
    assert found == of().parameters(values) == of().parameters(found)  # the same again; once is enough
    assert found["api_key"] != of().parameters({"api_key": "abcdefgi"})["api_key"]
    assert found["api_key"] != Redactor(key=b"other").parameters(values)["api_key"]
    assert of().declared(values)["api_key"] == "[redacted]"
    assert of(redact=False).parameters(values) == values


def test_the_key_of_fingerprints_stays(tmp_path: Path) -> None:
    home = ensure_home(tmp_path / ".mlops")
    assert len(home.fingerprint_key(make=False)) == 32 and not (home.root / "fingerprints.key").exists()
    assert home.fingerprint_key() == home.fingerprint_key() == home.fingerprint_key(make=False)
    assert os.name == "nt" or (home.root / "fingerprints.key").stat().st_mode & 0o077 == 0
    assert not list(home.root.glob("*.tmp")) + list(home.root.glob(".*.tmp"))


PIECES = st.lists(
    st.sampled_from([*"hunter2-x\n ", "hunter2-", "hunter2-x", "unter", "hunter2-xyz", KNOWN[:6], KNOWN[6:], KNOWN]),
    max_size=30,
)


@given(PIECES)
@example(["hunter2-x", "yz"])
@example([KNOWN[:30], KNOWN[30:]])
@example([KNOWN, "h"])
@example(["h", "unter2-", "x"])
@example(["-----BEGIN PRIVATE KEY-----\nabc\n", "def\n-----END PRIVATE", " KEY-----\nx"])
def test_pieces_come_out_as_the_whole_does(pieces: list[str]) -> None:
    redactor = of("hunter2-x", "hunter2-xyz")
    streams = Streams(redactor)
    shown = "".join([*(streams.add("stdout", piece) for piece in pieces), *streams.rest().values()])
    assert shown == redactor.text("".join(pieces))


def test_lines_do_not_wait() -> None:
    streams = Streams(of("hunter2-x"))
    assert streams.add("stdout", "with an h\n") == "with an h\n" and streams.add("stdout", "50%") == "50%"
    assert streams.add("stdout", "hunt") == "" and streams.add("stderr", "other\n") == "other\n"
    assert streams.rest() == {"stdout": "hunt"}
    assert streams.add("stdout", "hunter2-") == "" and streams.cut("stdout") == "[redacted]"


def test_what_is_cut_shows_no_piece() -> None:
    redactor = of("a-very-long-secret-of-someone")
    assert redactor.cut("Login('a-very-long…', 'h…') x…") == "Login('[redacted]…', 'h…') x…"
    assert redactor.cut("'a-very-l...someone'") == "'[redacted]...[redacted]'"
    assert redactor.cut("https://example.org/a…") == "https://example.org/a…"


def test_a_notebook_stays_as_it_is_without_secrets() -> None:
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": ["a\n", "b"], "metadata": {}},
            {
                "cell_type": "code",
                "source": "f'postgresql://{user}:{word}@host'",
                "metadata": {"tags": ["x"]},
                "outputs": [
                    {"output_type": "stream", "name": "stdout", "text": ["a\n", "b"]},
                    {
                        "output_type": "display_data",
                        "data": {"image/png": "abc", "application/json": {"a": [1, None]}},
                        "metadata": {},
                    },
                    {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["a", "b"]},
                ],
            },
        ],
        "metadata": {"papermill": {"parameters": {"n": 1}}},
    }
    before = copy.deepcopy(notebook)
    of("hunter2-x").notebook(notebook)
    assert notebook == before
    notebook["cells"][1]["outputs"][0]["text"] = ["a hun\n", "ter2-x\n", "b"]
    of("hun\nter2-x").notebook(notebook)
    assert notebook["cells"][1]["outputs"][0]["text"] == ["a [redacted]\n", "b"]


def test_what_is_told_of_a_step() -> None:
    about = {"type": "str", "preview": "'hunter2-x'", "schema": None}
    record = ArtifactRecord(
        "a.x",
        "value",
        ("x", "api_key"),
        "d",
        1,
        preview="x: 'hunt…",
        members={"x": about, "api_key": {"preview": "'other'"}},
    )
    failure = StepFailure("user", "ValueError", "no hunter2-x", traceback="raise hunter2-x", hint="hunter2-x?")
    report = redacted_report(StepReport(failure=failure, figures=(record,)), of("hunter2-x"))
    assert "hunter2" not in repr(report) and report.figures[0].members["api_key"]["preview"] == "[redacted]"
    assert report.figures[0].digest == "d"


def test_much_text_is_searched_at_once() -> None:
    """Ten megabytes pass without an expression that is tried at each of its places."""
    text = "a line of an ordinary log, nothing special in it: 0.12345\n" * 170_000
    assert len(text) > 9_500_000
    redactor = of(*(f"secret-value-number-{number}" for number in range(50)))
    assert redactor.text(text) is text and without_tokens(text) is text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("secrets = 1", "is a table"),
        ("[secrets]\nredakt = true", "Did you mean 'redact'"),
        ('[secrets]\nnames = "X"', "names is a list, not a str"),
        ("[secrets]\nignore = [1]", "list of names"),
        ("[secrets", "can't be read"),
    ],
)
def test_settings_that_make_no_sense(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "mlops.toml").write_text(content)
    with pytest.raises(UsageError) as caught:
        secret_settings(tmp_path)
    assert says in f"{caught.value.message} {caught.value.hint}"


def test_settings(tmp_path: Path) -> None:
    assert secret_settings(tmp_path) == SecretSettings()
    (tmp_path / "mlops.toml").write_text('[secrets]\nredact = false\nnames = ["A"]\nignore = ["B"]\n[cache]\nurl = "x"')
    assert secret_settings(tmp_path) == SecretSettings(False, ("A",), ("B",))
