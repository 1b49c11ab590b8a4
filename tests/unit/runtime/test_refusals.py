from __future__ import annotations

import functools
import socket
import sqlite3
import threading
from typing import Any

import numpy as np
import pytest

from jupyter_mlops.runtime import SaveError, save
from jupyter_mlops.runtime.refusals import find_path


class Slotted:
    __slots__ = ("lock",)


def generator():
    yield 1


async def coroutine():
    return 1


def closure(value):
    return lambda: value


@pytest.fixture
def refused(context):
    def check(value: Any) -> SaveError:
        namespace = {"before": 1, "thing": value}
        with pytest.raises(SaveError) as caught:
            save(namespace, context(saves=[{"id": "s.thing", "kind": "value", "names": ["before", "thing"]}]))
        assert not list((context().output_dir).glob("result.json"))
        error = caught.value
        assert error.variable == "thing"
        assert "'train'" in str(error)
        assert "`setup`" in str(error)
        assert "`skip`" in str(error)
        assert "`step:`" in str(error)
        return error

    return check


def test_generators(refused):
    error = refused(generator())
    assert (error.type_name, error.path) == ("generator", "thing")
    assert "where it stands" in str(error)


def test_coroutines(refused):
    running = coroutine()
    assert refused(running).type_name == "coroutine"
    running.close()


def test_where_the_culprit_sits(refused):
    connection = sqlite3.connect(":memory:")
    error = refused({"db": [1, {"main": connection}]})
    assert error.type_name == "sqlite3.Connection"
    assert error.path == "thing['db'][1]['main']"
    assert "database connection" in str(error)
    connection.close()


@pytest.mark.parametrize(
    ("wrap", "path"),
    [
        (lambda lock: functools.partial(print, lock), "thing.args[0]"),
        (lambda lock: closure(lock), "thing.<closure value>"),
        (lambda lock: (1, lock), "thing[1]"),
        (lambda lock: {"k": np.array([None, lock], dtype=object)}, "thing['k'].flat[1]"),
    ],
)
def test_paths_through_many_things(refused, wrap, path):
    error = refused(wrap(threading.Lock()))
    assert error.path == path
    assert "a lock belongs to one process" in str(error)


def test_slots(refused):
    slotted = Slotted()
    slotted.lock = threading.Lock()
    assert refused(slotted).path == "thing.lock"


def test_open_files_are_refused_even_where_pickle_would_copy_them(refused, tmp_path):
    (tmp_path / "f").write_text("content")
    with (tmp_path / "f").open() as file:
        assert "open file" in str(refused(file))
        assert refused({"log": file}).path == "thing['log']"
    with (tmp_path / "f").open("rb") as file:
        assert "open file" in str(refused([file]))


def test_sockets_and_threads(refused):
    with socket.socket() as connection:
        assert "network connection" in str(refused(connection))
    assert refused(threading.Thread(target=print)).variable == "thing"


def test_arrays_that_write_through_to_a_file(refused, tmp_path):
    mapped = np.memmap(tmp_path / "m", mode="w+", shape=(3,))
    assert "writes through to its file" in str(refused({"m": mapped}))


def test_animations(refused):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import animation, pyplot

    figure = pyplot.figure()
    movie = animation.FuncAnimation(figure, lambda i: [], frames=2)
    movie._draw_was_started = True
    assert "callbacks" in str(refused(movie))
    pyplot.close("all")


def test_a_value_whose_own_code_fails(refused):
    class Stubborn:
        def __reduce__(self):
            raise RuntimeError("not today")

    error = refused([Stubborn()])
    assert error.path == "thing[0]"
    assert "RuntimeError: not today" in str(error)


def test_states_nobody_can_take_over(context):
    with pytest.raises(SaveError, match="no step can take this state over"):
        save({}, context(saves=[{"id": "s", "kind": "state", "names": ["unheard:of"]}]))


def test_find_path_gives_up_on_what_is_not_there():
    assert find_path({"a": [1, 2]}, object()) is None


def test_save_errors_can_be_pickled(handover):
    error = SaveError("x", "generator", "because", step="train", path="x[0]")
    assert str(handover(error)) == str(error)
