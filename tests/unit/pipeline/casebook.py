"""How a case is written: a small notebook with the answer beside each cell.

A case is sound if nothing of the answer is missing, exact if there is nothing else. Steps are called a, b, c …
in the order of the page. Imports, plain functions and plain classes are replayed as code and never listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from building import Cells

__all__ = ["BOTH", "FRAME", "NUMPY", "PANDAS", "Case", "Part", "case", "functions", "imports", "setup"]


@dataclass(frozen=True)
class Part:
    """One cell.

    Args:
        takes: Variables it takes from earlier steps.
        gives: Variables that later steps take from it.
        changes: Those of ``takes`` that it changes in place.
        hidden: Hidden state it shares with other steps.
        tags: The cell's tags; empty: a step of its own.
    """

    source: str
    takes: str = ""
    gives: str = ""
    changes: str = ""
    hidden: str = ""
    tags: str = ""


@dataclass(frozen=True)
class Case:
    """A notebook and the answer.

    Args:
        edges: Pairs of steps, such as ``ab bc``.
        exact: Whether an answer that is larger than needed is a failure.
        told: Code of the diagnostic that must be there.
        refused: Whether a value that can't be saved crosses, so that the run must say so.
        runs: Whether to run it both ways and compare.
        files: Files that lie beside the notebook.
    """

    name: str
    parts: tuple[Part, ...]
    edges: str = ""
    exact: bool = True
    told: str = ""
    refused: bool = False
    runs: bool = True
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def cells(self) -> Cells:
        """Tags and source of each cell."""
        return [(tags, part.source) for tags, part in zip(self._tags(), self.parts, strict=True)]

    @property
    def steps(self) -> dict[str, Part]:
        """The first cell of each step, which tells the answer for the whole step, by slug."""
        found: dict[str, Part] = {}
        for tags, part in zip(self._tags(), self.parts, strict=True):
            if tags.startswith("step:"):
                found.setdefault(tags.split()[0].removeprefix("step:"), part)
        return found

    def _tags(self) -> list[str]:
        letters = iter("abcdefghijklmnop")
        return [part.tags or f"step:{next(letters)}" for part in self.parts]


def case(name: str, *parts: Part, **answer: Any) -> Case:
    """A case; ``answer`` are fields of ``Case``."""
    return Case(name, parts, **answer)


def imports(source: str) -> Part:
    return Part(source, tags="imports")


def functions(source: str) -> Part:
    return Part(source, tags="functions")


def setup(source: str) -> Part:
    return Part(source, tags="setup")


NUMPY = imports("import numpy as np")
PANDAS = imports("import pandas as pd")
BOTH = imports("import numpy as np\nimport pandas as pd")
FRAME = "df = pd.DataFrame({'price': [1.0, 2.0, 3.0]})"
