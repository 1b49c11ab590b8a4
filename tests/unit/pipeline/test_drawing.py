"""Drawings: what they show, that they fit, that they hold with any names and graphs."""

from __future__ import annotations

import itertools
import random
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.pipeline.drawing import mermaid, step_color, svg, text_graph
from jupyter_mlops.pipeline.drawing.labels import display_width, shorten, summary, truncate
from jupyter_mlops.pipeline.drawing.layout import coordinates, layering, spread
from jupyter_mlops.pipeline.drawing.palette import PALETTE, STATUS_COLORS
from jupyter_mlops.pipeline.model import Edge, Pipeline, Step

SVG = "{http://www.w3.org/2000/svg}"


def make(names: Sequence[str], edges: Sequence[tuple[int, int, Sequence[str]]], name: str = "churn") -> Pipeline:
    steps = tuple(Step(text, f"step-{index}", (f"c{index}",)) for index, text in enumerate(names))
    joined = tuple(Edge(f"step-{source}", f"step-{target}", tuple(flow)) for source, target, flow in edges)
    return Pipeline(name, None, "python3", (), steps, joined, ())


DIAMOND = make(
    ["load", "split", "train forest", "train logistic", "evaluate"],
    [
        (0, 1, ["df"]),
        (1, 2, ["X_train", "y_train"]),
        (1, 3, ["X_train", "y_train"]),
        (1, 4, ["X_test", "y_test"]),
        (2, 4, ["forest", "file:report.csv"]),
        (3, 4, ["logistic"]),
    ],
)


def random_pipeline(count: int, density: float, seed: int) -> Pipeline:
    source = random.Random(seed)
    edges = [
        (one, other, [f"v{number}" for number in range(source.randint(0, 4))])
        for one in range(count)
        for other in range(one + 1, count)
        if source.random() < density
    ]
    return make([f"step number {index}" for index in range(count)], edges)


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    """Any names; edges in any direction, twice, to themselves and to nowhere."""
    names = draw(st.lists(st.text(max_size=40), max_size=9))
    ends = st.integers(0, len(names))
    flows = st.lists(st.text(min_size=1, max_size=25), max_size=6)
    return make(names, draw(st.lists(st.tuples(ends, ends, flows), max_size=20)))


# --- text -------------------------------------------------------------------------------------------------------------


def test_text_of_the_diamond() -> None:
    assert text_graph(DIAMOND) == "\n".join(
        [
            "                     ╭──────╮",
            "                     │ load │",
            "                     ╰──┬───╯",
            "                        │ df",
            "                   ╭────▼────╮",
            "                   │  split  │",
            "                   ╰┬─────┬─┬╯",
            "         ╭──────────╯     │ ╰────────╮",
            "         │ X_train        │ X_train  │ X_test",
            "         │ y_train        │ y_train  │ y_test",
            "╭────────▼─────╮  ╭───────▼────────╮ │",
            "│ train forest │  │ train logistic │ │",
            "╰────────┬─────╯  ╰───────┬────────╯ │",
            "         │ forest         │ logistic │",
            "         │ report.csv     │          │",
            "         ╰──────────╮     │  ╭───────╯",
            "                   ╭▼─────▼──▼╮",
            "                   │ evaluate │",
            "                   ╰──────────╯",
        ]
    )


def test_text_in_ascii_has_the_same_shape() -> None:
    drawing = text_graph(DIAMOND, unicode=False)
    assert drawing.isascii()
    assert [len(line) for line in drawing.splitlines()] == [len(line) for line in text_graph(DIAMOND).splitlines()]
    assert "| train forest |" in drawing


def test_text_too_narrow_for_boxes_has_a_line_per_step() -> None:
    assert text_graph(DIAMOND, width=42).splitlines() == [
        "1  load",
        "2  split           ← load (df)",
        "3  train forest    ← split (X_train, y_train)",
        "4  train logistic  ← split (X_train, y_train)",
        "5  evaluate        ← split (X_test, y_test),",
        "                     train forest (forest,",
        "                     report.csv),",
        "                     train logistic (logistic)",
    ]


def test_text_of_forty_steps_fits_and_names_each_once() -> None:
    pipeline = random_pipeline(40, 0.05, 0)
    lines = text_graph(pipeline, width=80).splitlines()
    assert max(map(display_width, lines)) <= 80
    starts = [line for line in lines if re.match(r" ?\d+  step number", line)]
    assert len(starts) == 40
    assert len(lines) < 80


