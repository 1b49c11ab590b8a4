"""Registered models."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops import api
from jupyter_mlops.errors import UsageError
from jupyter_mlops.server.handlers.base import Handler
from jupyter_mlops.tracking import model_forms as forms

__all__ = ["AliasHandler", "ModelHandler", "ModelVersionHandler", "ModelsHandler"]


class ModelsHandler(Handler):
    """``models``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """List them; there are none where there is no store yet."""
        home = self.home()
        found = await self.in_thread(api.models, home=home) if (home / "mlops.db").is_file() else ()
        self.answer({"schema": forms.SCHEMA, "models": [forms.model_json(item) for item in found]})

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Register what a run made."""
        wish = self.body("RegisterRequest")
        home = self.home(wish.get("path", ""))
        done = await self.in_thread(
            api.register_model,
            wish["source"],
            wish["name"],
            description=wish.get("description"),
            aliases=tuple(wish.get("aliases", ())),
            home=home,
        )
        version = forms.version_json(done.version)
        answer = {"schema": forms.SCHEMA, "new": done.is_new, "version": version, "notes": list(done.notes)}
        self.answer(answer, 201 if done.is_new else 200)
        self.panel.store_changed(home)


class ModelHandler(Handler):
    """``models/NAME``."""

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        """Return all of it, and of one of its versions."""
        reference = _reference(name, self.text_argument("version"))
        found = await self.in_thread(api.model_details, reference, home=self.home())
        self.answer(forms.details_json(found))

    @web.authenticated
    @authorized
    async def patch(self, name: str) -> None:
        """Describe it, or one of its versions."""
        wish = self.body("ModelDescription")
        home = self.home()
        reference = _reference(name, wish.get("version"))
        await self.in_thread(api.describe_model, reference, wish["description"], home=home)
        description = wish["description"] or None
        self.answer({"schema": forms.SCHEMA, "reference": reference, "description": description})
        self.panel.store_changed(home)

    @web.authenticated
    @authorized
    async def delete(self, name: str) -> None:
        """Forget it with all its versions."""
        await _remove(self, name)


class ModelVersionHandler(Handler):
    """``models/NAME/VERSION``."""

    @web.authenticated
    @authorized
    async def delete(self, name: str, version: str) -> None:
        """Forget a version."""
        await _remove(self, f"{name}/{version}")


class AliasHandler(Handler):
    """``models/NAME/aliases/ALIAS``."""

    @web.authenticated
    @authorized
    async def put(self, name: str, alias: str) -> None:
        """Let it stand for a version."""
        wish = self.body("AliasRequest")
        home = self.home()
        version, notes = await self.in_thread(api.set_model_alias, name, wish["version"], alias, home=home)
        self.answer({"schema": forms.SCHEMA, "version": forms.version_json(version), "notes": list(notes)})
        self.panel.store_changed(home)

    @web.authenticated
    @authorized
    async def delete(self, name: str, alias: str) -> None:
        """Take it away."""
        home = self.home()
        await self.in_thread(api.remove_model_alias, name, alias, home=home)
        self.answer({"schema": forms.SCHEMA, "model": name, "removed": alias})
        self.panel.store_changed(home)


async def _remove(handler: Handler, reference: str) -> None:
    home = handler.home()
    done = await handler.in_thread(api.remove_model, reference, force=handler.flag_argument("force"), home=home)
    handler.answer(forms.removal_json(done))
    handler.panel.store_changed(home)


def _reference(name: str, version: Any) -> str:
    """The model, or the version that is meant.

    Raises:
        UsageError: The name holds what parts names from versions.
    """
    if "@" in name or "/" in name:
        raise UsageError(f'There is no model "{name}".')
    return name if version is None else f"{name}@{version}"
