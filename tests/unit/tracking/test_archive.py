"""Runs travel whole between stores, and no archive does harm."""

from __future__ import annotations

import json
import math
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.store import schema
from jupyter_mlops.store.conditions import equals
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home, ensure_home
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import ArtifactRecord, FailureRecord, MetricRecord, NewRun, StepOutcome
from jupyter_mlops.store.transfer import LEFT_BEHIND, TABLES
from jupyter_mlops.tracking.archive import export_runs, import_runs

Store = tuple[Database, Home]


@pytest.fixture
def stores(tmp_path: Path):
    opened = []
    for name in ("here", "there"):
        home = ensure_home(tmp_path / name)
        opened.append((Database(home.database), home))
    yield opened
    for database, _ in opened:
        database.close()


def record(store: Store, content: bytes = b"frame") -> str:
    database, home = store
    digest = ObjectStore(home.objects).put_bytes(content)
    frame = ArtifactRecord(
        "load.X", "value", ("X", 'ü"'), digest, len(content), "DataFrame", "pandas", "1 row", {"a": 1}
    )
    new = NewRun(
        "churn",
        (("load", "Load"), ("fit", "Fit")),
        {"rate": 0.5, "limit": math.inf, "text": "é"},
        {"rate": "-p"},
        experiments=("spring",),
        tags={"team": "a"},
        documents={"pipeline": '{"ü": 1}'},
    )
    run_id = database.create_run(new).run_id
    metrics = [MetricRecord("loss", math.nan), MetricRecord("loss", -math.inf), MetricRecord("acc", 0.5)]
    database.finish_step(
        run_id,
        "load",
        StepOutcome(
            "succeeded", outputs=[frame], metrics=metrics, documents={"key": "{}"}, notebook="steps/load.ipynb"
        ),
    )
    database.finish_step(run_id, "fit", StepOutcome("failed", inputs=[frame], error=FailureRecord("ValueError", "no")))
    database.finish_run(run_id, "failed")
    folder = home.run(run_id) / "steps"
    folder.mkdir(parents=True)
    (folder / "load.ipynb").write_text("{}")
    return run_id


def everything(store: Store, run_id: str) -> Any:
    database, home = store
    folder = home.run(run_id)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return json.dumps(database.take_out(run_id)), files


def test_a_run_arrives_as_it_was_and_only_once(stores: list[Store], tmp_path: Path) -> None:
    here, there = stores
    run_id = record(here)
    path = tmp_path / "run.zip"
    done = export_runs(*here, [run_id], path)
    assert (done.runs, done.objects, done.notes, done.bytes) == ((run_id,), 1, (), path.stat().st_size)
    first = import_runs(*there, path)
    assert (first.runs, first.present, first.objects) == ((run_id,), (), 1)
    assert everything(there, run_id) == everything(here, run_id)
    (digest,) = there[0].digests()
    assert ObjectStore(there[1].objects).verify(digest)
    assert there[0].run("latest").metrics["acc"] == 0.5
    there[0].set_tag(run_id, "mine", "yes")
    there[0].set_note(run_id, "seen")
    again = import_runs(*there, path)
    assert (again.runs, again.present, again.objects) == ((), (run_id,), 0)
    assert there[0].run(run_id).tags == {"team": "a", "mine": "yes"} and there[0].run(run_id).note == "seen"


def test_several_runs_share_what_they_share(stores: list[Store], tmp_path: Path) -> None:
    here, there = stores
    ids = [record(here), record(here), record(here, b"other")]
    assert export_runs(*here, ids, tmp_path / "a.zip").objects == 2
    assert set(import_runs(*there, tmp_path / "a.zip").runs) == set(ids)
    assert there[0].count_runs(equals("experiment", "spring")) == 3


