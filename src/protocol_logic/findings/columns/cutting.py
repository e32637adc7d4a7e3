"""The cutter for many numbers at once: exact fractions, compared in 64 bits where they fit."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from protocol_logic.findings.columns.runs import Rows
from protocol_logic.findings.columns.tables import Flags, Ints
from protocol_logic.foundation.interval import Interval
from protocol_logic.records.store.by_entry import HI_CLOSED, LO_CLOSED, NO_HI, NO_LO

_ROOM = float(2**62)


def inside(
    rows: Rows, ranges: Sequence[Interval], over: tuple[Ints, Ints] | None = None
) -> tuple[NDArray[np.uint64], Flags]:
    """The mask of the ranges that each number, an interval, meets, and which numbers do not fit.

    `over`: numerator and denominator by which each is divided; both above 0.
    """
    size = len(rows["lo_n"])
    mask = np.zeros(size, np.uint64)
    unfit = np.zeros(size, bool)
    ends = rows["ends"]
    for place, cell in enumerate(ranges):
        met = np.ones(size, bool)
        if cell.hi is not None:
            low = _sign(rows["lo_n"], rows["lo_d"], over, cell.hi, unfit)
            touches = (low == 0) & ((ends & LO_CLOSED) != 0) & cell.hi_closed
            met &= ((ends & NO_LO) != 0) | (low < 0) | touches
        if cell.lo is not None:
            high = _sign(rows["hi_n"], rows["hi_d"], over, cell.lo, unfit)
            touches = (high == 0) & ((ends & HI_CLOSED) != 0) & cell.lo_closed
            met &= ((ends & NO_HI) != 0) | (high > 0) | touches
        mask |= met.astype(np.uint64) << np.uint64(place)
    return mask, unfit


def _sign(
    numerator: Ints,
    denominator: Ints,
    over: tuple[Ints, Ints] | None,
    limit: Fraction,
    unfit: Flags,
) -> Ints:
    """The sign of number minus limit; what does not fit 62 bits on the way is noted."""
    p, q = limit.numerator, limit.denominator
    if max(abs(p), q) >= _ROOM:
        unfit |= True
        return np.zeros(len(numerator), np.int64)
    above, below = numerator * q, denominator * p
    tall = np.abs(numerator.astype(np.float64)) * q
    wide = np.abs(denominator.astype(np.float64)) * abs(p)
    if over is not None:
        times, by = over[1], over[0]
        above, below = above * times, below * by
        tall, wide = tall * times.astype(np.float64), wide * by.astype(np.float64)
    unfit |= (tall >= _ROOM) | (wide >= _ROOM)
    found: Ints = np.sign(above - below)
    return found
