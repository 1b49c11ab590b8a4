"""Locks, and the hashes that lock files of the project know."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.engine.interpreter import Distribution, Interpreter
from jupyter_mlops.images.hashes import known_hashes
from jupyter_mlops.images.locking import Lock, make_lock
from jupyter_mlops.images.model import StepNeeds

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def needs(*names: str) -> list[StepNeeds]:
    return [StepNeeds(frozenset(), frozenset(names), frozenset(names))]


def lines(lock: Lock) -> list[str]:
    return lock.text().splitlines()


def test_exact_versions_and_what_running_needs(interpreter: Interpreter) -> None:
    lock = make_lock(needs("pandas"), (), interpreter)
    assert lines(lock) == [
        "cloudpickle==3.1.2",
        "ipykernel==7.4.0",
        "numpy==2.4.6",
        "pandas==3.1.1",
        "pyzmq==27.3.0",
        "tzdata==2026.6",
    ]
    assert not lock.requirements
    assert not lock.problems


def test_what_the_environment_lacks_comes_in_our_version(interpreter: Interpreter) -> None:
    del interpreter.distributions["cloudpickle"]  # type: ignore[attr-defined]
    assert "cloudpickle==9" in lines(make_lock(needs(), (), interpreter, own_versions={"cloudpickle": "9"}))


def test_packages_that_are_asked_for(interpreter: Interpreter) -> None:
    lock = make_lock(needs(), ["pyarrow>=20", "polars>=1", "numpy[extra]"], interpreter)
    assert "pyarrow==22.0" in lines(lock)
    assert lock.requirements == ("polars>=1", "numpy[extra]")
    assert "polars" in lock.names()
    assert not lock.problems


def test_another_version_than_here_is_told(interpreter: Interpreter) -> None:
    lock = make_lock(needs("pandas"), ["numpy==1.26"], interpreter)
    assert lock.requirements == ("numpy==1.26",)
    assert not [line for line in lines(lock) if line.startswith("numpy")]
    (problem,) = lock.problems
    assert "here 2.4.6 is in use" in problem.message


@pytest.mark.parametrize("item", ["-r more.txt", "-e .", "./pack", "/opt/pack.whl"])
def test_files_of_this_machine_are_left_out(item: str, interpreter: Interpreter) -> None:
    lock = make_lock(needs(), [item], interpreter)
    assert not lock.requirements
    assert "names files of this machine" in lock.problems[0].message


@pytest.mark.parametrize(
    ("origin", "line"),
    [
        (
            {"url": "https://example.com/r.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "odd @ git+https://example.com/r.git@abc",
        ),
        (
            {"url": "https://example.com/r", "vcs_info": {"vcs": "git", "commit_id": "abc"}, "subdirectory": "py"},
            "odd @ git+https://example.com/r@abc#subdirectory=py",
        ),
        ({"url": "https://example.com/odd-1.whl", "archive_info": {}}, "odd @ https://example.com/odd-1.whl"),
    ],
)
def test_distributions_from_no_index(origin: dict[str, object], line: str, interpreter: Interpreter) -> None:
    interpreter.distributions["odd"] = Distribution("1", origin=origin)  # type: ignore[index]
    lock = make_lock(needs("odd"), (), interpreter)
    assert line in lines(lock)
    assert lock.needs_git == ("git+" in line)


def test_local_distributions_are_copied_and_not_installed(interpreter: Interpreter) -> None:
    lock = make_lock(needs("tidy"), (), interpreter)
    assert not [line for line in lines(lock) if "tidy" in line]
    assert "numpy==2.4.6" in lines(lock)
    assert "installed here from a local file" in lock.problems[0].message


def test_versions_that_an_index_may_not_have(interpreter: Interpreter) -> None:
    interpreter.distributions["torch"] = Distribution("2.13.0+cpu")  # type: ignore[index]
    interpreter.distributions["mkl"] = Distribution("2026", installer="conda")  # type: ignore[index]
    problems = make_lock(needs("torch", "mkl"), (), interpreter).problems
    assert ["installed by conda" in problems[0].message, "public index" in problems[1].message] == [True, True]


def test_what_only_another_system_needs_has_a_marker(interpreter: Interpreter) -> None:
    marker = 'platform_system == "Darwin"'
    kernel = Distribution("7.4.0", ("appnope", "pyzmq"), ("ipykernel",), conditions={"appnope": marker})
    interpreter.distributions.update(ipykernel=kernel, appnope=Distribution("0.1.4"))  # type: ignore[attr-defined]
    mac = replace(interpreter, python={**interpreter.python, "platform": "darwin"})
    assert f"appnope==0.1.4 ; {marker}" in lines(make_lock(needs(), (), mac))
    assert "pyzmq==27.3.0" in lines(make_lock(needs(), (), mac))


def test_hashes_only_if_all_are_known(interpreter: Interpreter) -> None:
    known = {("pandas", "3.1.1"): (A, B), ("numpy", "2.4.6"): (A,)}
    some = make_lock(needs("pandas"), (), interpreter, hashes=known, with_runtime=False)
    assert not some.hashed
    assert "--hash" not in some.text()
    every = make_lock(
        needs("pandas"), (), interpreter, hashes={**known, ("tzdata", "2026.6"): (B,)}, with_runtime=False
    )
    assert every.hashed
    assert f"pandas==3.1.1 \\\n    --hash={A} \\\n    --hash={B}\n" in every.text()


def test_lock_files_of_all_kinds(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(
        f'[[package]]\nname = "One"\nversion = "1"\nwheels = [{{hash = "{A}"}}]\nsdist = {{hash = "{B}"}}\n'
    )
    (tmp_path / "poetry.lock").write_text(
        f'[[package]]\nname = "two"\nversion = "2"\nfiles = [{{file = "x", hash = "{A}"}}]\n'
    )
    (tmp_path / "pylock.toml").write_text(
        f'[[packages]]\nname = "three"\nversion = "3"\nwheels = [{{hashes = {{sha256 = "{"a" * 64}"}}}}]\n'
    )
    content = {"default": {"four_x": {"version": "==4", "hashes": [A]}}}
    (tmp_path / "Pipfile.lock").write_text(json.dumps(content))
    (tmp_path / "requirements.txt").write_text(f"five==5 \\\n    --hash={A} \\\n    --hash={B}\nsix==6\n# no\n")
    assert known_hashes([tmp_path]) == {
        ("one", "1"): (A, B),
        ("two", "2"): (A,),
        ("three", "3"): (A,),
        ("four-x", "4"): (A,),
        ("five", "5"): (A, B),
    }


def test_lock_files_that_make_no_sense_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("package = 3\n")
    (tmp_path / "poetry.lock").write_text("not toml [")
    (tmp_path / "Pipfile.lock").write_text('{"default": [1]}')
    (tmp_path / "requirements.txt").write_bytes(b"\xff\xfe")
    assert known_hashes([tmp_path, tmp_path / "gone"]) == {}
