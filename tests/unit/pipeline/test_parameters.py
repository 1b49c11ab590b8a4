"""Parameters: papermill's readings, the declared types, and messages that name what is wrong."""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import UsageError
from jupyter_mlops.pipeline.model import Parameter, ParameterType, Pipeline
from jupyter_mlops.pipeline.parameters import Text, coerce, gather, resolve


def parameter(kind: ParameterType, name: str = "p", optional: bool = False) -> Parameter:
    return Parameter(name, kind, None, "cell", 1, optional)


PIPELINE = Pipeline(
    "churn",
    None,
    "python3",
    (
        Parameter("test_size", "float", 0.25, "c", 1),
        Parameter("n_trees", "int", 100, "c", 2),
        Parameter("depth", "int", None, "c", 3, optional=True),
    ),
    (),
    (),
    (),
)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "3", 3),
        ("int", "-3", -3),
        ("int", "1_000", 1000),
        ("float", "3", 3.0),
        ("float", "1e-3", 0.001),
        ("float", "-inf", -math.inf),
        ("str", "3", "3"),
        ("str", "True", "True"),
        ("str", "None", "None"),
        ("str", "", ""),
        ("bool", "True", True),
        ("bool", "false", False),
        ("list", "[1, 2.5, null, a]", [1, 2.5, None, "a"]),
        ("dict", '{"a": {"b": [true]}}', {"a": {"b": [True]}}),
        ("dict", "{0: 1.0, 1: 5e0}", {0: 1.0, 1: 5.0}),
        ("none", "None", None),
        ("none", "3", 3),
        ("none", "3.5", 3.5),
        ("none", "abc", "abc"),
    ],
)
def test_text_becomes_the_declared_type(kind: ParameterType, text: str, value: Any) -> None:
    found = coerce(parameter(kind), Text(text))
    assert found == value
    assert type(found) is type(value)


def test_text_nan_is_a_float() -> None:
    assert math.isnan(coerce(parameter("float"), Text("nan")))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "3.5"),
        ("int", "3.0"),
        ("int", "1e3"),
        ("int", "True"),
        ("int", "None"),
        ("int", ""),
        ("float", "abc"),
        ("float", "True"),
        ("float", "9" * 400),
        ("bool", "1"),
        ("bool", "yes"),
        ("list", "1"),
        ("list", "{a: 1}"),
        ("dict", "[1]"),
        ("dict", "abc"),
    ],
)
def test_text_of_another_type_is_refused(kind: ParameterType, text: str) -> None:
    with pytest.raises(UsageError, match=f'^The parameter "p" must be {kind}, not "') as caught:
        coerce(parameter(kind), Text(text))
    assert caught.value.exit_code == 2


def test_values_must_fit_without_conversion() -> None:
    assert coerce(parameter("float"), 3) == 3.0
    assert coerce(parameter("list"), (1, 2)) == [1, 2]
    with pytest.raises(UsageError, match=r'^The parameter "p" must be int, not "3" \(str\)\.$'):
        coerce(parameter("int"), "3")
    with pytest.raises(UsageError, match=r'^The parameter "p" must be int, not True \(bool\)\.$'):
        coerce(parameter("int"), True)
    with pytest.raises(UsageError, match=r'^The parameter "p" must be str, not 3 \(int\)\.$'):
        coerce(parameter("str"), 3)
    with pytest.raises(UsageError, match=r'^The parameter "p" must be float, not None\.$'):
        coerce(parameter("float"), None)


def test_none_is_for_optional_parameters() -> None:
    assert coerce(parameter("int", optional=True), Text("None")) is None
    assert coerce(parameter("str", optional=True), None) is None
    with pytest.raises(UsageError, match="must be int or None, not"):
        coerce(parameter("int", optional=True), Text("x"))


def test_numbers_of_numpy_become_plain() -> None:
    numpy = pytest.importorskip("numpy")
    assert type(coerce(parameter("int"), numpy.int64(3))) is int
    assert type(coerce(parameter("float"), numpy.float32(0.5))) is float
    assert coerce(parameter("bool"), numpy.bool_(True)) is True


def test_values_that_no_parameter_can_hold_are_refused() -> None:
    with pytest.raises(UsageError, match=r'^The parameter "p" can\'t hold \{1\} \(set\)\.$'):
        coerce(parameter("none"), {1})
    with pytest.raises(UsageError, match="a key that is no string or number: None"):
        coerce(parameter("dict"), {None: 1})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(JSON)
def test_any_json_value_passes_unchanged_where_no_type_is_declared(value: Any) -> None:
    assert coerce(parameter("none"), value) == value


