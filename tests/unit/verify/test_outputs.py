"""Outputs are compared without what varies by nature."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlops.verify.outputs import displayed, normalised


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<object at 0x7f12ab34cd56>", "<object at 0x55aa00112233>"),
        ("CPU times: user 3 ms\nWall time: 5.1 ms\n", "CPU times: user 1 s\nWall time: 1min 2s\n"),
        ("1.5 ms ± 20 μs per loop (mean ± std. dev. of 7 runs, 100 loops each)",
         "2 s ± 1 ms per loop (mean ± std. dev. of 7 runs, 1 loop each)"),
        ("100%|███| 3/3 [00:01<00:00, 2.5it/s]", "100%|███| 3/3 [00:03<00:00, 1.1s/it]"),
        ('<div id="sk-container-id-3">', '<div id="sk-container-id-1">'),
        ("/tmp/ipykernel_12/3456.py", "/tmp/ipykernel_7/3456.py"),
        ("id 123e4567-e89b-12d3-a456-426614174000", "id 00000000-e89b-12d3-a456-426614174000"),
        ("\x1b[31mred\x1b[0m", "red"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_taken_out(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(("one", "other"), [("0xff", "0xfe"), ("size 640x480", "size 640x481"), ("in 3 s", "in 4 s")])
def test_what_means_something_stays(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def stream(name: str, text: Any) -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def test_streams_are_joined_however_they_came() -> None:
    together = displayed([stream("stdout", "a\nb\n"), stream("stderr", "e")])
    apart = displayed([stream("stdout", ["a\n"]), stream("stderr", "e"), stream("stdout", ["b", "\n"])])
    assert together == apart == {"stdout": "a\nb\n", "stderr": "e"}


def test_lines_that_were_written_over_are_gone() -> None:
    assert displayed([stream("stdout", "1%\r50%\r100%\ndone\r\n")]) == {"stdout": "100%\ndone\n"}


def test_warnings_say_nothing_since_each_process_shows_them_anew() -> None:
    text = "/tmp/ipykernel_1/2.py:3: FutureWarning: old\n  call()\nreal trouble\n"
    assert displayed([stream("stderr", text)]) == {"stderr": "real trouble\n"}
    assert displayed([stream("stderr", text.replace("real trouble\n", ""))]) == {}


def test_displays_are_numbered_with_their_types() -> None:
    outputs = [
        {"output_type": "display_data", "data": {"image/png": "aGVsbG8=\n", "text/plain": "<Figure>"}},
        {"output_type": "execute_result", "data": {"text/html": ["<b>", "1</b>"], "text/plain": "1"}},
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []},
    ]
    found = displayed(outputs)
    one, two = ["text/plain", "image/png"], ["text/plain", "text/html"]
    labels = [*(f"display 1 ({mime})" for mime in one), *(f"display 2 ({mime})" for mime in two), "error"]
    assert list(found) == labels
    assert found["display 2 (text/html)"] == "<b>1</b>"
    assert found["error"] == "ValueError: no"


def test_images_are_compared_by_their_bytes() -> None:
    def image(data: str) -> dict[str, str]:
        return displayed([{"output_type": "display_data", "data": {"image/png": data}}])

    assert image("aGVsbG8=") == image("aGVsbG8=\n")
    assert image("aGVsbG8=") != image("aGVsbG9=")


def test_ids_of_widgets_and_svg_do_not_count() -> None:
    def widget(model: str, value: int) -> dict[str, str]:
        data = {"application/vnd.x+json": {"model_id": model, "value": value}}
        return displayed([{"output_type": "display_data", "data": data}])

    assert widget("a", 1) == widget("b", 1)
    assert widget("a", 1) != widget("a", 2)

    def svg(identity: str, width: int) -> dict[str, str]:
        text = f'<svg><g id="{identity}" width="{width}"/><use xlink:href="#{identity}"/></svg>'
        return displayed([{"output_type": "display_data", "data": {"image/svg+xml": text}}])

    assert svg("a1", 1) == svg("b2", 1)
    assert svg("a1", 1) != svg("a1", 2)
