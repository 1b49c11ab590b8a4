"""Names for runs: they sort by time, and can be told apart, said and typed."""

from __future__ import annotations

import random
import secrets
import time

__all__ = ["TIME_LENGTH", "new_run_id"]

_FIRST = """
able amber apt azure blithe bold brave brief bright brisk calm civil clear clever cool crisp deft dry eager early easy
even fair fast fine firm fleet fond frank free fresh gentle glad golden good grand green happy hardy honest jolly keen
kind light lively lucid lucky mellow merry mild modest neat nimble noble patient plain polite prime proud quick quiet
rapid ready
"""
_SECOND = """
acorn alder ant badger bay beaver birch bison brook cedar cliff cloud comet crane creek dune eagle elk elm fern finch
fjord fox gull hare harbor hawk hazel hedge heron hill ibis iris island jay lake lark larch leaf lynx maple marten
meadow moon moss newt oak orchid osprey otter owl pine plover pond raven reef river robin sage seal sparrow spruce
stone swan
"""

TIME_LENGTH = len("20260131-235959-")
"""Where the words of a run's id begin."""


def new_run_id(now: float | None = None) -> str:
    """Make an id such as ``20260131-235959-brisk-otter-1f3c``.

    Args:
        now: Seconds since the epoch; the current time by default. The id has it in UTC.
    """
    # A seed of the user's must not make two runs alike.
    chance = random.SystemRandom()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    return f"{stamp}-{chance.choice(_FIRST.split())}-{chance.choice(_SECOND.split())}-{secrets.token_hex(2)}"
