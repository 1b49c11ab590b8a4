"""Deployments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops.api import panel as asked
from jupyter_mlops.server import deployments as forms
from jupyter_mlops.server.handlers.base import Handler

__all__ = ["DeploymentHandler", "DeploymentsHandler", "LiveHandler"]


class DeploymentsHandler(Handler):
    """``deployments``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """List them; there are none where there is no store yet."""
        talks, home = forms.talks(), self.home()
        self.answer({"deployments": await self.in_thread(_listed, talks, home)})

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Let a model answer requests."""
        talks, wish = forms.talks(), self.body("DeployRequest")
        home = self.home(wish.get("path", ""))

        def deploy() -> Any:
            reason, force = wish.get("reason"), bool(wish.get("force"))
            return talks.deploy(forms.request_of(wish), reason=reason, force=force, home=home)

        self.answer(await self.in_thread(_changed, deploy, home), 201)
        self.panel.deployments_changed(home)


class DeploymentHandler(Handler):
    """``deployments/NAME/ACTION``."""

    @web.authenticated
    @authorized
    async def post(self, name: str, action: str) -> None:
        """Change one, or try it."""
        talks, home = forms.talks(), self.home()
        if action == "try":
            rows = self.body("TryRequest").get("rows")
            self.answer(await self.in_thread(_tried, talks, name, rows, home))
            return
        wish = self.body("DeploymentChange" if action != "weights" else "WeightsRequest")

        def change() -> Any:
            reason = wish.get("reason")
            if action == "promote":
                return talks.promote(name, version=wish.get("version"), reason=reason, home=home)
            if action == "rollback":
                return talks.roll_back(name, to=wish.get("version"), reason=reason, home=home)
            if action == "stop":
                return talks.stop_deployment(name, reason=reason, home=home)
            weights = {int(version): round(weight) for version, weight in wish["weights"].items()}
            return talks.set_weights(name, weights, reason=reason, home=home)

        self.answer(await self.in_thread(_changed, change, home))
        self.panel.deployments_changed(home)


class LiveHandler(Handler):
    """``deployments/NAME/live``."""

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        """Return how it does."""
        talks, home = forms.talks(), self.home()
        self.answer(forms.live_json(await self.in_thread(talks.live, name, home=home)))


def _listed(talks: Any, home: Path) -> list[dict[str, Any]]:
    if not (home / "mlops.db").is_file():
        return []
    return [
        forms.deployment_json(item, asked.version_runs(item.model, home=home)) for item in talks.deployments(home=home)
    ]


def _changed(change: Callable[[], Any], home: Path) -> dict[str, Any]:
    done = change()
    runs = asked.version_runs(done.deployment.model, home=home)
    return forms.deployment_json(done.deployment, runs, tuple(done.notes))


def _tried(talks: Any, name: str, rows: Any, home: Path) -> dict[str, Any]:
    model = talks.deployment(name, events=0, home=home).deployment.model
    given = (
        None if rows is None else {"instances": rows} if not isinstance(rows[0], dict) else {"dataframe_records": rows}
    )
    return forms.prediction_json(talks.try_it(name, given, home=home), model)
