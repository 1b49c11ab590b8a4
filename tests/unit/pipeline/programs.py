"""Random small notebooks: every statement runs, many of them share and change objects across cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from templates import ACTIONS, CLASSES, FUNCTIONS, IMPORTS, MAKERS, NAMES, SHOWN, START, STATE

__all__ = ["notebooks"]

Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass
class _Writer:
    """Writes statements whose variables are bound."""

    draw: Draw
    bound: dict[str, list[str]] = field(default_factory=dict)

    def _fill(self, template: str) -> str | None:
        out = ""
        while True:
            place = template.find("{")
            if place < 0:
                return out + template
            end = template.find("}", place)
            word = template[place + 1 : end]
            if template.startswith("{{", place):
                out, template = out + template[:place] + "{", template[place + 2 :]
                continue
            if word == "N":
                text = str(self.draw(st.integers(0, 4)))
            elif word in NAMES:
                if not self.bound.get(word):
                    return None
                text = self.draw(st.sampled_from(self.bound[word]))
            else:
                return None
            out, template = out + template[:place] + text, template[end + 1 :]

    def statement(self) -> str:
        """One more statement."""
        if self.draw(st.integers(0, 9)) < 5:
            kind = self.draw(st.sampled_from(sorted(NAMES)))
            text = self._expand(self.draw(st.sampled_from(MAKERS[kind])))
            if text is not None:
                name = self.draw(st.sampled_from(NAMES[kind]))
                self.bound[kind] = sorted({*self.bound.get(kind, ()), name})
                return f"{name} = {text}"
        text = self._expand(self.draw(st.sampled_from(ACTIONS)))
        return text if text is not None else f"note({self.draw(st.integers(0, 4))})"

    def shown(self) -> str:
        """An expression to end a cell with."""
        return self._expand(self.draw(st.sampled_from(SHOWN))) or "factor"

    def _expand(self, template: str) -> str | None:
        text = self._fill(template)
        return None if text is None else text.replace("}}", "}")


@st.composite
def notebooks(draw: Draw) -> list[tuple[str, str]]:
    """Tags and sources of a notebook that runs, or nearly always does."""
    writer = _Writer(
        draw,
        # what START binds
        {
            "int": ["n"],
            "list": ["a"],
            "nested": ["grid"],
            "dict": ["d"],
            "box": ["p"],
            "fun": ["f"],
            "text": ["t"],
            "array": ["x"],
            "frame": ["df"],
            "set": ["s"],
        },
    )
    definitions = "\n".join([*draw(st.permutations(FUNCTIONS)), *CLASSES])
    role = draw(st.sampled_from(["functions", "functions", "step:defs"]))
    cells = [("imports", IMPORTS)]
    if draw(st.booleans()):
        cells.append((role, f"{STATE}\n{definitions}"))
    else:
        cells += [
            (role, definitions),
            (draw(st.sampled_from(["setup", "step:state", "step:state", "parameters"])), STATE),
        ]
    cells.append(("step:start", START))
    for number in range(draw(st.integers(2, 5))):
        lines = [writer.statement() for _ in range(draw(st.integers(1, 4)))]
        if draw(st.booleans()):
            lines.append(writer.shown())
        tag = "" if draw(st.integers(0, 5)) == 0 else f"step:s{number}"
        cells.append((tag, "\n".join(lines)))
    return cells
