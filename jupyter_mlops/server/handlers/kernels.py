"""Kernels' environments."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops.api.kernels import KernelNeeds, examine_kernel
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.server.handlers.base import Handler

__all__ = ["CureHandler", "KernelHandler"]


class KernelHandler(Handler):
    """``kernel``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return whether an environment has what steps need."""
        place, home = self.panel.places.resolve(self.text_argument("path")), self.home()
        self.answer(await self.in_thread(_found, self.text_argument("kernel"), place, home))


class CureHandler(Handler):
    """``kernel/cure``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Install what is missing, as a job."""
        wish = self.body("CureRequest")
        place = self.panel.places.resolve(wish.get("path"))
        name = wish.get("kernel") or await self.in_thread(_kernel_of, place)
        home = self.home(wish.get("path", ""))
        order = {"task": "cure", "kind": "cure", "path": wish.get("path", ""), "kernel": name, "parameters": {}}
        cwd = self.panel.places.folder(wish.get("path"))
        self.answer(self.panel.start_job(home, order, cwd).state.to_json(), 201)


def _found(kernel: str | None, place: Path, home: Path) -> dict[str, Any]:
    name = kernel or _kernel_of(place)
    try:
        return _json(examine_kernel(name, home=home))
    except MlopsError as error:
        gone = KernelNeeds(name, None, None, reason=error.message)
        return _json(gone)


def _kernel_of(place: Path) -> str:
    """The kernel that a notebook's file names."""
    try:
        metadata = json.loads(place.read_text(encoding="utf-8"))["metadata"]
        return str(metadata["kernelspec"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return "python3"


def _json(needs: KernelNeeds) -> dict[str, Any]:
    cure = {"command": shlex.join(needs.command), "packages": [item.name for item in needs.missing]}
    return {
        "kernel": needs.name,
        "label": needs.name,
        "interpreter": None if needs.interpreter is None else needs.interpreter[0],
        "python": needs.python,
        "ok": needs.is_fit,
        "missing": [{"name": item.name, "required": item.required, "reason": item.reason} for item in needs.missing],
        "reason": needs.reason,
        "cure": cure if needs.command else None,
    }