def test_text_says_when_only_the_order_matters() -> None:
    pipeline = make(["a", "b"], [(0, 1, [])])
    assert "b  ← a (order)" in text_graph(pipeline, width=4)


def test_text_of_nothing() -> None:
    assert text_graph(make([], [])) == "(no steps)"


def test_text_counts_wide_characters_as_two_columns() -> None:
    lines = text_graph(make(["数据", "bé"], [(0, 1, ["df"])])).splitlines()
    assert lines[0] == "╭──────╮"
    assert lines[1] == "│ 数据 │"


def test_text_crossing_lines_cross_and_do_not_join() -> None:
    pipeline = make(list("abcd"), [(0, 3, ["x"]), (1, 2, ["y"]), (0, 2, ["z"]), (1, 3, ["w"])])
    assert text_graph(pipeline).count("▼") == 4
    assert "┼" in text_graph(pipeline)


@given(pipelines(), st.booleans())
def test_text_fits_whatever_the_pipeline(pipeline: Pipeline, unicode: bool) -> None:
    lines = text_graph(pipeline, width=90, unicode=unicode).splitlines()
    assert lines
    assert all(display_width(line) <= 90 for line in lines)


@pytest.mark.parametrize("seed", range(25))
def test_text_draws_an_arrow_head_for_every_edge(seed: int) -> None:
    pipeline = random_pipeline(6, 0.4, seed)
    drawing = text_graph(pipeline, width=400)
    if drawing.startswith("╭") or drawing.startswith(" "):
        assert drawing.count("▼") == len(pipeline.edges)
    else:
        assert drawing.count("←") == len({edge.target for edge in pipeline.edges})


# --- mermaid ----------------------------------------------------------------------------------------------------------


def test_mermaid_of_the_diamond() -> None:
    lines = mermaid(DIAMOND).splitlines()
    assert lines[0] == "flowchart TD"
    assert '    s3["train forest"]' in lines
    assert '    s2 -->|"X_train, y_train"| s3' in lines
    assert '    s3 -->|"forest, report.csv"| s5' in lines


def test_mermaid_escapes_what_means_something() -> None:
    text = mermaid(make(['say "hi" <b>`x`</b>\n#1; [end]', "end"], [(0, 1, [])]))
    assert 's1["say #34;hi#34; #60;b#62;#96;x#96;#60;/b#62; #35;1#59; #91;end#93;"]' in text
    assert "s1 -.-> s2" in text


@given(pipelines())
def test_mermaid_has_one_line_per_step_and_edge(pipeline: Pipeline) -> None:
    slugs = {step.slug for step in pipeline.steps}
    drawn = [edge for edge in pipeline.edges if {edge.source, edge.target} <= slugs]
    text = mermaid(pipeline)
    assert text.count("\n") == 1 + len(pipeline.steps) + len(drawn)
    label = r'"[^"`<>\[\]{}|]*"'
    pattern = rf"flowchart TD|    s\d+\[{label}\]|    s\d+ (-->\|{label}\||-\.->) s\d+"
    assert all(re.fullmatch(pattern, line) for line in text.split("\n")[:-1])


# --- svg --------------------------------------------------------------------------------------------------------------


def boxes(root: ElementTree.Element, kind: str) -> list[tuple[float, float, float, float]]:
    return [
        (
            float(item.get("x", "")),
            float(item.get("y", "")),
            float(item.get("width", "")),
            float(item.get("height", "")),
        )
        for item in root.iter(f"{SVG}rect")
        if item.get("class") == kind
    ]


def overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return (
        one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3]
        and other[1] < one[1] + one[3]
    )


@given(pipelines())
def test_svg_is_well_formed_with_every_step_and_full_names(pipeline: Pipeline) -> None:
    root = ElementTree.fromstring(svg(pipeline, status={"step-0": "failed · <0.4 s>"}))
    steps = [item for item in root.iter(f"{SVG}g") if item.get("class") == "step"]
    assert [item.get("data-step") for item in steps] == [step.slug for step in pipeline.steps]


@pytest.mark.parametrize("seed", range(10))
def test_svg_boxes_and_labels_never_overlap_and_lie_within_the_page(seed: int) -> None:
    root = ElementTree.fromstring(svg(random_pipeline(14, 0.25, seed)))
    things = [*boxes(root, "box"), *boxes(root, "pill")]
    assert not any(overlap(one, other) for place, one in enumerate(things) for other in things[:place])
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in things)


