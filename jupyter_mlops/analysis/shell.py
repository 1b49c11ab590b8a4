"""Magics and shell escapes, as the calls on ``get_ipython()`` that IPython turns them into."""

from __future__ import annotations

import ast
import re

from jupyter_mlops.analysis import hidden
from jupyter_mlops.analysis.functions import Arguments
from jupyter_mlops.analysis.heap import Scope, Val
from jupyter_mlops.analysis.machine import Machine
from jupyter_mlops.analysis.namespace import barrier

__all__ = ["call"]

_HARMLESS = frozenset(
    {"pwd", "ls", "ll", "lsmagic", "quickref", "precision", "page", "man", "colors", "xmode", "pdb", "autosave",
     "magic", "doctest_mode", "automagic", "config", "load_ext", "reload_ext", "unload_ext", "autoreload", "aimport",
     "pylab", "matplotlib", "logstart", "logstop", "tb", "alias", "unalias", "alias_magic", "rehashx", "bookmark",
     "dhist", "dirs", "html", "HTML", "javascript", "js", "latex", "markdown", "svg", "SVG"}
)  # fmt: skip
_SETUP = frozenset(
    {"load_ext", "reload_ext", "autoreload", "config", "aimport", "xmode", "precision", "colors", "alias", "unalias",
     "alias_magic", "rehashx"}
)  # fmt: skip
_SHOW = frozenset({"pinfo", "pinfo2", "psource", "pdoc", "pfile", "pdef"})
_HISTORY = frozenset(
    {"history", "hist", "recall", "rep", "rerun", "macro", "save", "notebook", "pastebin", "edit", "popd"}
)
_QUIET = frozenset({"set_next_input", "find_magic", "find_line_magic", "find_cell_magic", "has_trait", "get_parent"})
"""Methods of IPython's shell that change nothing."""
_SHELLS = frozenset({"bash", "sh", "script", "system", "sx", "!", "perl", "ruby", "cmd", "js", "python2"})
_READ_ALL = frozenset({"who", "who_ls", "whos", "psearch", "pprint"})
_PYTHON = frozenset({"timeit", "time", "prun", "memit", "mprun", "lprun", "snakeviz", "debug", "python", "python3"})
_NAME = re.compile(r"\$\{?([A-Za-z_]\w*)|(?<!\{)\{([^{}]+)\}")


def call(machine: Machine, qual: str, arguments: Arguments, node: ast.Call, scope: Scope | None) -> Val:
    """A call of ``get_ipython()`` or of one of its methods."""
    if qual == "get_ipython":
        return Val("builtin", qual="get_ipython()")
    method = qual.rpartition(".")[2]
    texts = [value.const if isinstance(value.const, str) else "" for value in arguments.positional]
    if method in ("system", "getoutput", "getoutput_pexpect", "system_piped", "system_raw"):
        return _command(machine, texts[0] if texts else "", scope)
    if method in ("run_line_magic", "run_cell_magic") and texts:
        return _magic(machine, texts[0], " ".join(texts[1:2]), texts[2] if len(texts) > 2 else "", scope)
    if method in ("run_cell", "run_cell_async", "run_code", "ex", "ev", "push", "drop_by_id", "safe_execfile", "reset"):
        barrier(machine, f"get_ipython().{method}() may use it")
    elif ".events." in qual:
        _remember(machine, "registers a function that IPython calls at each cell")
    elif method not in _QUIET:
        hidden.sets(machine, "ipython")
    return Val("module", qual=f"{qual}()")


def _remember(machine: Machine, text: str) -> None:
    """What comes of the cell depends on which cells the kernel runs."""
    machine.recorder.once(text)
    if machine.recorder.cell.history is None:
        machine.recorder.cell.history = machine.recorder.cause(text)


def _command(machine: Machine, text: str, scope: Scope | None) -> Val:
    _read_interpolated(machine, text, scope)
    machine.report(
        "MLO021",
        "A shell command may read and write any file",
        hint="Steps that touch files keep their order around it; write files from Python to run steps in parallel.",
    )
    hidden.any_file(machine, "runs a shell command, which may touch any file")
    return machine.fresh(ast.Pass(), "list")


