"""What is kept of the outputs of a cell."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.engine.capture import LIMITS, Capture, Limits, readable_size, shortened
from jupyter_mlops.engine.channel import in_short

SMALL = Limits(text=10, lines=4, tail=8, outputs=5, rich=20, step=25)


def test_the_beginning_and_the_end_are_kept() -> None:
    capture = Capture(SMALL)
    assert capture.text("stdout", "12345") == "12345"
    assert capture.text("stdout", "67890abc\n") == "67890"
    assert capture.text("stderr", "def\n") == ""
    assert capture.text("stdout", "ghi\njk") == ""
    assert (
        capture.end()
        == "\n[4 B of output left out here: of a cell the first 10 B or 4 lines and the end are kept]\ndef\nghi\njk"
    )


def test_nothing_is_said_where_nothing_is_missing() -> None:
    capture = Capture(SMALL)
    assert capture.text("stdout", "1234567890") == "1234567890"
    assert capture.end() is None
    capture.begin()
    assert [capture.text("stdout", "x ") for _ in range(7)] == ["x "] * 5 + ["", ""]
    assert capture.end() == "x x ", "many small pieces are joined"


def test_lines_are_counted_too() -> None:
    capture = Capture(SMALL)
    assert capture.text("stdout", "1\n2") == "1\n2"
    assert capture.text("stdout", "\n3\n4\n5\n6") == "\n3\n4\n"
    assert capture.text("stdout", "\n7\n") == ""
    assert capture.end() == "5\n6\n7\n"
    capture.begin()
    assert capture.text("stdout", "\n\n\n\n") == "\n\n\n\n"
    assert (capture.end(), capture.room) == (None, 6)


def test_a_progress_bar_stays_one_line() -> None:
    capture = Capture(Limits(text=100, tail=100, outputs=3))
    kept = "".join(capture.text("stderr", f"\r{number:3}%") for number in range(101))
    assert kept == "\r  0%\r  1%\r  2%"
    assert capture.end() == "100%"


def test_a_cleared_output_takes_no_room() -> None:
    capture = Capture(SMALL)
    for _ in range(50):
        assert capture.text("stdout", "12345678") == "12345678"
        capture.clear()
    assert capture.end() is None


def test_a_step_of_many_cells_has_a_limit_too() -> None:
    capture = Capture(SMALL)
    kept = []
    for _ in range(4):
        capture.begin()
        kept.append(capture.text("stdout", "1234567890"))
    assert kept == ["1234567890", "1234567890", "12345", ""]
    assert (
        capture.end()
        == "\n[2 B of output left out here: of a cell the first 10 B or 4 lines and the end are kept]\n34567890"
    )


def test_rich_outputs_are_replaced_by_words() -> None:
    capture = Capture(SMALL)
    fits = {"image/png": "x" * 15}
    assert capture.data(fits) == fits
    assert capture.data({"image/png": "x" * 6, "text/plain": "y"}) == {
        "text/plain": "[image/png, text/plain of 7 B left out: a cell shows up to 20 B]"
    }
    assert capture.update(fits) != fits, "the others have taken the room"
    for _ in range(5):
        capture.data({"text/plain": ""})
    assert capture.data({"text/plain": ""}) is None
    assert capture.end() == "\n[3 outputs left out: of a cell 5 are kept]\n"


@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.text("ab\n\r", max_size=30)), max_size=30))
def test_never_more_than_the_limits(pieces: list[tuple[str, str]]) -> None:
    capture = Capture(SMALL)
    kept = sum(len(capture.text(stream, text)) for stream, text in pieces)
    rest = capture.end() or ""
    assert kept <= SMALL.text
    assert len(rest) <= 2 * SMALL.tail + 150


def test_the_middle_may_be_missing_from_the_start() -> None:
    capture = Capture(SMALL)
    assert capture.text("stdout", "123", left_out=1000, end="abc\ndef") == "123"
    assert (
        capture.end()
        == "\n[1 kB of output left out here: of a cell the first 10 B or 4 lines and the end are kept]\nabc\ndef"
    )


def test_sizes_for_people() -> None:
    assert [readable_size(size) for size in (7, 1_500, 2_000_000, 123_456_789_000)] == [
        "7 B",
        "1.5 kB",
        "2 MB",
        "123 GB",
    ]
    assert shortened("short") == "short"
    assert len(shortened("x" * 10**7)) < 101_000


def frames(kind: str, content: str) -> list[bytes]:
    header = {"msg_id": "m", "msg_type": kind, "date": "2026-01-02T03:04:05.000006Z"}
    parent = {"msg_id": "p"}
    return [
        b"stream",
        b"<IDS|MSG>",
        b"sign",
        *(json.dumps(part).encode() for part in (header, parent, {})),
        content.encode(),
    ]


def test_a_message_that_is_too_large_is_told_by_its_size() -> None:
    text = "é\\n\\u20ac" * LIMITS.text
    message = in_short(frames("stream", f'{{"name": "stderr", "text": "{text}"}}'))
    assert (message["msg_type"], message["parent_header"]) == ("stream", {"msg_id": "p"})
    assert message["header"]["date"].year == 2026
    content = message["content"]
    assert content["name"] == "stderr" and content["text"].startswith("é\n€é\n€")
    assert 0 < len(content["text"]) <= LIMITS.text < content["left_out"]
    assert content["end"].endswith("é\n€é\n€") and len(content["end"]) < LIMITS.tail
    for kind in ("display_data", "execute_result", "update_display_data"):
        content = in_short(frames(kind, "x" * LIMITS.message))["content"]
        assert content["data"] == {"text/plain": "[output of 64 MB left out: it is larger than 64 MB]"}
    content = in_short(frames("execute_result", '{"data": {}, "metadata": {}, "execution_count": 7}'))["content"]
    assert content["execution_count"] == 7
    assert in_short(frames("error", "x" * 10))["content"]["evalue"].startswith("[output of 10 B left out")
    assert in_short(frames("comm_msg", "x"))["content"] == {"comm_id": "", "data": {}}


def test_the_beginning_of_a_text_that_is_cut_within_an_escape() -> None:
    for shift in range(8):
        text = "x" * shift + "\\ud83d\\ude00" * (LIMITS.text // 12 + 10)
        content = in_short(frames("stream", f'{{"name":"stdout","text":"{text}"}}'))["content"]
        assert content["text"].startswith("x" * shift + "😀") and len(content["text"]) > LIMITS.text // 13