@pytest.mark.parametrize("seed", range(10))
def test_svg_long_lines_pass_beside_boxes(seed: int) -> None:
    """A line's straight parts, and the ends of its curves, lie outside all boxes but at its own ends."""
    root = ElementTree.fromstring(svg(random_pipeline(12, 0.25, seed)))
    areas = boxes(root, "box")
    for path in root.iter(f"{SVG}path"):
        if path.get("class") != "line":
            continue
        corners = re.findall(r"([\d.]+),([\d.]+)(?= V| C|$)", path.get("d", ""))[:-1]
        for x, y in [(float(x), float(y)) for x, y in corners][1:]:
            assert not any(left < x < left + w and top < y < top + h for left, top, w, h in areas)


def test_svg_is_the_same_each_time_and_stands_alone() -> None:
    text = svg(DIAMOND, status={"split": "running · 0.3 s"})
    assert text == svg(DIAMOND, status={"split": "running · 0.3 s"})
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"\bid=|<script|url\(", text)
    assert "prefers-color-scheme:dark" in text


def test_svg_shortens_labels_and_keeps_all_names_in_the_tooltip() -> None:
    text = svg(make(["a", "b"], [(0, 1, ["X_train", "X_test", "y_train", "y_test"])]))
    assert ">X_train +3</text>" in text
    assert "<title>a → b: X_train, X_test, y_train, y_test</title>" in text


def test_svg_shows_the_status_of_a_step() -> None:
    text = svg(DIAMOND, status={"step-2": "failed · 0.4 s", "step-4": "skipped"})
    assert ">failed · 0.4 s</text>" in text
    assert text.count(STATUS_COLORS["failed"]) == 2
    assert text.count("stroke-dasharray") == 1


def test_svg_escapes_names() -> None:
    text = svg(make(['<script>alert("1")</script> & co'], [], name='"><x>'))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert ElementTree.fromstring(text).get("aria-label") == 'Pipeline "><x>'


# --- palette ----------------------------------------------------------------------------------------------------------


def luminance(color: str) -> float:
    """Relative luminance after WCAG 2.1."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("color", sorted({*PALETTE, *STATUS_COLORS.values()}))
def test_colors_stand_out_on_white_and_on_black(color: str) -> None:
    own = luminance(color) + 0.05
    assert 1.05 / own >= 4.5  # white text on it, or it as text on white
    assert own / (luminance("#1b1b1b") + 0.05) >= 3


def test_step_colors_are_distinct_then_repeat() -> None:
    assert len({step_color(index) for index in range(len(PALETTE))}) == len(PALETTE)
    assert step_color(len(PALETTE)) == step_color(0)


# --- layout and labels ------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=8), st.data())
def test_spread_keeps_order_and_distances(desired: list[float], data: st.DataObject) -> None:
    distances = [data.draw(st.floats(0.5, 20)) for _ in desired[1:]]
    places = spread(desired, distances)
    assert all(b - a >= least - 1e-6 for a, b, least in zip(places, places[1:], distances, strict=False))
    if all(b - a >= least for a, b, least in zip(desired, desired[1:], distances, strict=False)):
        assert places == pytest.approx(desired, abs=1e-6)


@pytest.mark.parametrize("bundle", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_layout_gives_each_edge_a_chain_downwards_and_a_label(seed: int, bundle: bool) -> None:
    source = random.Random(seed)
    edges = [(one, other) for one in range(10) for other in range(one + 1, 10) if source.random() < 0.4]
    layout = layering(10, edges, bundle=bundle)
    for number, (edge, chain) in enumerate(zip(edges, layout.chains, strict=True)):
        assert (chain[0], chain[-1]) == edge
        layers = [layout.nodes[node].layer for node in chain]
        assert layers == list(range(layers[0], layers[-1] + 1))
        assert [layout.nodes[node].label for node in chain].count(number) == 1
    xs = coordinates(layout, [(10.0, 10.0)] * len(layout.nodes), 5)
    for layer in layout.layers:
        assert all(xs[b] - xs[a] >= 25 - 1e-6 for a, b in itertools.pairwise(layer))


def test_layout_without_crossings_where_there_need_be_none() -> None:
    edges = [(0, 5), (1, 4), (2, 3)]
    layout = layering(6, edges)
    first, last = layout.layers[0], layout.layers[-1]
    partner = dict(edges)
    assert [partner[node] for node in first] == list(last)


def test_labels_are_shortened() -> None:
    assert summary(["a"]) == "a"
    assert summary(["a", "b"]) == "a, b"
    assert summary(["a", "b", "c", "d"]) == "a +3"
    assert shorten(["a", "b", "c", "d"], 18, 3) == ["a", "b", "c +1"]
    assert truncate("数据数据", 5) == "数据…"
