import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from jupyter_mlops import templates
from jupyter_mlops.diagnostics import make
from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.pipeline.model import Edge, Pipeline, Step
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home, ensure_home
from jupyter_mlops.store.objects import hash_bytes
from jupyter_mlops.store.records import ArtifactRecord, FailureRecord, MetricRecord, NewRun, StepOutcome
from jupyter_mlops.tracking.report import OUTPUT_NOTEBOOK, write_report

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&"
STREAM = {"output_type": "stream", "name": "stdout", "text": "hello\n" * 20}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Page(HTMLParser):
    """What a browser would find on the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return ensure_home(tmp_path / ".mlops")


def a_cell(source: str, outputs: list[object] | None = None, **more: object) -> dict[str, object]:
    return {"cell_type": "code", "id": "c1", "source": source, "outputs": outputs or [], "metadata": {}, **more}


def a_run(home: Home, name: str, cells: list[dict[str, object]]) -> tuple[Database, str, Pipeline]:
    """A run of two steps whose every text is ``name``; the second step fails."""
    steps = (Step(name, "one", ("c1",)), Step(name + "2", "two", ("c2",)))
    problem = make("MLO012", name, cell=name, line=3, hint=name)
    pipeline = Pipeline(name, None, "python3", (), steps, (Edge("one", "two", (name,)),), (), (problem,), name)
    database = Database(home.database)
    artifact = ArtifactRecord("one.x", "value", (name,), hash_bytes(b"x"), 2048, name, "pickle", name, {}, {})
    run = database.create_run(
        NewRun(
            pipeline=name,
            steps=[(step.slug, step.name) for step in steps],
            parameters={name: name, "plain": [1, 2]},
            parameter_sources={name: name},
            **dict.fromkeys(("notebook", "kernel", "trigger", "user", "commit"), name),
            tags={name: name},
        )
    )
    metrics = [MetricRecord(name, value, iteration=value) for value in range(5)]
    database.finish_step(
        run.run_id, "one", StepOutcome("succeeded", 1.25, outputs=[artifact], metrics=metrics, reason=name)
    )
    error = FailureRecord(name, name, name, 1, name)
    database.finish_step(run.run_id, "two", StepOutcome("failed", 2.0, inputs=[artifact], error=error))
    database.finish_run(run.run_id, "failed", seconds=3.5)
    database.set_note(run.run_id, name)
    home.run(run.run_id).mkdir(parents=True)
    (home.run(run.run_id) / OUTPUT_NOTEBOOK).write_text(json.dumps({"cells": cells}))
    return database, run.run_id, pipeline


def page_of(home: Home, name: str, cells: list[dict[str, object]]) -> str:
    database, run_id, pipeline = a_run(home, name, cells)
    with database:
        path = write_report(database, home, run_id, pipeline=pipeline)
        assert path == home.run(run_id) / "report.html"
        return path.read_text(encoding="utf-8")


def assert_harmless(page: Page) -> None:
    assert "script" not in page.tags and "iframe" not in page.tags and "link" not in page.tags
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        if name in ("src", "srcset", "data", "action", "poster", "background"):
            assert value.startswith("data:image/"), (tag, value)
        if name == "href":
            assert re.match(r"#|https?://|mailto:", value), value
        if name == "style":
            assert "url(" not in value and "expression" not in value


def test_a_report_tells_the_whole_run(home: Home) -> None:
    cells = [
        {"cell_type": "markdown", "id": "m", "source": ["# Title\n", "Some *words*."], "metadata": {}},
        a_cell("n = 300", metadata={"tags": ["injected-parameters"]}, id="p"),
        a_cell("print('hello')", [{"output_type": "stream", "name": "stdout", "text": ["hello ", "world\n"]}]),
        a_cell(
            "1 / 0",
            [{"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[31mboom\x1b[0m"]}],
            id="c2",
        ),
    ]
    text = page_of(home, "churn", cells)
    page = Page(text)
    for expected in (
        *("churn", "failed", "3.5 s", "1.2 s", "2.0 s", "parameters of this run", "hello world", "boom", "MLO012"),
        *(hash_bytes(b"x")[:10], "2.0 KB", "Title", "n = 300"),
    ):
        assert expected in page.text, expected
    assert "\x1b" not in text
    assert page.tags.count("svg") == 2, "the graph and the metric's curve"
    assert "<em>words</em>" in text
    assert {"cell-c1", "cell-c2", "cell-m"} <= {value for _, name, value in page.attributes if name == "id"}
    assert_harmless(page)


def test_the_page_needs_nothing_from_elsewhere(home: Home) -> None:
    page = Page(page_of(home, "churn", []))
    policy = next(value for tag, name, value in page.attributes if tag == "meta" and "default-src" in value)
    assert "default-src 'none'" in policy and "script-src" not in policy
    style = (templates.root() / "report" / "style.css").read_text(encoding="utf-8")
    assert "url(" not in style and "@import" not in style
    assert "prefers-color-scheme: dark" in style and "@media print" in style


def test_names_with_html_are_text_everywhere(home: Home) -> None:
    text = page_of(home, EVIL, [a_cell(EVIL, [{"output_type": "stream", "name": "stderr", "text": EVIL}])])
    page = Page(text)
    assert_harmless(page)
    assert "img" not in page.tags
    # heading, parameter, step, metric, tag, note, artifact, diagnostic, failure, source, output …
    assert page.text.count("<script>alert(1)</script>") > 15


def test_what_a_notebook_shows_can_do_no_harm(home: Home) -> None:
    html = (
        f'{EVIL}<table onclick="x()"><tr><td style="color: red; background: url(http://evil/)">kept</td></tr></table>'
        '<a href="javascript:alert(3)">link</a><img src="http://evil/track.png"><iframe src="//evil"></iframe>'
        '<style>body { display: none }</style><svg onload="alert(4)"></svg><form action="http://evil"></form>'
    )
    table = '<div><style scoped>td { color: red }</style><table class="dataframe"><tr><td>5.1</td></tr></table></div>'
    bundles = [
        {"text/html": html, "text/plain": "instead"},
        {"text/html": table},
        {"image/png": PIXEL + "\n"},
        {"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(5)</script></svg>"},
        {"application/javascript": "alert(6)"},
        {"text/markdown": f"[x](javascript:alert(7)) ![y](http://evil/y.png) {EVIL}"},
        {"application/vnd.plotly.v1+json": {}, "text/html": "<div id='p'></div><script>Plotly()</script>"},
        {"image/png": '"><script>alert(8)</script>'},
    ]
    outputs = [{"output_type": "display_data", "data": data, "metadata": {}} for data in bundles]
    prose = {"cell_type": "markdown", "id": "m", "source": html, "metadata": {}}
    text = page_of(home, "churn", [prose, a_cell("x", outputs)])
    page = Page(text)
    assert_harmless(page)
    assert "http://evil" not in "".join(value for _, name, value in page.attributes)
    assert "display: none" not in text.partition("</style>")[2]
    assert "kept" in page.text and "instead" in page.text and "5.1" in page.text
    assert ("table", "class", "dataframe") in page.attributes
    assert page.text.count("This output is interactive") == 3
    images = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    kinds = ["data:image/png;base64", "data:image/svg+xml;base64"]
    assert [image.split(",")[0] for image in images] == [*kinds, *kinds], "in the gallery, and at the cells"


def test_malformed_notebooks_do_not_stop_a_report(home: Home) -> None:
    cells = [
        a_cell("x", ["odd", {"output_type": "display_data"}, {"output_type": "error"}, {}]),
        a_cell("y", execution_count="?") | {"source": 3, "metadata": None},
    ]
    assert '<section id="notebook">' in page_of(home, "churn", cells)
    database, run_id, pipeline = a_run(home, "other", [])
    with database:
        (home.run(run_id) / OUTPUT_NOTEBOOK).write_text('{"cells": [{"cut o')
        assert '<section id="notebook">' not in write_report(database, home, run_id, pipeline=pipeline).read_text()


def test_without_a_combined_notebook_the_steps_are_shown(home: Home) -> None:
    with Database(home.database) as database:
        run = database.create_run(NewRun("p", (("one", "One"),)))
        database.finish_step(run.run_id, "one", StepOutcome("succeeded", notebook="one.ipynb"))
        folder = home.run(run.run_id)
        folder.mkdir()
        ours = a_cell("from mlops_runtime import load", metadata={"mlops": {"role": "load"}})
        (folder / "one.ipynb").write_text(json.dumps({"cells": [ours, a_cell("mine = 1")]}))
        text = Page(write_report(database, home, "latest", folder / "sub" / "r.html").read_text()).text
    assert "mine = 1" in text and "mlops_runtime" not in text


def test_a_run_that_has_not_begun_has_a_report(home: Home) -> None:
    with Database(home.database) as database:
        run = database.create_run(NewRun("p", (("one", "One"),)))
        text = Page(write_report(database, home, run.run_id).read_text()).text
    assert "running" in text and "queued" in text


def test_lineage_leads_to_other_runs(home: Home) -> None:
    database, first, _ = a_run(home, "churn", [])
    database.close()
    database, second, pipeline = a_run(home, "churn", [])
    first, second = sorted((first, second))  # in one second, chance orders them
    with database:
        made = Page(write_report(database, home, second, pipeline=pipeline).read_text()).text
        assert f"first by run {first}" in made and "and by 1 other run" in made
        assert "first by run" not in Page(write_report(database, home, first, pipeline=pipeline).read_text()).text


def test_gates_environment_and_logs_are_shown_and_escaped(home: Home) -> None:
    database, run_id, pipeline = a_run(home, "churn", [])
    kept = {"gates": [{"gate": EVIL, "verdict": "failed", "reason": EVIL}, "odd"]}
    with database:
        database.record_document(run_id, "gates", json.dumps(kept))
        place = {"python": "3.11.7", "odd": [1], "distributions": {"pandas": "3.0", EVIL: EVIL}}
        database.record_document(run_id, "environment", json.dumps(place))
        database.record_document(run_id, "git-diff", f"+{EVIL}\n")
        database.record_document(run_id, "command", f"jupyter mlops run {EVIL}")
        (home.run(run_id) / "steps").mkdir()
        (home.run(run_id) / "steps" / "01-one.log").write_text(f"begin {EVIL}\n" + "x\n" * 1_000_000 + "end\n")
        page = Page(write_report(database, home, run_id, pipeline=pipeline).read_text())
        assert_harmless(page)
        for expected in ("Gates", "3.11.7", "2 installed distributions", "What was not committed", "begin", "end"):
            assert expected in page.text, expected
        assert len(page.text) < 100_000
        for name in ("gates", "environment"):
            database.record_document(run_id, name, "[broken")
        assert "Gates" not in Page(write_report(database, home, run_id, pipeline=pipeline).read_text()).text


def test_ten_thousand_metrics_fit(home: Home) -> None:
    with Database(home.database) as database:
        run = database.create_run(NewRun("p", (("one", "One"),)))
        metrics = [MetricRecord(f"m{number:05}", number) for number in range(10_050)]
        database.finish_step(run.run_id, "one", StepOutcome("succeeded", metrics=metrics))
        text = write_report(database, home, run.run_id).read_text()
    assert len(text) < 3_000_000
    page = Page(text)
    assert page.attributes.count(("div", "class", "metric")) == 60
    assert "9940 more metrics" in page.text and "and 50 more" in page.text


def test_figures_are_gathered_unless_that_is_too_much(home: Home) -> None:
    outputs = [{"output_type": "display_data", "data": {"image/png": PIXEL}, "metadata": {}}]
    text = page_of(home, "churn", [a_cell("plot()", outputs), a_cell("plot()", outputs, id="c2")])
    page = Page(text)
    assert page.tags.count("figure") == 2 and page.tags.count("img") == 4
    assert page.attributes.count(("a", "href", "#cell-c2")) >= 2
    large = [{"output_type": "display_data", "data": {"image/png": "AAAA" * 1_000_000}, "metadata": {}}]
    page = Page(page_of(home, "large", [a_cell("plot()", large)]))
    assert page.tags.count("figure") == 1 and page.tags.count("img") == 1


def test_endless_output_is_shortened(home: Home) -> None:
    outputs = [{"output_type": "stream", "name": "stdout", "text": "begin " + "x" * 5_000_000 + " end"}]
    text = page_of(home, "churn", [a_cell("x", outputs)])
    assert len(text) < 200_000
    assert "begin" in text and " end" in text and "left out" in text


def test_a_failed_write_leaves_the_old_report(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    database, run_id, pipeline = a_run(home, "churn", [])
    with database:
        path = write_report(database, home, run_id, pipeline=pipeline)
        before = path.read_text()

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "replace", fail)
        with pytest.raises(InfrastructureError, match="space"):
            write_report(database, home, run_id, pipeline=pipeline)
    assert path.read_text() == before
    assert sorted(item.name for item in path.parent.iterdir()) == [OUTPUT_NOTEBOOK, "report.html"]


def test_a_run_of_200_steps_has_a_report(home: Home) -> None:
    slugs = [f"s{number}" for number in range(200)]
    cells = [a_cell("x = 1\n" * 20, [STREAM], id=f"c{slug}") for slug in slugs]
    steps = tuple(Step(slug, slug, (f"c{slug}",)) for slug in slugs)
    edges = tuple(Edge(one, two, ("x",)) for one, two in itertools.pairwise(slugs))
    pipeline = Pipeline("long", None, "python3", (), steps, edges, ())
    with Database(home.database) as database:
        run = database.create_run(NewRun("long", [(slug, slug) for slug in slugs]))
        for slug in slugs:
            status = "failed" if slug == "s7" else "succeeded"
            made = [ArtifactRecord(f"{slug}.x", "value", ("x",), hash_bytes(slug.encode()), 9)]
            database.finish_step(run.run_id, slug, StepOutcome(status, 0.1, outputs=made))
        database.finish_run(run.run_id, "succeeded")
        home.run(run.run_id).mkdir(parents=True)
        (home.run(run.run_id) / OUTPUT_NOTEBOOK).write_text(json.dumps({"cells": cells}))
        text = write_report(database, home, run.run_id, pipeline=pipeline).read_text()
    page = Page(text)
    assert len(text) < 2_000_000
    folds = [("open" in item) for item in re.findall(r'<details class="group"[^>]*>', text)]
    assert len(folds) == 200 and folds.count(True) == 1, "only the failed step is open"
    assert {f"step-s{number}" for number in range(200)} <= {value for _, name, value in page.attributes if name == "id"}
