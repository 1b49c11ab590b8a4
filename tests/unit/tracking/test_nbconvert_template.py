"""The nbconvert template: steps with their colours, the report's style, nothing that runs or loads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from jupyter_mlops import templates
from jupyter_mlops.pipeline.drawing.palette import PALETTE

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&"


@pytest.fixture
def convert() -> Any:
    """Convert as `jupyter nbconvert --to html --template mlops` does where the wheel has put the template."""
    root = templates.root()
    exporter = HTMLExporter(
        template_name="mlops",
        extra_template_basedirs=[str(root / "nbconvert")],
        extra_template_paths=[str(root / "report")],
    )

    def run(*cells: Any, **metadata: Any) -> str:
        return str(exporter.from_notebook_node(new_notebook(cells=list(cells), metadata=metadata))[0])

    return run


def code(source: str, *tags: str, outputs: Any = ()) -> Any:
    return new_code_cell(source, metadata={"tags": list(tags)}, outputs=list(outputs))


def data(**bundle: str) -> Any:
    return new_output("display_data", data={name.replace("__", "/"): text for name, text in bundle.items()})


def test_steps_have_headings_and_the_reports_colours(convert: Any) -> None:
    text = convert(
        new_markdown_cell("# Title"),
        code("import pandas", "imports"),
        code("rows = 1", "step:load data"),
        code("more = 1"),
        code("model = 1", "step:train"),
        code("rows2 = 1", "step:load data"),
        code("accuracy = 1", "metrics"),
        code("skipped = 1", "skip"),
        mlops={"run": {"id": "20260131-a", "status": "succeeded", "pipeline": "churn"}},
    )
    names = re.findall(r'<div class="heading" style="--step: (#\w+)"><i class="dot"></i><b>(.+?)</b>', text)
    assert names == [
        (PALETTE[0], "load data"),
        (PALETTE[1], "train"),
        (PALETTE[0], "load data"),
        (PALETTE[2], "metrics"),
    ]
    assert text.count(f'style="--step: {PALETTE[0]}"') == 2 + 3, "each heading and each cell"
    assert re.findall('<div class="role">(.+?)</div>', text) == ["imports", "skipped"]
    assert "<h1>churn</h1>" in text and '<span class="status succeeded">succeeded</span>' in text
    assert "20260131-a" in text


def test_the_palette_is_the_reports() -> None:
    text = (templates.root() / "nbconvert" / "mlops" / "index.html.j2").read_text(encoding="utf-8")
    assert tuple(re.findall("#[0-9a-f]{6}", text.partition("palette =")[2].partition("]")[0])) == PALETTE


def test_the_style_is_the_reports(convert: Any) -> None:
    style = (templates.root() / "report" / "style.css").read_text(encoding="utf-8")
    assert style.strip() in convert()


def test_outputs_are_shown(convert: Any) -> None:
    text = convert(
        code(
            "x",
            outputs=[
                new_output("stream", name="stdout", text="\x1b[31mhello\x1b[0m <b>"),
                new_output("stream", name="stderr", text="careful"),
                new_output("error", ename="E", evalue="v", traceback=["\x1b[31mboom <i>\x1b[0m"]),
                data(text__html='<table class="dataframe"><tr><td>5.1</td></tr></table>', text__plain="instead"),
                data(image__png="iVBORw0K\n"),
                data(text__markdown="*words*"),
                data(text__plain="plain <u>"),
            ],
        )
    )
    for expected in (
        "hello</span> &lt;b&gt;</pre>",
        '<pre class="output stderr">careful</pre>',
        '<pre class="output error">boom &lt;i&gt;</pre>',
        "<td>5.1</td>",
        'src="data:image/png;base64,iVBORw0K"',
        "<em>words</em>",
        "plain &lt;u&gt;",
    ):
        assert expected in text, expected
    assert "instead" not in text


def test_nothing_runs_and_nothing_is_loaded(convert: Any) -> None:
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(5)</script></svg>"
    text = convert(
        new_markdown_cell(f"{EVIL} <meta http-equiv='refresh' content='0;url=http://evil'>"),
        code(EVIL, f"step:{EVIL}", outputs=[new_output("stream", name="stdout", text=EVIL)]),
        code("x", outputs=[data(text__html=EVIL, text__plain=EVIL)]),
        code("x", outputs=[new_output("display_data", data={"image/svg+xml": svg, "text/plain": EVIL})]),
        code("x", outputs=[new_output("display_data", data={"application/javascript": "alert(6)"})]),
        code("x", outputs=[data(text__html="<form action='http://evil'></form>", text__plain="f")]),
        code("x", outputs=[new_output("display_data", data={"image/png": '"><script>alert(8)</script>'})]),
        title=EVIL,
        mlops={"run": {"id": EVIL, "status": EVIL, "pipeline": EVIL}},
    )
    body = text.partition("</style>")[2]
    assert "<script" not in body.lower() and "<meta" not in body and "<form" not in body and "<img src=x" not in body
    assert "default-src 'none'; img-src data:" in text and "form-action 'none'" in text
    assert body.count("This output is interactive") == 3


def test_nbconverts_own_options_are_kept(convert: Any, tmp_path: Path) -> None:
    root = templates.root()
    exporter = HTMLExporter(
        template_name="mlops",
        extra_template_basedirs=[str(root / "nbconvert")],
        extra_template_paths=[str(root / "report")],
        exclude_input=True,
    )
    path = tmp_path / "a.ipynb"
    nbformat.write(new_notebook(cells=[code("secret = 1", outputs=[data(text__plain="shown")])]), path)
    text = exporter.from_filename(str(path))[0]
    assert "secret" not in text and "shown" in text
