"""``%load_ext jupyter_mlops``: runs, steps and comparisons in the live notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Give a live notebook the magic ``%mlops``."""
    from jupyter_mlops.magics.line import MlopsMagics

    shell: Any = ipython
    magics = MlopsMagics(shell)
    shell.register_magics(magics)
    shell.set_hook("complete_command", magics.complete, str_key="%mlops")


def unload_ipython_extension(ipython: InteractiveShell) -> None:
    """Take the magic away."""
    shell: Any = ipython
    shell.magics_manager.magics["line"].pop("mlops", None)
    shell.strdispatchers["complete_command"].strs.pop("%mlops", None)
