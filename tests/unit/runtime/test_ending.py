"""The end of a forked process: quick, and with everything that a slow one would have done."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked on Unix only")

OPENING = """\
    import atexit, os, sys
    from jupyter_mlops.runtime.ending import Ending
    ending = Ending()
    import logging, logging.handlers, types
    sys.modules["shared"] = types.ModuleType("shared")
    class Word:
        def __init__(self, word, say=os.write): self.word, self.say = word, say
        def __del__(self): self.say(1, self.word.encode() + b"\\n")
    sys.modules["shared"].word = Word("shared module")
    ending.note()
    ending.well = True
"""


def end(folder, code):
    """Run code in a process that ends that way; return what it said."""
    script = textwrap.dedent(OPENING) + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )


def test_shared_modules_are_left_alone_and_all_others_are_finalised(tmp_path):
    code = """
    sys.modules["own"] = types.ModuleType("own")
    sys.modules["own"].word = Word("own module")
    variable = Word("variable")
    knot = [Word("cycle")]
    knot.append(knot)
    del knot
    """
    said = end(tmp_path, code).stdout.split("\n")
    assert sorted(filter(None, said)) == ["cycle", "own module", "variable"]


def test_functions_registered_at_exit_run_before_anything_is_gone(tmp_path):
    code = """
    variable = Word("variable")
    atexit.register(lambda: os.write(1, f"exit with {variable.word}\\n".encode()))
    """
    assert end(tmp_path, code).stdout.split("\n")[0] == "exit with variable"


def test_open_files_and_streams_are_written(tmp_path):
    code = """
    sys.modules["shared"].text = open("text", "w")
    sys.modules["shared"].text.write("words")
    sys.modules["shared"].bytes = open("bytes", "wb")
    sys.modules["shared"].bytes.write(b"words")
    knot = [open("knot", "w")]
    knot[0].write("words")
    knot.append(knot)
    file = logging.FileHandler("log")
    logging.getLogger().addHandler(logging.handlers.MemoryHandler(100, logging.CRITICAL, target=file))
    logging.getLogger().error("words")
    sys.stdout.write("printed")
    """
    assert end(tmp_path, code).stdout == "printed"
    assert [(tmp_path / name).read_text() for name in ("text", "bytes", "knot", "log")] == [*["words"] * 3, "words\n"]


def test_what_c_code_has_printed_comes_out(tmp_path):
    code = """
    import ctypes
    ctypes.CDLL(None).printf(b"from C")
    """
    assert end(tmp_path, code).stdout == "from C"


def test_what_libraries_do_at_exit_is_done_if_they_were_loaded_later(tmp_path):
    code = """
    import ctypes
    bye = ctypes.CFUNCTYPE(None)(lambda write=os.write: write(1, b"bye") and None)
    ctypes.PyDLL(None).__cxa_atexit(bye, None, None)
    sys.modules["shared"].keep = bye
    """
    loaded = "import _sqlite3"
    assert end(tmp_path, textwrap.dedent(code)).stdout == ""
    assert end(tmp_path, textwrap.dedent(code) + loaded).stdout == "bye"


def test_an_end_that_is_not_well_is_the_interpreters_own(tmp_path):
    code = """
    ending.well = False
    variable = Word("variable")
    """
    assert "shared module" in end(tmp_path, code).stdout
