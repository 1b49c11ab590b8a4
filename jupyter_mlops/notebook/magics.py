"""A cell's source as plain Python, line for line: IPython's syntax taken apart.

- ``%%time``, ``%%capture out``, ``%%prun`` and others whose body is Python of the user's namespace give
  way to their body; what ``%%capture out`` binds becomes an assignment on a line after the last.
- ``%time x = f()`` and ``%prun f()`` give way to the statement.
- Lines that install packages become ``pass`` (``pass; sys.executable`` where they read that) and are listed.
- Lines with this project's own magic, and those that load it, give way to nothing: they are for the live notebook.
- Everything else becomes the call that IPython makes of it.
"""

from __future__ import annotations

import ast
import bisect
import re
import warnings
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from jupyter_mlops.notebook.installs import read_install
from jupyter_mlops.notebook.model import Magic, PythonSource
from jupyter_mlops.notebook.ownmagics import EXTENSION, OWN_MAGIC, is_own_magic

__all__ = ["UNWRAPPED_CELL_MAGICS", "UNWRAPPED_LINE_MAGICS", "python_source", "without_own_magics"]

UNWRAPPED_LINE_MAGICS = {
    "time": "",
    "prun": "D:l:rs:T:q",
    "memit": "r:t:i:co",
    "lprun": "rsf:m:D:T:u:z",
    "mprun": "rf:T:c",
}
"""Line magics that run a statement in the user's namespace, with their options as getopt writes them."""

UNWRAPPED_CELL_MAGICS = frozenset({"time", "capture", "prun", "memit", "snakeviz", "debug", "pyinstrument", "wandb"})
"""Cell magics whose body is run as Python in the user's namespace."""

_PYLAB = (
    "import numpy, matplotlib; from matplotlib import pylab, mlab, pyplot; np = numpy; plt = pyplot; "
    "from IPython.display import display; from IPython.core.pylabtools import figsize, getfigs"
)
_PYLAB_STARS = "; from numpy import *; from matplotlib.pylab import *"
"""What ``%pylab`` binds, as IPython's pylabtools does it."""

_SCRIPTS = frozenset(
    {"script", "bash", "sh", "perl", "ruby", "python", "python2", "python3", "pypy", "system", "sx", "cmd"}
)
_KEPT = re.compile(r"--(?:out|err)[ =](\w+)")

_FLAGS = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_MAX_NESTING = 20
_MAX_TRANSFORMS = 500  # IPython itself gives up there
_PROMPT = re.compile(r"\s*>>>( |$)|((\[nav\]|\[ins\])? )?In \[\d+\]: |\s*\.{3,}:")
# a line where IPython's syntax may begin or end; most such lines are plain Python all the same
_CANDIDATE = re.compile(r"\s*[%!?,;/]|.*=\s*[%!]|.*\?\s*$")
_TEXT = r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\""
_CALL = re.compile(
    rf"(?P<target>.*?)get_ipython\(\)\.(?P<method>run_line_magic|system|getoutput)"
    rf"\((?P<values>({_TEXT})(, ({_TEXT}))?)\)\s*"
)
_OWN_LINE = re.compile(r"(?P<target>\s*(?:.*=\s*(?=%))?)")
_AUTOMAGIC = re.compile(
    r"\s*(cd|conda|mamba|pip|uv|ls|ll|cat|cp|mv|rm|rmdir|mkdir|env|set_env|run|time|timeit|prun"
    r"|mlops|matplotlib|load_ext|reload_ext|autoreload|reset|store|config)\s+[^\s=(.,\[]"
)


@dataclass
class _Unwrapped:
    """Plain lines of a cell, growing as its magics are taken apart.

    Args:
        lines: Without line ends; line k of the cell is item k-1, bindings may follow.
        bindings: Assignments to append after the last line.
    """

    lines: list[str] = field(default_factory=list)
    magics: list[Magic] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)
    bindings: list[str] = field(default_factory=list)

    def take(self, statement: PythonSource, line: int) -> str:
        """Return the statement's text and take over what was found in it."""
        self.magics += [replace(magic, line=line) for magic in statement.magics]
        self.requirements += statement.requirements
        return statement.text


@lru_cache(2048)
def python_source(source: str) -> PythonSource:
    """Return a cell's source as plain Python, line for line.

    Args:
        source: The cell as the notebook has it. IPython's syntax is understood as the kernel does.

    Returns:
        The Python, with what was taken out of it. Source that is neither Python nor IPython's comes back as
        it is, as far as it could be understood.
    """
    if _is_python(source):
        return PythonSource(source)
    result = _Unwrapped()
    _unwrap(_lines(source), 0, result, 0)
    ending = "\n" if source.endswith(("\n", "\r")) or result.bindings else ""
    text = "\n".join([*result.lines, *result.bindings]) + ending
    return PythonSource(text, tuple(result.magics), tuple(dict.fromkeys(result.requirements)))