@given(st.lists(st.integers() | st.text(alphabet=st.characters(codec="ascii"), max_size=8), max_size=5))
def test_json_text_of_a_list_reads_back(value: list[Any]) -> None:
    assert coerce(parameter("list"), Text(json.dumps(value))) == value


@given(st.sampled_from(["int", "float", "str", "bool", "list", "dict", "none"]), st.text(max_size=30))
def test_any_text_gives_the_type_or_a_usage_error(kind: ParameterType, text: str) -> None:
    wanted = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict}
    try:
        value = coerce(parameter(kind), Text(text))
    except UsageError:
        return
    assert kind == "none" or type(value) is wanted[kind]


# --- resolve ----------------------------------------------------------------------------------------------------------


def test_resolve_returns_the_given_ones_in_the_order_of_declaration() -> None:
    values = resolve(PIPELINE, {"n_trees": Text("300"), "test_size": 1})
    assert list(values.items()) == [("test_size", 1.0), ("n_trees", 300)]


def test_unknown_name_suggests_the_nearest_and_lists_the_declared() -> None:
    with pytest.raises(UsageError) as caught:
        resolve(PIPELINE, {"n_tree": Text("1")})
    assert caught.value.message == 'There is no parameter "n_tree"; did you mean "n_trees"?'
    assert caught.value.hint == "Declared are: test_size (float), n_trees (int), depth (int or None)."


def test_unknown_name_without_a_near_one() -> None:
    with pytest.raises(UsageError) as caught:
        resolve(PIPELINE, {"xyzzy": 1})
    assert caught.value.message == 'There is no parameter "xyzzy".'


def test_unknown_name_where_nothing_is_declared() -> None:
    with pytest.raises(UsageError) as caught:
        resolve(Pipeline("p", None, "python3", (), (), (), ()), {"alpha": 1})
    assert caught.value.hint == 'The notebook declares no parameters; give a cell of assignments the tag "parameters".'


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        resolve(PIPELINE, {"n_tree": 1, "n_trees": Text("3.5"), "test_size": Text("x")})
    assert caught.value.message.splitlines() == [
        'There is no parameter "n_tree"; did you mean "n_trees"?',
        'The parameter "test_size" must be float, not "x".',
        'The parameter "n_trees" must be int, not "3.5".',
    ]


# --- gather -----------------------------------------------------------------------------------------------------------


def test_later_sources_win_as_in_papermill(tmp_path: Path) -> None:
    file = tmp_path / "my params é.yaml"
    file.write_text("a: file\nb: file\nc: file\nd: file\n", encoding="utf-8")
    found = gather(
        base64=[base64.b64encode(b"{a: base64, z: 1}").decode()],
        files=[file],
        yaml=["{b: yaml, c: yaml, d: yaml}"],
        text=[("c", "text"), ("d", "text")],
        raw=[("d", "3")],
    )
    assert found == {"a": "file", "b": "yaml", "c": "text", "d": "3", "z": 1}
    assert isinstance(found["c"], Text)
    assert not isinstance(found["d"], Text)


def test_yaml_dates_stay_strings_and_exponents_are_numbers() -> None:
    assert gather(yaml=["day: 2020-01-01\nrate: 1e-3\nnothing: null"]) == {
        "day": "2020-01-01",
        "rate": 0.001,
        "nothing": None,
    }


def test_empty_yaml_gives_nothing() -> None:
    assert gather(yaml=["", "# just a comment"]) == {}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"yaml": ["[1, 2]"]}, 'YAML "[1, 2]": parameters must be a mapping of names to values.'),
        ({"yaml": ["{1: 2}"]}, 'YAML "{1: 2}": parameters must be a mapping of names to values.'),
        ({"yaml": ["a: 1\na: 2"]}, "YAML \"a: 1 a: 2\", line 2: the key 'a' stands there twice."),
        ({"base64": ["%%%"]}, 'The parameters "%%%" are not base64 encoded UTF-8 text.'),
        ({"base64": ["/w=="]}, 'The parameters "/w==" are not base64 encoded UTF-8 text.'),
        ({"files": ["no such file"]}, "The parameters file no such file can't be read: No such file or directory."),
    ],
)
def test_bad_sources_are_refused(source: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        gather(**source)
    assert caught.value.message == message


@pytest.mark.parametrize("source", ["a: [", "a: b: c", "\t: 1", "!!python/object:os.system {}", "&a [*b]"])
def test_broken_yaml_is_refused_on_one_line(source: str) -> None:
    with pytest.raises(UsageError) as caught:
        gather(yaml=[source])
    assert "\n" not in caught.value.message


def test_yaml_never_makes_objects() -> None:
    with pytest.raises(UsageError, match="could not determine a constructor"):
        gather(yaml=["x: !!python/name:os.system"])