def test_a_run_in_progress_stays(stores: list[Store], tmp_path: Path) -> None:
    here, _ = stores
    run_id = here[0].create_run(NewRun("p")).run_id
    with pytest.raises(UsageError, match="in progress"):
        export_runs(*here, [run_id], tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_a_content_that_is_gone_is_told_and_the_rest_travels(stores: list[Store], tmp_path: Path) -> None:
    here, there = stores
    run_id = record(here)
    (digest,) = here[0].digests()
    ObjectStore(here[1].objects).delete(digest)
    done = export_runs(*here, [run_id], tmp_path / "a.zip")
    assert done.objects == 0 and digest[:12] in done.notes[0]
    assert import_runs(*there, tmp_path / "a.zip").runs == (run_id,)


def test_a_run_with_other_content_is_refused(stores: list[Store], tmp_path: Path) -> None:
    here, there = stores
    run_id = record(here)
    export_runs(*here, [run_id], tmp_path / "a.zip")
    import_runs(*there, tmp_path / "a.zip")
    there[0].record_metrics(run_id, [MetricRecord("acc", 0.6)])
    before = everything(there, run_id)
    with pytest.raises(UsageError, match="other content"):
        import_runs(*there, tmp_path / "a.zip")
    assert everything(there, run_id) == before


def rewritten(source: Path, change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> Path:
    """A copy with other entries and another manifest; digests of what is changed are brought up to date."""
    with zipfile.ZipFile(source) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(entries.pop("manifest.json"))
    before = dict(entries)
    change(entries, manifest)
    for name in [*manifest["files"]]:
        if name in entries and entries[name] != before.get(name) and manifest["files"][name] != "kept":
            manifest["files"][name] = blake3(entries[name]).hexdigest()
    target = source.with_name("changed.zip")
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
        archive.writestr("manifest.json", json.dumps(manifest))
    return target


def in_record(table: str, **values: Any) -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    def change(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        name = f"records/{manifest['runs'][0]}.json"
        rows = json.loads(entries[name])
        rows[table][0].update(values)
        entries[name] = json.dumps(rows).encode()

    return change


def outside(name: str) -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    def change(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        place = f"folders/{manifest['runs'][0]}/{name}"
        entries[place] = b"evil"
        manifest["files"][place] = blake3(b"evil").hexdigest()

    return change


def other_object(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
    name = next(name for name in entries if name.startswith("objects/"))
    entries[name] = b"other"


def other_file(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
    name = next(name for name in entries if name.startswith("folders/"))
    manifest["files"]["extra"] = manifest["files"].pop(name)
    manifest["files"][name] = "0" * 64


def renamed_run(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
    manifest["runs"] = ["../evil"]


def without_object(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
    entries.pop(next(name for name in entries if name.startswith("objects/")))


def newer(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
    manifest["schema"] = schema.VERSION + 1


BAD = {
    "parent": outside("../../evil"),
    "absolute": outside("/evil"),
    "drive": outside("C:evil"),
    "backslash": outside("..\\evil"),
    "dots": outside("a/./b"),
    "run": renamed_run,
    "object": other_object,
    "no object": without_object,
    "file": other_file,
    "newer": newer,
    "step notebook": in_record("step_runs", notebook="../../../etc/passwd"),
    "type": in_record("runs", started="yesterday"),
    "column": in_record("runs", **{"x; DROP TABLE runs": 1}),
    "status": in_record("runs", status="running"),
    "other run": in_record("events", run_id="someone-else"),
    "json": in_record("params", value="{"),
    "names": in_record("artifacts", names="[1]"),
    "error": in_record("step_runs", error='{"x": 1}'),
    "content": in_record("artifacts", digest="0" * 64),
    "text": in_record("texts", content="other"),
    "reference": in_record("events", artifact_key="nothing"),
}


@pytest.mark.parametrize("what", BAD)
def test_an_archive_that_is_not_as_it_should_be_changes_nothing(what: str, stores: list[Store], tmp_path: Path) -> None:
    here, there = stores
    export_runs(*here, [record(here)], tmp_path / "a.zip")
    path = rewritten(tmp_path / "a.zip", BAD[what])
    with pytest.raises(UsageError) as caught:
        import_runs(*there, path)
    assert "newer" in str(caught.value) if what == "newer" else "damaged" in str(caught.value), caught.value
    assert_nothing_came(there, tmp_path)


def assert_nothing_came(there: Store, tmp_path: Path) -> None:
    database, home = there
    assert database.count_runs() == 0 and not list(home.runs.iterdir()) and not list(home.tmp.iterdir())
    assert not list(tmp_path.rglob("*evil*")) and not Path("/evil").exists()


@pytest.mark.parametrize("cut", [0.0, 0.3, 0.9])
def test_an_archive_that_was_cut_changes_nothing(cut: float, stores: list[Store], tmp_path: Path) -> None:
    here, there = stores
    path = tmp_path / "a.zip"
    export_runs(*here, [record(here)], path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * cut)])
    with pytest.raises(UsageError, match="damaged"):
        import_runs(*there, path)
    assert_nothing_came(there, tmp_path)


def test_each_flipped_byte_is_noticed_or_changes_nothing(stores: list[Store], tmp_path: Path) -> None:
    here, there = stores
    path = tmp_path / "a.zip"
    run_id = record(here)
    export_runs(*here, [run_id], path)
    content = path.read_bytes()
    for place in range(0, len(content), 97):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            import_runs(*there, path)
        except (UsageError, InfrastructureError):
            assert_nothing_came(there, tmp_path)
            continue
        assert everything(there, run_id) == everything(here, run_id), "a byte that says nothing"
        there[0].delete_run(run_id)
        shutil.rmtree(there[1].run(run_id))


def test_other_files_are_told_apart(stores: list[Store], tmp_path: Path) -> None:
    _, there = stores
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("hello.txt", "hello")
    (tmp_path / "text").write_text("hello")
    for name, words in (("other.zip", "no archive of runs"), ("text", "no archive"), ("gone.zip", "no archive")):
        with pytest.raises(UsageError, match=words):
            import_runs(*there, tmp_path / name)


def test_where_an_archive_can_not_go_is_said(stores: list[Store], tmp_path: Path) -> None:
    here, _ = stores
    run_id = record(here)
    for path in (tmp_path, tmp_path / "gone" / "a.zip"):
        with pytest.raises(UsageError, match="archive"):
            export_runs(*here, [run_id], path)


def test_each_table_travels_or_is_named_as_staying(tmp_path: Path) -> None:
    with Database(tmp_path / "mlops.db") as database:
        rows = database._connection.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
    assert {row["name"] for row in rows} == set(TABLES) | LEFT_BEHIND