def without_own_magics(source: str) -> str:
    """Return a cell's source with this project's own magics taken out, line for line, and all else as it is."""
    if OWN_MAGIC not in source and EXTENSION not in source:
        return source
    own = [
        item for item in python_source(source).magics if item.kind == "line" and is_own_magic(item.name, item.arguments)
    ]
    if not own:
        return source
    lines = _lines(source)
    for magic in own:
        written = lines[magic.line - 1]
        match = _OWN_LINE.match(written)
        last = magic.line
        while lines[last - 1].endswith("\\") and last < len(lines):
            last += 1
        lines[magic.line - 1] = _nothing(match["target"] if match else "").removesuffix("\n")
        lines[magic.line : last] = [""] * (last - magic.line)
    return "\n".join(lines) + ("\n" if source.endswith("\n") else "")


def _nothing(target: str) -> str:
    """What stands in for a line without effect: ``target`` is its indentation, or ``name = ``."""
    if target.strip():
        return f"{target}None\n"
    return f"{target}pass\n" if target else "\n"


def _lines(source: str) -> list[str]:
    """Split at Python's line ends only; ``str.splitlines`` knows more."""
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" and len(lines) > 1 else lines


def _is_python(source: str) -> bool:
    return _parse(source) is not None and not any(_PROMPT.match(line) for line in source.split("\n", 2)[:2])