def _read_interpolated(machine: Machine, text: str, scope: Scope | None) -> None:
    for match in _NAME.finditer(text):
        try:
            node = ast.parse((match[1] or match[2]).strip(), mode="eval").body
        except (SyntaxError, ValueError):
            continue
        names = {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}
        if all(name in machine.recorder.names or machine.is_builtin(name) for name in names):
            machine.retain([node])
            machine.evaluate(node, scope)


def _magic(machine: Machine, name: str, line: str, body: str, scope: Scope | None) -> Val:
    if name in _SHELLS:
        _command(machine, body or line, scope)
        return Val()
    if name in _READ_ALL:
        barrier(machine, f"%{name} lists it", changes=False)
        return Val()
    if name in _PYTHON:
        return _python(machine, name, body or _code_of(line), scope)
    if name == "capture":
        return Val("IPython.utils.capture.CapturedIO")
    if name in ("writefile", "file"):
        _write_file(machine, line)
        return Val()
    if name in ("env", "set_env"):
        return _environment(machine, line)
    if name in ("cd", "pushd", "popd"):
        words = [word for word in line.split() if not word.startswith("-")]
        plain = len(words) == 1 and name != "popd" and not re.search(r"[${~]", line)
        hidden.enters(machine, words[0].strip("'\"") if plain else None)
    if name in _HISTORY:
        _remember(machine, f"asks IPython for what ran before (%{name})")
    if name in _SHOW:
        _read_shown(machine, line, scope)
    if name in ("cd", "pushd") or name in _HISTORY or name in _SHOW:
        return Val()
    if name in _HARMLESS:
        return _harmless(machine, name, line)
    machine.report(
        "MLO020",
        f"The magic %{name} is not known; it is assumed to read and change everything",
        hint="If it only shows something, put it into a cell tagged `skip`.",
    )
    barrier(machine, f"%{name} may use it")
    return Val()


def _read_shown(machine: Machine, line: str, scope: Scope | None) -> None:
    """``%pinfo frame.head``: the object is looked at."""
    match = re.match(r"\s*([A-Za-z_]\w*)((?:\.\w+)*)", line)
    if match is not None and match[1] in machine.recorder.names:
        node = ast.parse(match[0].strip(), mode="eval").body
        machine.retain([node])
        machine.evaluate(node, scope)


def _harmless(machine: Machine, name: str, line: str) -> Val:
    if name in _SETUP:
        hidden.sets(machine, "ipython")
    if name == "config" and "close_figures" in line:
        machine.recorder.touch("$backend", "lets figures stay open from cell to cell", reads=False)
    if name == "matplotlib" or name == "pylab":
        hidden.sets(machine, "options:matplotlib")
        if line.strip() not in ("", "inline"):
            machine.recorder.touch("$backend", "chooses a backend", reads=False)
    return Val()


def _code_of(line: str) -> str:
    words = line.split(" ")
    while words and words[0].startswith("-"):
        words.pop(0)
    return " ".join(words)


def _python(machine: Machine, name: str, text: str, scope: Scope | None) -> Val:
    """Python code given to a magic: its names stay its own (``%%timeit``)."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return Val()
    machine.retain(body)
    machine.conditional += 1
    machine.execute(body, Scope({}, scope))
    machine.conditional -= 1
    if name in ("timeit", "memit"):
        hidden.volatile(machine, "clock")
    return Val()


def _write_file(machine: Machine, line: str) -> None:
    words = line.split()
    path = Val("str", const=words[-1]) if words and "{" not in words[-1] and "$" not in words[-1] else Val("str")
    (hidden.appends if "-a" in words else hidden.writes)(machine, hidden.path_of(path))


def _environment(machine: Machine, line: str) -> Val:
    if "=" in line or len(line.split()) > 1:
        hidden.sets(machine, "env")
    else:
        machine.recorder.use("$env", "reads the environment")
    return Val("str")
