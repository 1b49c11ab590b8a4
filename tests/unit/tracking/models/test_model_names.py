import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import UsageError
from jupyter_mlops.tracking.model_names import (
    ModelReference,
    check_alias,
    check_model_name,
    parse_reference,
    parse_source,
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("churn", ModelReference("churn")),
        ("churn@latest", ModelReference("churn")),
        ("churn@champion", ModelReference("churn", alias="champion")),
        ("churn@3", ModelReference("churn", version=3)),
        ("churn/3", ModelReference("churn", version=3)),
        ("churn/v3", ModelReference("churn", version=3)),
        ("my model@A", ModelReference("my model", alias="A")),
    ],
)
def test_ways_to_name_a_version(text: str, meant: ModelReference) -> None:
    assert parse_reference(text) == meant


@pytest.mark.parametrize(
    "text", ["", "  ", "churn@", "churn/", "churn/champion", "a:b", "@x", "churn@a/b", "a@b@c", "a/1/2"]
)
def test_what_names_no_version(text: str) -> None:
    with pytest.raises(UsageError):
        parse_reference(text)


@pytest.mark.parametrize(
    "name", ["a/b", "a\\b", "a@b", "a:b", "", " ", " a", "a ", "a\nb", "..", "-a", "x" * 201, "a\x00"]
)
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        check_model_name(name)


@pytest.mark.parametrize("alias", ["3", "v3", "latest", "a/b"])
def test_aliases_that_are_refused(alias: str) -> None:
    with pytest.raises(UsageError):
        check_alias(alias)


@pytest.mark.parametrize("name", ["churn", "it's", 'a "b"', "Модель", "<b>", "a.b-c_d", "100%"])
def test_names_that_are_possible(name: str) -> None:
    assert parse_reference(check_model_name(name)) == ModelReference(name)


@given(st.text(max_size=20), st.integers(1, 10**6))
def test_a_name_that_is_possible_can_be_referred_to(name: str, version: int) -> None:
    try:
        check_model_name(name)
    except UsageError:
        return
    assert parse_reference(f"{name}/{version}") == ModelReference(name, version=version)
    assert parse_reference(f"{name}@{version}") == ModelReference(name, version=version)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("latest:forest", ("latest", None, "forest")),
        ("brisk-otter:train forest/forest", ("brisk-otter", "train forest", "forest")),
        ("latest:models/forest.joblib", ("latest", "models", "forest.joblib")),
    ],
)
def test_what_is_registered(text: str, meant: tuple[str, str | None, str]) -> None:
    assert parse_source(text) == meant


@pytest.mark.parametrize("text", ["latest", "", ":forest", "latest:", "latest: "])
def test_what_says_too_little(text: str) -> None:
    with pytest.raises(UsageError, match="does not say"):
        parse_source(text)
