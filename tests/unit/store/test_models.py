import multiprocessing
from pathlib import Path

import pytest

from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import ArtifactRecord, NewRun, StepOutcome

PROCESSES, EACH = 4, 8


def artifact(number: int, name: str = "forest") -> ArtifactRecord:
    return ArtifactRecord(
        f"train.{name}", "value", (name,), f"{number:064x}", 10, type="lib.Forest", serializer="pickle"
    )


def record(database: Database, number: int) -> str:
    run = database.create_run(NewRun("churn", [("train", "train")]))
    database.finish_step(run.run_id, "train", StepOutcome("succeeded", outputs=[artifact(number)]))
    database.finish_run(run.run_id, "succeeded")
    return run.run_id


def register(database: Database, run_id: str, name: str = "churn") -> tuple[int, bool]:
    version, is_new = database.register_model(
        name, run_id=run_id, step="train", artifact="train.forest", member="forest"
    )
    return version.version, is_new


@pytest.fixture
def database(tmp_path: Path):
    with Database(tmp_path / "mlops.db") as opened:
        yield opened


def test_versions_count_from_one_under_each_name(database: Database) -> None:
    runs = [record(database, number) for number in range(3)]
    assert [register(database, run) for run in runs] == [(1, True), (2, True), (3, True)]
    assert register(database, runs[2], "other") == (1, True)
    assert [item.version for item in database.model_versions("churn")] == [3, 2, 1]


def test_an_equal_artifact_is_registered_once_under_a_name(database: Database) -> None:
    first, again = record(database, 7), record(database, 7)
    assert register(database, first) == (1, True)
    assert register(database, again) == (1, False)
    assert database.model_versions("churn")[0].run_id == first


def test_a_number_is_never_given_again(database: Database) -> None:
    runs = [record(database, number) for number in range(3)]
    register(database, runs[0])
    register(database, runs[1])
    assert database.delete_model("churn", 2)
    assert register(database, runs[2]) == (3, True)
    assert not database.delete_model("churn", 2)


def test_an_artifact_that_is_not_there_is_not_registered(database: Database) -> None:
    run = record(database, 1)
    with pytest.raises(LookupError):
        database.register_model("churn", run_id=run, step="train", artifact="train.tree", member="tree")
    assert database.models() == ()


def test_an_alias_stands_for_one_version(database: Database) -> None:
    for number in range(2):
        register(database, record(database, number))
    assert not database.set_model_alias("churn", "champion", 1)
    assert database.set_model_alias("churn", "champion", 2)
    assert {item.version: item.aliases for item in database.model_versions("churn")} == {2: ("champion",), 1: ()}
    database.delete_model("churn", 2)
    assert database.models()[0].aliases == ()


def test_a_model_keeps_its_run_and_its_object(database: Database) -> None:
    kept, gone = record(database, 1), record(database, 2)
    register(database, kept)
    with pytest.raises(UsageError, match="a model was registered"):
        database.delete_run(kept)
    database.delete_run(gone)
    assert database.digests() == {artifact(1).digest}
    assert database.digests(without_runs=[kept]) == {artifact(1).digest}
    assert not database.may_be_forgotten(kept)
    database.delete_model("churn")
    database.delete_run(kept)
    assert database.digests() == frozenset()


def test_names_with_quotes_are_names(database: Database) -> None:
    name = 'it\'s "mine"; DROP TABLE models; --'
    assert register(database, record(database, 1), name) == (1, True)
    assert [item.name for item in database.models()] == [name]


def _register_many(path: Path, process: int) -> None:
    with Database(path) as opened:
        for number in range(EACH):
            register(opened, record(opened, 1000 * process + number))


def test_processes_that_register_at_once_get_numbers_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "mlops.db"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_register_many, args=(path, number)) for number in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    with Database(path) as opened:
        versions = opened.model_versions("churn")
    assert [item.version for item in versions] == list(range(PROCESSES * EACH, 0, -1))
    assert len({item.run_id for item in versions}) == PROCESSES * EACH
