"""Files by address, and what is said when they can't be had."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.kubeflow.files import upload_files
from jupyter_mlops.kubeflow.records import ClusterRun
from jupyter_mlops.kubeflow.reports import find_reports, read_report
from jupyter_mlops.kubeflow.runtimes import Runtime
from jupyter_mlops.kubeflow.storage import MissingError, Storage, joined

SECRET = "s3cr3t-value-9"


def storage(**options: object) -> Storage:
    return Storage(Runtime("prod", "https://kubeflow.example", storage=options))


@pytest.mark.parametrize("root", ["memory://bucket/runs", "FOLDER"])
def test_written_found_and_read(root: str, tmp_path: Path) -> None:
    root = tmp_path.as_uri() if root == "FOLDER" else root
    place = storage()
    uri = joined(root, "churn", "run 1", "train", "salt", "executed_notebook_ipynb")
    with place.open(uri, "wb") as file:
        file.write(b"x" * 10)
    assert place.exists(uri) and place.below(f"{root}/churn/run 1/") == [uri]
    assert b"".join(place.chunks(uri)) == b"x" * 10
    assert place.below(f"{root}/nothing") == []
    with pytest.raises(MissingError, match="There is nothing at"):
        place.read(f"{root}/nothing/here")


def test_addresses() -> None:
    assert joined("s3://b/runs/?region=eu", "p", "r") == "s3://b/runs/p/r"
    found = ClusterRun("prod", "h", "", "n", "churn", "1", "v", "2", "e", "3", "memory://reports", "run-1")
    place = storage()
    for path in ("train/a1/executed_notebook_ipynb", "train/a1/model", "load/executed_notebook_ipynb", "x/other"):
        with place.open(f"memory://reports/churn/run-1/{path}", "wb") as file:
            file.write(b"{}")
    assert find_reports(place, found) == {
        "load": "memory://reports/churn/run-1/load/executed_notebook_ipynb",
        "train": "memory://reports/churn/run-1/train/a1/executed_notebook_ipynb",
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"metadata": {"mlops": {"record": {"artifacts": [{}]}}}}',
        b'{"metadata": {"mlops": {"record": {"artifacts": [{"id": "a", "kind": "value", "names": ["x"], "digest": "0",'
        b' "bytes": 1, "output": "../../other"}]}}}}',
    ],
)
def test_reports_that_are_none(content: bytes) -> None:
    place = storage()
    with place.open("memory://broken/nb", "wb") as file:
        file.write(content)
    with pytest.raises(InfrastructureError, match="can't be read"):
        read_report(place, "memory://broken/nb")


def test_the_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, uri, library in (("s3fs", "s3://b/x", "s3fs"), ("gcsfs", "gs://b/x", "gcsfs")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(UsageError, match=f"the library {library} is missing") as error:
            storage().read(uri)
        assert error.value.hint == f"pip install {library}"
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(UsageError, match="fsspec is missing") as error:
        storage().read("s3://b/x")
    assert "jupyter-mlops[shared]" in str(error.value.hint)


def test_minio_needs_to_know_where_it_is() -> None:
    with pytest.raises(UsageError, match="Where the MinIO") as error:
        storage().exists("minio://mlpipeline/v2/artifacts")
    assert "endpoint_url" in str(error.value.hint)


def test_secrets_of_the_storage_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIO_SECRET", SECRET)

    def failing(uri: str, **options: str) -> None:
        raise ValueError(f"bad options {options}")

    monkeypatch.setattr("fsspec.core.url_to_fs", failing)
    with pytest.raises(UsageError) as error:
        storage(secret="env:MINIO_SECRET", key="me").read("memory://b/x")
    assert "[redacted]" in error.value.message and SECRET not in error.value.message and "'me'" in error.value.message
    monkeypatch.delenv("MINIO_SECRET")
    with pytest.raises(UsageError, match="MINIO_SECRET holds secret of the storage"):
        storage(secret="env:MINIO_SECRET").read("memory://b/x")


def test_rights_are_told_from_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoCredentialsError(Exception):
        pass

    for error, kind, text in (
        (PermissionError("Forbidden"), UsageError, "may not be used from here"),
        (NoCredentialsError("none found"), UsageError, "may not be used from here"),
        (TimeoutError("late"), InfrastructureError, "can't be used: TimeoutError: late"),
    ):

        def fail(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr("fsspec.implementations.memory.MemoryFileSystem.exists", fail)
            with pytest.raises(kind, match=text):
                storage().exists("memory://b/x")


def test_files_are_uploaded_once_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1")
    place = storage()
    first = upload_files(place, "memory://up", tmp_path, ["data/a.csv", "data/missing.csv", "data"])
    assert list(first) == ["data/a.csv"] and first["data/a.csv"].endswith("/a.csv")
    (tmp_path / "data" / "a.csv").write_text("2")
    second = upload_files(place, "memory://up", tmp_path, ["data/a.csv"])
    assert second != first and place.read(first["data/a.csv"]) == b"1" and place.read(second["data/a.csv"]) == b"2"
    assert len(place.below("memory://up")) == 2
