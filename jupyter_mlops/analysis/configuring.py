"""Functions that the table doesn't list and that, by their names, set up a library or the process."""

from __future__ import annotations

import re

from jupyter_mlops.analysis import hidden
from jupyter_mlops.analysis.machine import Machine

__all__ = ["CONFIGURED", "configure", "configures"]

CONFIGURED = "configured:"
"""What this state is called, before the name of the library: each cell below depends on it."""

_SETS_UP = re.compile(
    r"(set|register|unregister|enable|disable|use|configure|config|install|activate|deactivate|init|initialize|patch"
    r"|unpatch|monkey_patch|extension|output_notebook|go_offline|go_online|setup)(_\w*)?|(set|register|enable)[A-Z]\w*"
    r"|\w+_(config|defaults|theme|style|options?|verbosity)|pandas"
)
_SEEDS = re.compile(r"(manual_|random_|set_|set_random_|set_global_|fix_|seed_)?(seed|everything)s?(_all|_everything)?")


def configures(machine: Machine, qual: str) -> bool:
    """Tell whether a call of this name, whose result nobody takes, is there to set something up."""
    top, _, name = qual.rpartition(".")
    if not top or top.partition(".")[0] in machine.environment.modules:
        return False
    return _SETS_UP.fullmatch(name) is not None and machine.effects.function(machine.resolve(qual)) is None


def configure(machine: Machine, qual: str) -> None:
    """A function that the table doesn't list is called for what it does alone."""
    top, name = qual.partition(".")[0], qual.rpartition(".")[2]
    if _SEEDS.fullmatch(name) and top not in machine.environment.modules:
        # the state of its generator can't be taken along, and seeding it again elsewhere would give other numbers
        machine.recorder.once("seeds a random generator")
        machine.recorder.touch(f"$module:{top}", f"seeds a generator of {top}", reads=False)
    elif configures(machine, qual):
        hidden.sets(machine, CONFIGURED + top)
