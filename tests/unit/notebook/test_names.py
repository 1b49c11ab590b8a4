from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.notebook.names import nearest, printable, slugify


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("train", "train"),
        ("Train the Model", "train-the-model"),
        ("  train__model!! ", "train-model"),
        ("2024 / Q1", "2024-q1"),
        ("Größe prüfen", "grosse-prufen"),
        ("café", "cafe"),
        ("!!!", "step"),
        ("", "step"),
    ],
)
def test_a_name_becomes_its_slug(name: str, slug: str) -> None:
    assert slugify(name) == slug


def test_names_without_ascii_letters_keep_different_slugs() -> None:
    slugs = {slugify("准备"), slugify("训练"), slugify("模型 A"), slugify("数据 A"), slugify("A")}
    assert len(slugs) == 5
    assert slugify("训练").startswith("step-")
    assert slugify("模型 A").startswith("a-")


def test_a_long_name_is_cut_but_stays_different() -> None:
    one, other = slugify("x" * 500 + "1"), slugify("x" * 500 + "2")
    assert one != other
    assert len(one) <= 60


@given(st.text())
def test_a_slug_is_always_well_formed(name: str) -> None:
    slug = slugify(name)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert len(slug) <= 60
    assert slugify(slug) == slug


def test_nearest_finds_what_was_meant() -> None:
    assert nearest("memroy", ["cpu", "memory"]) == "memory"
    assert nearest("MAX_DEPTH", ["max_depth", "alpha"]) == "max_depth"
    assert nearest("Train", ["train"]) == "train"
    assert nearest("colour", ["cpu", "memory"]) is None
    assert nearest("x", []) is None


def test_printable_keeps_one_printable_line() -> None:
    assert printable("a b é") == "a b é"
    assert printable("a\nb\0\ud800") == "a\\nb\\x00\\ud800"
