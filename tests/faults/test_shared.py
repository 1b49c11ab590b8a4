"""Results that go from one machine to another through a shared cache, and what happens when it fails."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.engine.sharing import Sharing
from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.configuration import SharedCacheSettings, shared_cache_settings
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.shared import DamagedError, SharedStore, UnreachableError

STEPS = ("make", "double", "read", "count")
REUSED = dict.fromkeys(STEPS, "reused")
FAILURES = {
    "cat": "OSError",
    "exists": "ValueError",
    "makedirs": "PermissionError",
    "write": "OSError",
    "read": "OSError",
    "mv": "OSError",
}
COMPUTED = dict.fromkeys(STEPS, "succeeded")


def flaky_module() -> Any:
    spec = importlib.util.spec_from_file_location("flaky", Path(__file__).with_name("flaky.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["flaky"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def machines(seed: Any, tmp_path: Path) -> tuple[Any, Any]:
    """Two checkouts of one project, in different folders, each with a store of its own."""
    return seed.copy(tmp_path / "ann" / "work" / "project"), seed.copy(tmp_path / "ci" / "build-17")


def run(nursery: Any, project: Any, cache: Any, **more: Any) -> Any:
    environment = {"JUPYTER_MLOPS_CACHE": str(cache), **more.pop("environment", {})}
    return nursery.run(project, environment=environment, **more)


def plan(nursery: Any, project: Any, cache: Any) -> Any:
    return nursery.ask(
        action="dry_run", arguments=[str(project.notebook)], environment={"JUPYTER_MLOPS_CACHE": str(cache)}
    )


def sources(answer: Any) -> dict[str, tuple[str, str | None]]:
    return {step["name"]: (step["action"], step["source"]) for step in answer.result["steps"]}


def test_another_machine_takes_what_one_has_computed(nursery: Any, machines: Any, cache: Path) -> None:
    first, second = machines
    computed = run(nursery, first, f"file://{cache}")
    assert computed.steps == COMPUTED and computed.result["notes"] == []
    before = set(second.home.rglob("*"))
    planned = plan(nursery, second, cache)
    assert sources(planned) == dict.fromkeys(STEPS, ("reused", "shared"))
    assert "in the shared cache" in planned.result["steps"][0]["reason"]
    assert set(second.home.rglob("*")) == before, "a dry run writes nothing"
    taken = run(nursery, second, cache)
    assert taken.steps == REUSED and taken.result["notes"] == []
    assert taken.result["metrics"] == computed.result["metrics"] and taken.values == computed.values
    assert second.files() == first.files() and second.shown() == first.shown()
    assert sources(plan(nursery, second, cache)) == dict.fromkeys(STEPS, ("reused", "local"))
    shutil.rmtree(cache)
    assert run(nursery, second, cache).steps == REUSED, "what was taken is its own"


def test_a_step_that_sees_its_folder_is_not_shared(nursery: Any, machines: Any, cache: Path) -> None:
    first, second = machines
    for project in machines:
        project.edit("c2", "rows = list(range(n))\nopen('out.txt', 'w').write(str(rows))\nhere = str(Path.cwd())")
    run(nursery, first, cache)
    # What takes a list may have been given code that sees it, too.
    assert run(nursery, second, cache).steps == {**COMPUTED, "read": "reused"}


def test_only_what_is_configured_is_read(nursery: Any, machines: Any, cache: Path) -> None:
    first, second = machines
    run(nursery, first, cache)
    assert nursery.run(second).steps == COMPUTED
    (second.folder / "mlops.toml").write_text(f'[cache]\nurl = "{cache}"\n', encoding="utf-8")
    assert nursery.run(second, environment={"JUPYTER_MLOPS_CACHE": "off"}, no_cache=True).steps == COMPUTED
    shutil.rmtree(second.home)
    assert nursery.run(second).steps == REUSED


def test_a_read_only_cache_is_only_read(nursery: Any, machines: Any, cache: Path) -> None:
    first, second = machines
    assert run(nursery, first, cache, environment={"JUPYTER_MLOPS_CACHE_READ_ONLY": "1"}).steps == COMPUTED
    assert not cache.exists()
    run(nursery, first, cache, no_cache=True)
    assert run(nursery, second, cache, environment={"JUPYTER_MLOPS_CACHE_READ_ONLY": "1"}).steps == REUSED


@pytest.mark.parametrize("how", ["flipped", "cut", "gone"])
@pytest.mark.parametrize("what", ["objects", "steps"])
def test_damage_is_noted_computed_again_and_mended(
    nursery: Any, machines: Any, cache: Path, what: str, how: str
) -> None:
    first, second = machines
    computed = run(nursery, first, cache)
    for path in [path for path in (cache / what).rglob("*") if path.is_file()]:
        content = path.read_bytes()
        if how == "gone":
            path.unlink()
        else:
            path.write_bytes(content[:-1] if how == "cut" else bytes([content[0] ^ 1]) + content[1:])
    answer = run(nursery, second, cache)
    assert answer.steps == COMPUTED and answer.values == computed.values
    noted = any(note.startswith("ignored: ") for note in answer.result["notes"])
    assert noted or (what, how) == ("steps", "gone")
    shutil.rmtree(second.home)
    mended = run(nursery, second, cache)
    assert mended.steps == REUSED and mended.result["notes"] == [] and mended.values == computed.values


@pytest.mark.parametrize(
    ("operation", "how"),
    list(FAILURES.items()),
)
def test_a_file_system_that_fails(nursery: Any, machines: Any, cache: Path, operation: str, how: str) -> None:
    """Whatever fails, the run succeeds and says so; once it works again, what waited is shared."""
    first, second = machines
    url = f"flaky://{cache}"
    plan = cache.with_suffix(".json")
    if operation == "read":
        run(nursery, first, url)
    plan.write_text(json.dumps({operation: how}), encoding="utf-8")
    project = second if operation == "read" else first
    answer = run(nursery, project, url)
    assert answer.error is None and answer.steps == COMPUTED
    notes = answer.result["notes"]
    assert f"shared cache not reachable: {how}: no luck" in notes
    assert project.files() and len(notes) <= 2
    plan.unlink()
    assert run(nursery, project, url).result["notes"] == []
    shutil.rmtree(second.home)
    assert run(nursery, second, url).steps == REUSED


def test_a_file_system_that_does_not_answer(cache: Path, tmp_path: Path) -> None:
    module = flaky_module()
    module.register()
    cache.with_suffix(".json").write_text(json.dumps({"cat": "hang"}), encoding="utf-8")
    begun = time.monotonic()
    with pytest.raises(UnreachableError, match="no answer for 0 seconds"):
        SharedStore(SharedCacheSettings(f"flaky://{cache}"), stalled=0.3).record("0" * 64)
    with pytest.raises(UnreachableError, match="stopped"):
        SharedStore(SharedCacheSettings(f"flaky://{cache}"), stop=lambda: True).record("0" * 64)
    assert time.monotonic() - begun < 20


def test_a_cache_that_is_missing_or_unknown(nursery: Any, project: Any, tmp_path: Path) -> None:
    answer = run(nursery, project, "nosuchprotocol://bucket/x")
    assert answer.steps == COMPUTED
    assert answer.result["notes"][0].startswith("shared cache not reachable: ValueError: Protocol not known")
    assert answer.result["notes"][1] == "results of 4 steps wait to be shared with the next run"


@pytest.mark.parametrize("place", ["shared.queued:2", "shared.written:3", "shared.moved:4", "shared.recorded:1"])
def test_a_kill_while_uploading_loses_nothing(nursery: Any, machines: Any, cache: Path, place: str) -> None:
    first, second = machines
    assert run(nursery, first, cache, failpoint=place).killed == 9
    answer = run(nursery, first, cache)
    assert answer.result["status"] == "succeeded" and answer.result["notes"] == []
    done = [path.stem for path in (cache / "steps").rglob("*.json")]
    assert len(done) == 4 and not list((first.home / "outbox").glob("*.json"))
    assert run(nursery, second, cache).steps == REUSED


def test_two_machines_at_once(nursery: Any, machines: Any, cache: Path, tmp_path: Path) -> None:
    """Both compute and upload the same; what is there in the end is whole."""
    from jupyter_mlops import api

    answers: list[Any] = []
    settings = SharedCacheSettings(str(cache))
    stores = [ObjectStore(tmp_path / name) for name in ("one", "two")]
    contents = [bytes([number]) * 100_000 for number in range(20)]
    digests = [store.put_bytes(content) for store in stores for content in contents]

    def upload(store: ObjectStore) -> None:
        shared = SharedStore(settings)
        for digest in dict.fromkeys(digests):
            shared.put_object(digest, store.path(digest))
            shared.put_record(digest, {"key": digest})
        answers.append(api)

    threads = [threading.Thread(target=upload, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 2
    third = ObjectStore(tmp_path / "three")
    for digest in dict.fromkeys(digests):
        SharedStore(settings).fetch(digest, third)
        assert third.verify(digest) and SharedStore(settings).record(digest) == {"key": digest}
    assert not list(cache.rglob("*.tmp"))


def test_memory_file_systems(tmp_path: Path) -> None:
    shared = SharedStore(SharedCacheSettings("memory://cache/of/tests"))
    objects = ObjectStore(tmp_path / "objects")
    digest = objects.put_bytes(b"content")
    assert shared.record("ab" * 32) is None and not shared.has(digest)
    shared.put_object(digest, objects.path(digest))
    shared.put_record("ab" * 32, {"key": "ab" * 32})
    assert shared.has(digest) and shared.content(digest) == b"content"
    assert shared.record("ab" * 32) == {"key": "ab" * 32}
    with pytest.raises(DamagedError, match="missing"):
        shared.fetch("0" * 64, objects)


@pytest.fixture
def server(cache: Path) -> Iterator[str]:
    cache.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(cache))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{found.server_address[1]}"
        found.shutdown()


def test_a_web_server_is_read(nursery: Any, machines: Any, cache: Path, server: str) -> None:
    first, second = machines
    run(nursery, first, cache)
    assert run(nursery, second, server).steps == REUSED


def test_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def settings(text: str) -> SharedCacheSettings | None:
        (tmp_path / "mlops.toml").write_text(text, encoding="utf-8")
        return shared_cache_settings(tmp_path)

    assert shared_cache_settings(tmp_path) is None and settings("") is None
    assert settings('[cache]\nurl = "s3://b/f"\nread_only = true\n[cache.options]\nanon = true') == SharedCacheSettings(
        "s3://b/f", True, {"anon": True}
    )
    assert settings('[cache]\nurl = "shared"') == SharedCacheSettings(str(tmp_path / "shared"))
    assert settings('[cache]\nurl = "https://x/y"') == SharedCacheSettings("https://x/y", True)
    for text, message in (
        ("[cache", "can't be read"),
        ("cache = 1", "is a table"),
        ('[cache]\nulr = "x"', "has no 'ulr'"),
        ("[cache]\nurl = 1", "url is a text, not a int"),
    ):
        with pytest.raises(UsageError, match=message):
            settings(text)
    settings('[cache]\nurl = "s3://b/f"\nread_only = true')
    monkeypatch.setenv("JUPYTER_MLOPS_CACHE", "memory://x")
    monkeypatch.setenv("JUPYTER_MLOPS_CACHE_READ_ONLY", "0")
    assert shared_cache_settings(tmp_path) == SharedCacheSettings("memory://x")
    monkeypatch.setenv("JUPYTER_MLOPS_CACHE", "off")
    assert shared_cache_settings(tmp_path) is None


def test_a_record_of_other_results_is_ignored(nursery: Any, machines: Any, cache: Path) -> None:
    """A record may be whole and still not be what the step makes: nothing is written outside of what it names."""
    first, second = machines
    run(nursery, first, cache)
    settings = SharedCacheSettings(str(cache))
    for path in (cache / "steps").rglob("*.json"):
        record = SharedStore(settings).record(path.stem)
        assert record is not None
        for item in record["outputs"]:
            item["names"] = [f"../{name}" for name in item["names"]]
        path.unlink()
        SharedStore(settings).put_record(path.stem, record)
    answer = run(nursery, second, cache)
    assert answer.steps == {**COMPUTED, "count": "reused"}, "count makes nothing"
    assert "ignored: a record in the shared cache has other results than the step" in answer.result["notes"]
    assert not (second.folder.parent / "out.txt").exists()


def test_nothing_is_imported_without_need(tmp_path: Path) -> None:
    sharing = Sharing(SharedCacheSettings("memory://x"), Home(tmp_path))
    assert sharing.close() == ()
