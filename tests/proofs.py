"""Sizes of tests that prove a promise: small enough for every run, or as large as it says.

`make proofs` runs the tests marked `proof` at full size (PROOFS=1).
"""

import os

IS_FULL = bool(os.environ.get("PROOFS"))


def size(usual: int, full: int) -> int:
    """Return how many of something this run takes."""
    return full if IS_FULL else usual
