"""A server on loopback that speaks the v2beta1 REST API of Kubeflow Pipelines, for tests.

It is no Kubeflow: there are no containers. It runs the steps of what is submitted as processes of this machine, one
after the other, by their container's command and KFP's executor input.
"""

from __future__ import annotations

from .faults import Fault
from .server import KfpServer

__all__ = ["Fault", "KfpServer"]
