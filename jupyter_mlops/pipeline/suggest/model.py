"""What a proposal says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["CellSuggestion", "Suggestion"]


@dataclass(frozen=True, slots=True)
class CellSuggestion:
    """What is proposed for a code cell.

    Args:
        cell: Id of the cell.
        number: Its number on the page, counted from 1 over all cells.
        step: Name of the step it would belong to; None for what is replayed or skipped.
        add: Tags to add; empty where the cell stays as it is.
        reason: One line: why.
    """

    cell: str
    number: int
    step: str | None
    add: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Tags that make a pipeline of a notebook.

    Args:
        name: Of the pipeline.
        steps: Names of the steps, in their order.
        cells: One for each code cell, in the order of the page.
        valid: Whether the notebook with these tags is a valid pipeline; if not, it is none without them either.
    """

    name: str
    steps: tuple[str, ...]
    cells: tuple[CellSuggestion, ...]
    valid: bool = True

    @property
    def tags(self) -> dict[int, tuple[str, ...]]:
        """The tags to add, by the cell's position counted from 0."""
        return {item.number - 1: item.add for item in self.cells if item.add}

    def to_json(self) -> dict[str, Any]:
        """Return what ``suggest --format json`` prints."""
        return {
            "schema": 1,
            "name": self.name,
            "valid": self.valid,
            "steps": list(self.steps),
            "cells": [
                {
                    "cell": item.cell,
                    "number": item.number,
                    "step": item.step,
                    "add": list(item.add),
                    "reason": item.reason,
                }
                for item in self.cells
            ],
        }
