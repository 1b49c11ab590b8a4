"""Random numbers that differ from run to run."""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_mlops.analysis.model import NotebookFacts

__all__ = ["unseeded_draws"]

_RNG = "$rng:"


def unseeded_draws(facts: NotebookFacts, cells: Iterable[int]) -> tuple[str, ...]:
    """Return the global generators that these cells may draw from before anything has surely seeded them."""
    seeded: dict[str, int] = {}
    for version in facts.versions:
        if version.name.startswith(_RNG) and version.cause.text.startswith("seeds") and not version.previous:
            generator, time = version.name[len(_RNG) :], facts.times.get(version.cell, version.cell)
            seeded[generator] = min(seeded.get(generator, time), time)
    return tuple(
        sorted(
            {
                generator
                for cell in cells
                for generator in facts.cells[cell].draws
                if generator not in seeded or seeded[generator] > facts.times.get(cell, cell)
            }
        )
    )
