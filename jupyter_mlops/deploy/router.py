"""Who answers a request: the same version for the same client's id, in the proportions of the traffic."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate

from jupyter_mlops.deploy.serving.policy import Choice, Request
from jupyter_mlops.deploy.traffic import Traffic
from jupyter_mlops.store.deployments import Share

__all__ = ["STICKY", "TrafficRouter"]

STICKY = "mlops-sticky"
"""Header that keeps all requests of a client with one version; without it the request's id does."""

_POINTS = 1 << 32


class TrafficRouter:
    """Chooses versions by a traffic, which can be exchanged at any moment.

    Args:
        salt: Parts requests differently for each deployment; two servers of one deployment part them alike.
    """

    def __init__(self, traffic: Traffic, salt: str = "") -> None:
        self._salt = salt.encode("utf-8", "replace")
        self.follow(traffic)

    @property
    def traffic(self) -> Traffic:
        """What is followed now."""
        return self._plan[0]

    def follow(self, traffic: Traffic) -> None:
        """Part requests by this traffic from now on."""
        # The canary comes first, so that whoever has it keeps it while its part grows.
        order = sorted(traffic.serving, key=lambda share: (share.role != "canary", share.version))
        self._plan = (traffic, tuple(order), frozenset(traffic.shadows))  # one store: no request sees half of a change

    def choose(self, model: str, request: Request, versions: Sequence[int]) -> Choice:
        """Return who answers; a version that is not ready is replaced by those that are."""
        _, order, shadows = self._plan
        if request.version is not None and request.version in versions:
            return Choice(request.version)
        ready = [share for share in order if share.version in versions]
        version = self._part(ready, request) if ready else versions[0]
        if not shadows:
            return Choice(version)
        return Choice(version, tuple(item for item in versions if item in shadows and item != version))

    def _part(self, ready: Sequence[Share], request: Request) -> int:
        if len(ready) == 1:
            return ready[0].version
        total = sum(share.weight for share in ready)
        key = request.headers.get(STICKY) or request.id
        digest = blake2b(self._salt + b"\0" + key.encode("utf-8", "replace"), digest_size=4).digest()
        point = int.from_bytes(digest, "big") * total
        for share, end in zip(ready, accumulate(share.weight for share in ready), strict=True):
            if point < end * _POINTS:
                return share.version
        return ready[-1].version