def _parse(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree: Any = compile(source, "<cell>", "exec", _FLAGS, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None
    return tree if isinstance(tree, ast.Module) else None


def _unwrap(lines: list[str], offset: int, result: _Unwrapped, depth: int) -> None:
    """Append the plain form of ``lines``, which begin ``offset`` lines below the top of the cell."""
    if _is_python("\n".join(lines)):
        result.lines += lines
        return
    blank = next((index for index, line in enumerate(lines) if line.strip()), len(lines))
    result.lines += [""] * blank
    lines = _cleaned(lines[blank:])
    if not lines:
        return
    first = lines[0]
    if first.startswith("%%") and not re.match(r"%%\w+\?", first) and depth < _MAX_NESTING:
        _unwrap_cell_magic(lines, offset + blank, result, depth)
        return
    if len(lines) == 1 and _AUTOMAGIC.match(first):
        lines = [re.sub(r"^(\s*)", r"\1%", first)]
    if any(_CANDIDATE.match(line) for line in lines):
        lines = _Transform(lines, offset + blank, result).run()
    result.lines += lines


def _cleaned(lines: list[str]) -> list[str]:
    """Take away the first line's indentation and pasted prompts, as IPython does."""
    indentation = lines[0][: len(lines[0]) - len(lines[0].lstrip(" \t"))] if lines else ""
    lines = [line.removeprefix(indentation) for line in lines]
    if not any(_PROMPT.match(line) for line in lines[:2]):
        return lines
    ended = [line + "\n" for line in lines]
    for transform in _transformer_manager().cleanup_transforms[2:]:  # behind empty lines and indentation
        ended = transform(ended)
    return [line.removesuffix("\n") for line in ended]


def _unwrap_cell_magic(lines: list[str], offset: int, result: _Unwrapped, depth: int) -> None:
    name, _, arguments = lines[0][2:].rstrip().partition(" ")
    body = lines[1:]
    if name not in UNWRAPPED_CELL_MAGICS:
        text = "\n".join(body) + "\n" if body else ""
        result.lines += [f"get_ipython().run_cell_magic({name!r}, {arguments!r}, {text!r})", *[""] * len(body)]
        result.magics.append(Magic("cell", name, offset + 1, arguments, text))
        if name in _SCRIPTS:  # what the program prints is bound where it is asked for
            result.bindings += [f"{target} = str()" for target in _KEPT.findall(arguments) if target.isidentifier()]
        return
    statement = _statement(name, arguments) if name in ("prun", "memit") else None
    result.lines.append(result.take(statement, offset + 1) if statement else "")
    if body:
        _unwrap(body, offset + 1, result, depth + 1)
    target = next((word for word in arguments.split() if not word.startswith("-")), "")
    if name == "capture" and target.isidentifier():
        result.bindings.append(f"{target} = get_ipython().run_cell_magic('capture', {target!r}, '')")


def _statement(name: str, arguments: str) -> PythonSource | None:
    """Return the statement that a magic's line ends with, or None where there is none that is Python."""
    options = UNWRAPPED_LINE_MAGICS[name]
    text = re.sub(r"^--no-raise-error\b\s*", "", arguments.strip()) if name == "time" else arguments.strip()
    prefix = ""
    while (found := re.match(r"-([A-Za-z])(\S*)\s*", text)) and found[1] in options:
        letter, value = found[1], found[2]
        text = text[found.end() :]
        if f"{letter}:" in options and not value:
            value, _, text = text.partition(" ")
        if letter == "f" and _parse(value):  # a function to profile line by line, which is read
            prefix += f"{value}; "
        text = text.strip()
    if text.startswith("%") and text.count("%") > _MAX_NESTING:
        return None
    plain = python_source(text)
    is_statement = text and "\n" not in plain.text and _parse(plain.text) is not None
    return replace(plain, text=prefix + plain.text) if is_statement else None


class _Transform:
    """Applies IPython's token transformations, which know strings and brackets, without moving a line.

    Each transformation makes the tokens after it new, so only a window of the cell is tokenised at a
    time: from the last statement known to begin at the margin to the next line that may hold magic.

    Args:
        lines: Lines without IPython's cell magic.
        offset: How many lines of the cell are above them.
        result: Where magics and requirements are noted.
    """

    def __init__(self, lines: list[str], offset: int, result: _Unwrapped) -> None:
        self.lines = [line + "\n" for line in lines]
        self.offset = offset
        self.result = result
        self.manager = _transformer_manager()
        self.start = 0

    def run(self) -> list[str]:
        """Transform the lines; there are as many as before."""
        candidates = [index for index, line in enumerate(self.lines) if _CANDIDATE.match(line)]
        for _ in range(_MAX_TRANSFORMS):
            changed = self._next(candidates)
            if changed is None:
                break
            candidates = candidates[bisect.bisect_right(candidates, changed) :]
        return [line.removesuffix("\n") for line in self.lines]

    def _next(self, candidates: list[int]) -> int | None:
        """Transform the first magic at or after the start, and return its line."""
        span = 1
        while candidates:
            end = candidates[min(span, len(candidates)) - 1]
            while self.lines[end].endswith("\\\n") and end + 1 < len(self.lines):
                end += 1
            changed = self._try(end)
            if changed is not None:
                return changed
            if span >= len(candidates):
                return None
            span *= 2  # the candidate is inside of a string or of brackets
        return None

    def _try(self, end: int) -> int | None:
        window = self.lines[self.start : end + 1]
        try:
            is_changed, new = self.manager.do_one_token_transform(window)
        except Exception:  # the tokenizer's own answers to text that is no code are many
            if self.start == 0:
                return None
            self.start = 0  # perhaps the margin was none: a bracket's last line
            return self._try(end)
        if not is_changed or new == window:
            return None
        at = next((index for index, line in enumerate(new) if line != window[index]), len(new) - 1)
        new = [*new[: at + 1], *["\n"] * (len(window) - len(new)), *new[at + 1 :]]
        is_at_margin = not window[at][:1].isspace()
        at += self.start
        self.lines[self.start : end + 1] = new
        self.lines[at] = self._taken_apart(self.lines[at], self.offset + at + 1)
        if is_at_margin:
            self.start = at + 1
        return at

    def _taken_apart(self, line: str, number: int) -> str:
        """Return what a line that IPython made is to be here, and note what it was."""
        call = _CALL.match(line)
        if call is None:  # such as `,f a b`, which is f("a", "b")
            return line
        target, method = call["target"], call["method"]
        values = ast.literal_eval(f"({call['values']},)")
        name, arguments = values if method == "run_line_magic" else ("!", values[0])
        if is_own_magic(name, arguments):
            self.result.magics.append(Magic("line", name, number, arguments))
            return _nothing(target)
        command = arguments if name == "!" else f"{name} {arguments}"
        install = read_install(command)
        if install is not None:
            self.result.requirements += install.requirements
            if install.is_all and not target.strip():
                return target + ("pass; sys.executable\n" if install.reads_sys else "pass\n")
        plain = self._inlined(target, name, arguments, number) if name in UNWRAPPED_LINE_MAGICS else None
        if plain is not None:
            return plain
        self.result.magics.append(Magic("shell" if name == "!" else "line", name, number, arguments))
        if name == "pylab" and not target.strip():
            stars = "" if "--no-import-all" in arguments else _PYLAB_STARS
            return f"{line.rstrip()}; {_PYLAB}{stars}\n"
        return line

    def _inlined(self, target: str, name: str, arguments: str, number: int) -> str | None:
        statement = _statement(name, arguments)
        if statement is None:
            return None
        if not target.strip():
            return target + self.result.take(statement, number) + "\n"
        tree = _parse(statement.text)
        value = tree.body[0] if tree and len(tree.body) == 1 else None
        if name != "time" or not isinstance(value, ast.Expr):
            return None
        self.result.take(statement, number)
        return f"{target}({ast.get_source_segment(statement.text, value.value)})\n"


def _transformer_manager() -> Any:
    from IPython.core import inputtransformer2

    factory: Any = inputtransformer2.TransformerManager  # has no type hints
    return factory()
