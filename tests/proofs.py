"""Sizes of tests that prove a promise: small enough for every run, or as large as it says.

`make proofs` runs the tests marked `proof` at full size (PROOFS=1).
"""

import os
from collections.abc import Sequence
from typing import Any

IS_FULL = bool(os.environ.get("PROOFS"))


def size(usual: int, full: int) -> int:
    """Return how many of something this run takes."""
    return full if IS_FULL else usual


def in_turn(every: Sequence[Any], turn: int, of: int = 3) -> Sequence[Any]:
    """Return what one of many alike is tried with: all of it at full size, else each `of`-th, so
    that `of` of them, which share their code, share the whole of it."""
    return every if IS_FULL else every[turn % of :: of]
