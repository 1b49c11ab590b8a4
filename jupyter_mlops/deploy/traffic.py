"""Which versions answer which part of the requests: plain values, and what turns one into another."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.deployments import Share

__all__ = ["Traffic", "parse_weights"]

ALL = 100
_WEIGHT = re.compile(r"v?([0-9]{1,9})\s*[=:]\s*([0-9]{1,9})\s*%?")


@dataclass(frozen=True, slots=True)
class Traffic:
    """Versions with their parts of the requests.

    Args:
        shares: In the order of versions; the weights of those that answer are percent and make 100.
    """

    shares: tuple[Share, ...]

    @classmethod
    def whole(cls, version: int) -> Traffic:
        """Let one version answer all requests."""
        return cls((Share(version, ALL),))

    @classmethod
    def weighted(cls, weights: Mapping[int, int]) -> Traffic:
        """Let versions answer in proportion to weights, which become percent.

        Raises:
            UsageError: There is none, or none has a weight, or one would have less than a percent.
        """
        wanted = {version: weight for version, weight in sorted(weights.items()) if weight > 0}
        if not wanted:
            raise UsageError("No version would answer.", hint="Weights are such as: --weights 2=90,3=10")
        return cls(tuple(Share(version, weight) for version, weight in _parted(wanted, ALL).items()))

    @property
    def serving(self) -> tuple[Share, ...]:
        """Those that answer clients: stable ones and the canary."""
        return tuple(share for share in self.shares if share.role != "shadow")

    @property
    def stable(self) -> tuple[Share, ...]:
        """Those that are not on trial."""
        return tuple(share for share in self.shares if share.role == "stable")

    @property
    def canary(self) -> Share | None:
        """The version on trial with clients, if there is one."""
        return next((share for share in self.shares if share.role == "canary"), None)

    @property
    def shadows(self) -> tuple[int, ...]:
        """Versions whose answers are only compared."""
        return tuple(share.version for share in self.shares if share.role == "shadow")

    @property
    def versions(self) -> tuple[int, ...]:
        """All that must be loaded."""
        return tuple(share.version for share in self.shares)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is on trial."""
        return all(share.role == "stable" for share in self.shares)

    def role(self, version: int) -> str | None:
        """Return the role of a version; None if it has none here."""
        return next((share.role for share in self.shares if share.version == version), None)

    def with_canary(self, version: int, percent: int) -> Traffic:
        """Give a version a part of the requests; the rest is shared by the stable ones as before.

        Raises:
            UsageError: The part is no percentage, or nothing else answers.
        """
        if not 1 <= percent <= ALL - 1:
            raise UsageError(
                f"A canary of {percent} % makes no sense: it must be between 1 and 99.",
                hint="Promote it to give it all: jupyter mlops deploy promote NAME",
            )
        stable = {share.version: share.weight for share in self.stable if share.version != version}
        if not stable:
            raise UsageError(
                f"Version {version} answers already, and no other does: there is nothing to try it beside."
            )
        made = [Share(key, weight) for key, weight in _parted(stable, ALL - percent).items()]
        shadows = [share for share in self.shares if share.role == "shadow" and share.version != version]
        return _ordered([*made, Share(version, percent, "canary"), *shadows])

    def with_shadow(self, version: int) -> Traffic:
        """Let a version get the rows as well, for comparison.

        Raises:
            UsageError: It answers clients already.
        """
        if any(share.version == version for share in self.serving):
            raise UsageError(f"Version {version} answers clients already; it can't be their shadow.")
        others = [share for share in self.shares if share.version != version]
        return _ordered([*others, Share(version, 0, "shadow")])

    def without_trials(self) -> Traffic:
        """Take the canary and shadows away; the stable ones answer everything."""
        return Traffic.weighted({share.version: share.weight for share in self.stable})

    def to_json(self) -> list[dict[str, Any]]:
        """Return it as JSON."""
        return [{"version": share.version, "weight": share.weight, "role": share.role} for share in self.shares]

    def __str__(self) -> str:
        if len(self.serving) == 1 and not self.shadows:
            return f"version {self.serving[0].version}"
        parts = []
        for share in self.shares:
            weight = "" if share.role == "shadow" else f" {share.weight} %"
            role = "" if share.role == "stable" else f" {share.role}"
            parts.append(f"version {share.version}{role}{weight}")
        return ", ".join(parts) or "nothing"


def parse_weights(text: str) -> dict[int, int]:
    """Understand ``2=90,3=10``.

    Raises:
        UsageError: It is nothing of the kind, or names a version twice.
    """
    weights: dict[int, int] = {}
    for part in filter(None, re.split(r"[,\s]+", text.strip())):
        match = _WEIGHT.fullmatch(part)
        if match is None:
            raise UsageError(
                f"{part!r} is no version with a weight.", hint="Write VERSION=PERCENT, such as --weights 2=90,3=10"
            )
        version, weight = int(match[1]), int(match[2])
        if version in weights:
            raise UsageError(f"Version {version} has two weights.")
        weights[version] = weight
    if not weights:
        raise UsageError("There are no weights.", hint="Write VERSION=PERCENT, such as --weights 2=90,3=10")
    return weights


def _parted(weights: Mapping[int, int], whole: int) -> dict[int, int]:
    """Part percents in proportion to weights; what rounding leaves goes to those that lost most by it."""
    total = sum(weights.values())
    parts = {version: weight * whole // total for version, weight in weights.items()}
    lost = sorted(parts, key=lambda version: -(weights[version] * whole % total))
    for version in lost[: whole - sum(parts.values())]:
        parts[version] += 1
    if not all(parts.values()):
        raise UsageError("A version would get less than one request in a hundred.", hint="Give it more, or none.")
    return parts


def _ordered(shares: Sequence[Share]) -> Traffic:
    return Traffic(tuple(sorted(shares, key=lambda share: share.version)))
