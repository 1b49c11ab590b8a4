"""Deployments."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops.server.deployments import availability
from jupyter_mlops.server.handlers.base import Handler
from jupyter_mlops.server.problems import RequestProblem

__all__ = ["DeploymentHandler", "DeploymentsHandler", "LiveHandler"]


class _Absent(Handler):
    """Says that deployment is not there, as long as it is not."""

    def refuse(self) -> None:
        """Say why.

        Raises:
            RequestProblem: Always.
        """
        raise RequestProblem("no-deploy", str(availability()["reason"]))


class DeploymentsHandler(_Absent):
    """``deployments``."""

    @web.authenticated
    @authorized
    def get(self) -> None:
        """List them."""
        self.refuse()

    @web.authenticated
    @authorized
    def post(self) -> None:
        """Make one."""
        self.refuse()


class DeploymentHandler(_Absent):
    """``deployments/NAME/ACTION``."""

    @web.authenticated
    @authorized
    def post(self, _name: str, _action: str) -> None:
        """Change one, or try it."""
        self.refuse()


class LiveHandler(_Absent):
    """``deployments/NAME/live``."""

    @web.authenticated
    @authorized
    def get(self, _name: str) -> None:
        """Return its numbers."""
        self.refuse()
