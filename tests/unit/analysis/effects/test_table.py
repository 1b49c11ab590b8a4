"""Look-ups in the table, on small tables made for the purpose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.analysis.effects import Effect, EffectTable

LIBRARY: dict[str, Any] = {
    "library": "lib",
    "aliases": {"lib.core.frame": "lib", "lib.old.Thing": "lib.Thing"},
    "functions": {"lib: read load": "reads(0|path) -> lib.Thing", "lib.closed.one": "unknown"},
    "values": {"lib.limit": "-> int"},
    "classes": {
        "lib.Base": {
            "init": "keeps(0)",
            "flags": ["random"],
            "methods": {"fit": "mutates -> self", "score": "-> float", "hidden": "pure"},
            "attributes": {"size": "-> int"},
            "item": "view",
            "getattr": "view",
        },
        "lib.Thing lib.Other": {
            "bases": ["lib.Base", "list"],
            "flags": ["immutable"],
            "static": {"make": "-> lib.Thing"},
            "methods": {"score": "-> int", "hidden": "unknown"},
            "take": "-> lib.Thing",
        },
        "lib.Loop": {"bases": ["lib.Loop"]},
    },
    "patterns": [["lib.closed.[a-z]*", "pure"], ["lib.**.[A-Z]*", "class lib.Base"], ["lib.one.*", "draws(numpy)"]],
}
BUILTINS: dict[str, Any] = {
    "library": "builtins",
    "functions": {"len": "-> int"},
    "classes": {"list": {"methods": {"append": "mutates keeps(0)", "index": "-> int"}, "iter": "view"}},
}


@pytest.fixture
def small(tmp_path: Path) -> EffectTable:
    return written(tmp_path, LIBRARY)


def written(folder: Path, library: dict[str, Any]) -> EffectTable:
    """A table of one library and the built-ins."""
    (folder / "index.json").write_text(json.dumps({"lib": "lib", "builtins": "builtins"}))
    (folder / "lib.json").write_text(json.dumps(library))
    (folder / "builtins.json").write_text(json.dumps(BUILTINS))
    return EffectTable(folder)


def test_functions(small: EffectTable) -> None:
    assert small.function("lib.load") == Effect(reads=((0, "path"),), result="lib.Thing")
    assert small.function("len") == small.function("builtins.len") == Effect(result="int")
    assert small.function("lib.nothing") is None
    assert small.function("other.nothing") is None
    assert small.function("lib.Thing") is None


def test_aliases(small: EffectTable) -> None:
    assert small.canonical("lib.core.frame.Thing") == "lib.Thing"
    assert small.class_of("lib.old.Thing") == "lib.Thing"
    assert small.function("lib.core.frame.read") == small.function("lib.read")
    assert small.canonical("elsewhere.x") == "elsewhere.x"


def test_patterns_come_after_names(small: EffectTable) -> None:
    assert small.function("lib.closed.one") is None
    assert small.function("lib.closed.two") == Effect()
    assert small.function("lib.one.x") == Effect(draws=("numpy",))
    assert small.function("lib.one.x.y") is None, "one star stays within a part"
    assert small.class_of("lib.deep.er.Model") == "lib.deep.er.Model"
    assert small.class_of("lib.deep.er.model") is None
    assert small.function("lib.deep.er.Model") is None


def test_members_are_inherited_across_files(small: EffectTable) -> None:
    assert small.method("lib.Thing", "fit") == Effect(mutates=("self",), returns_self=True)
    assert small.method("lib.Thing", "score") == Effect(result="int")
    assert small.method("lib.Thing", "append") == Effect(mutates=("self",), keeps=(0,))
    assert small.method("lib.x.Model", "fit") == small.method("lib.Base", "fit")
    assert small.method("lib.Thing", "hidden") is None, "unknown stops the search"
    assert small.method("lib.Thing", "nothing") is None
    assert small.init("lib.Other") == Effect(keeps=(0,))
    assert small.init("list") == Effect()
    assert small.init("no.Such") is None
    assert small.flags("lib.Thing") == {"random", "immutable"}
    assert small.bases("lib.Thing") == ("lib.Thing", "lib.Base", "list")
    assert small.iter("lib.Thing") == Effect(view=True)
    assert small.call("lib.Thing") is None


def test_bases_may_run_in_a_circle(small: EffectTable) -> None:
    assert small.method("lib.Loop", "x") is None


def test_methods_through_the_class(small: EffectTable) -> None:
    assert small.function("lib.Thing.make") == small.method("lib.Thing", "make") == Effect(result="lib.Thing")
    assert small.function("lib.Thing.fit") is None, "what returns its receiver can't be said with positions"
    assert small.function("list.index") == Effect(result="int")
    assert small.function("list.append") is None


def test_attributes(small: EffectTable) -> None:
    assert small.attribute("lib.Thing", "size") == Effect(result="int")
    assert small.attribute("lib.Thing", "column") == Effect(view=True), "the effect of unlisted attributes"
    assert small.attribute("lib.Thing", "fit") is None, "a method is not an attribute"
    assert small.attribute("list", "column") is None
    assert small.value("lib.limit") == Effect(result="int")
    assert small.value("lib.other") is None


def test_operators_and_items(small: EffectTable) -> None:
    assert small.operators("lib.Thing") == Effect()
    assert small.operators("no.Such") is None
    assert small.item("lib.Thing") == Effect(view=True)
    assert small.take("lib.Thing") == Effect(result="lib.Thing")
    assert small.take("lib.Base") == Effect(view=True), "without an entry of its own, as any item"
    assert small.store("lib.Thing") is None


def test_knows(small: EffectTable) -> None:
    assert small.knows("lib") and small.knows("builtins") and not small.knows("elsewhere")


def test_files_are_read_when_first_asked_for(tmp_path: Path) -> None:
    table = written(tmp_path, LIBRARY)
    (tmp_path / "lib.json").write_text("not JSON")
    assert table.function("len") == Effect(result="int")
    with pytest.raises(ValueError, match="Expecting value"):
        table.function("lib.read")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"functions": {"lib.a lib.b": "pure", "lib: b": "pure"}}, "lib.b is listed twice"),
        ({"classes": {"lib.C": {"methods": {"m n": "pure", "n": "view"}}}}, "n is listed twice"),
        ({"classes": {"lib.C": {"method": {"m": "pure"}}}}, "unknown keys"),
        ({"function": {}}, "unknown sections"),
        ({"functions": {" ": "pure"}}, "without a name"),
    ],
)
def test_malformed_files_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    table = written(tmp_path, {"library": "lib", **change})
    with pytest.raises(ValueError, match=message):
        table.function("lib.b")


def test_the_same_key_twice_is_refused(tmp_path: Path) -> None:
    table = written(tmp_path, LIBRARY)
    (tmp_path / "lib.json").write_text('{"library": "lib", "functions": {"lib.a": "pure", "lib.a": "view"}}')
    with pytest.raises(ValueError, match=r"lib.json: listed twice: \['lib.a'\]"):
        table.function("lib.a")


def test_malformed_lines_name_file_and_entry(tmp_path: Path) -> None:
    table = written(tmp_path, {"library": "lib", "functions": {"lib.a": "mutate"}})
    with pytest.raises(ValueError, match=r"lib\.json functions lib\.a"):
        table.function("lib.a")


def test_types_like_an_argument(table: EffectTable) -> None:
    effect = table.function("numpy.sqrt")
    assert effect is not None
    assert table.result_like(effect, "pandas.Series") == "pandas.Series"
    assert table.result_like(effect, "list") == "numpy.ndarray"
    assert table.result_like(effect, None) is None
    assert table.result_like(Effect(like=0), "list") == "list"
