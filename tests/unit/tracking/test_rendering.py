import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.tracking import formats
from jupyter_mlops.tracking.rendering import Renderer, plain

RENDERER = Renderer()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[1;31mred\x1b[0m and \x1b]8;;http://x\x07link", "red and link"),
        (" 10%\r 50%\r100%\ndone\r\n", "100%\ndone\n"),
        ("windows\r\nline\r", "windows\nline"),
    ],
)
def test_terminal_codes_are_carried_out(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_long_texts_keep_both_ends() -> None:
    short = plain("a" * 500 + "b" * 500_000 + "c" * 500, 1000)
    assert short.startswith("a" * 500) and short.endswith("c" * 500) and len(short) < 1100


@given(st.text(max_size=200))
@settings(max_examples=50)
def test_no_text_becomes_an_element_that_acts(text: str) -> None:
    for html in (RENDERER.clean(text), RENDERER.markdown(text), RENDERER.code(text)):
        assert "<script" not in html.lower() and "<iframe" not in html.lower()


@pytest.mark.parametrize(
    "html",
    [
        "<scr<script>ipt>alert(1)</script>",
        "<img src=x onerror=alert(1)//",
        "<svg/onload=alert(1)>",
        "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        '<a href="jav&#x09;ascript:alert(1)">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        '<td style="background-color: url(javascript:alert(1))">x</td>',
        "<style><img src='</style><img src=x onerror=alert(1)>'>",
        "<!--><script>alert(1)</script>-->",
    ],
)
def test_known_tricks_come_to_nothing(html: str) -> None:
    cleaned = RENDERER.clean(html).lower()
    assert "<script" not in cleaned and "javascript:" not in cleaned and "data:text" not in cleaned
    assert "<svg" not in cleaned
    assert not any("onerror" in part.split(">")[0] for part in cleaned.split("<")[1:])


def test_attached_pictures_are_shown() -> None:
    html = RENDERER.markdown("![a](attachment:plot.png)", {"plot.png": {"image/png": "aGVsbG8="}})
    assert 'src="data:image/png;base64,aGVsbG8="' in html


def test_a_stream_in_pieces_is_one_text() -> None:
    pieces = [{"output_type": "stream", "name": "stdout", "text": text} for text in ("10%\r", "20%\r", "done\n")]
    assert [(output.kind, output.html) for output in RENDERER.outputs(pieces)] == [("text", "done")]


def test_estimators_are_shown_by_their_text() -> None:
    html = '<style>#sk {}</style><div id="sk"><input type="checkbox"><label>Ridge</label></div>'
    data = {"text/html": html, "text/plain": "Ridge(alpha=2)"}
    (output,) = RENDERER.outputs([{"output_type": "execute_result", "data": data}])
    assert (output.kind, output.html) == ("text", "Ridge(alpha=2)")


def test_a_huge_table_is_left_to_the_notebook() -> None:
    data = {"text/html": "<table>" + "<tr><td>1</td></tr>" * 40_000 + "</table>", "text/plain": "40000 rows"}
    assert [output.kind for output in RENDERER.outputs([{"output_type": "execute_result", "data": data}])] == [
        "text",
        "note",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.0412, "0.04 s"), (3.21, "3.2 s"), (42.4, "42 s"), (125, "2 min 5 s"), (12_000, "3 h 20 min")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (812, "812 B"), (1400, "1.4 KB"), (139_210, "139 KB"), (1_999_999, "2.0 MB"), (5e12, "5.0 TB")],
)
def test_sizes(count: int, text: str) -> None:
    assert formats.size(count) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9649122807, "0.964912"),
        (12345.0, "12,345"),
        (3.2e-9, "3.2e-09"),
        (1234567.89, "1,234,567.9"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert formats.number(value) == text
