"""Thresholds as the fused kernel searches them: where a ramp first stands above a charge.

A column latches at the first step whose threshold is above its charge. Thresholds of a
misprogrammed ramp need not rise, but their running maximum does, and is above a charge from the
same step on: so the step is the number of running maxima that are not above the charge. Shared
converters search the thresholds as they are, bit by bit; both are the same loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.arrays import Conversion, TileArrays
from archsim.kernels.ramp_noise import RampScratch, disturbed_thresholds, draw_ramps
from archsim.numeric.inner.loops import LANES, count_below_1, count_below_2, count_below_4
from archsim.numeric.jit import inlined, leaf

_RAMP = int(Conversion.RAMP)
_IDEAL = int(Conversion.IDEAL)
NEVER = 1 << 61
"""Charge that no column reaches."""
NARROW_NEVER = (1 << 31) - 1
"""The same where charges are kept in 32 bits."""
_FEW = 64
"""Rungs that are compared all at once rather than searched."""
_FOUR = 4 * LANES


RUN = np.dtype(
    [(name, np.int64) for name in ("first", "end", "ramp", "to", "last_code")], align=True
)
"""Neighbouring columns of a bank that see one ramp: its columns ``first .. end - 1``.

`ramp` is their ramp in the layer; `to` is the column of the layer that the bank's first one would
be if all were neighbours in it; `last_code` is the largest code where codes are the counts
themselves up to it, -1 where they are not.
"""


class LadderArrays(NamedTuple):
    """Thresholds of a layer's ramps, filled up to one less than a power of two.

    A *run* is neighbouring columns of a bank that see the same ramp and are neighbours in the layer
    too.

    Attributes
    ----------
    rung : int64 or int32 (ramps, 2**n - 1)
        Running maxima of the thresholds (of shared converters: the thresholds), then what no charge
        reaches. int32 where charges are.
    code : int64 (ramps, 2**n)
        The code of a column with so many rungs at or below its charge.
    run : RUN (runs,)
        The runs of all banks.
    run_pointer : int64 (banks + 1,)
        Where each bank's runs begin.
    """

    rung: NDArray[Any]
    code: NDArray[np.int64]
    run: NDArray[np.void]
    run_pointer: NDArray[np.int64]


def build_ladders(
    banks: Sequence[TileArrays], columns: Sequence[NDArray[np.int64]], *, narrow: bool
) -> LadderArrays:
    """Return the ladders of a layer's ramps, those of the first bank first.

    Parameters
    ----------
    banks : sequence of TileArrays
        Banks.
    columns : sequence of int64 arrays
        For each bank, the layer's columns that its columns are parts of.
    narrow : bool
        Whether charges are kept in 32 bits.
    """
    first = banks[0]
    threshold = np.concatenate([bank.threshold for bank in banks])
    step_code = np.concatenate([bank.step_code for bank in banks])
    ramps, steps = threshold.shape
    straight = first.conversion == _RAMP
    in_order = straight or first.conversion == _IDEAL
    width = (1 << (steps if straight else steps - 1).bit_length()) - 1
    never = NARROW_NEVER if narrow else NEVER
    rung = np.full((ramps, width), never, dtype=np.int64)
    last_step = first.ramp_cycles if straight else steps
    reached = min(width, last_step)
    rung[:, :reached] = np.clip(threshold[:, :reached], -never, never)
    if in_order:
        np.maximum.accumulate(rung, axis=1, out=rung)
    counts = np.arange(width + 1)
    code = np.broadcast_to(counts, (ramps, width + 1)).astype(np.int64, order="C")
    if in_order:
        code = np.ascontiguousarray(step_code[:, np.minimum(counts, last_step - 1)])
    last = code.max(axis=1)
    plain = (code == np.minimum(counts, last[:, None])).all(axis=1)
    last = np.where(plain, last, -1)
    runs, ramp = [], 0
    for bank, column in zip(banks, columns, strict=True):
        runs.append(_runs(bank.ramp_of_column + ramp, column, last))
        ramp += bank.threshold.shape[0]
    return LadderArrays(
        rung=rung.astype(np.int32) if narrow else rung,
        code=code,
        run=np.concatenate(runs),
        run_pointer=np.cumsum([0, *(len(run) for run in runs)], dtype=np.int64),
    )


def _runs(
    ramp: NDArray[np.int64], column: NDArray[np.int64], last_code: NDArray[np.int64]
) -> NDArray[np.void]:
    """Return the runs of a bank's columns."""
    breaks = (np.diff(ramp) != 0) | (np.diff(column) != 1)
    start = np.concatenate([[0], np.flatnonzero(breaks) + 1])
    end = np.concatenate([start[1:], [ramp.size]])
    run = np.zeros(start.size, dtype=RUN)
    run["first"], run["end"], run["ramp"] = start, end, ramp[start]
    run["to"], run["last_code"] = column[start] - start, last_code[ramp[start]]
    return run


@leaf
def disturb_rungs(
    position: NDArray[np.float64],
    sigma: NDArray[np.float64],
    first: int,
    ramps: int,
    key: tuple[int, int],
    sequence: int,
    conversion: int,
    ordered: int,
    never: int,
    rungs: int,
    noise: RampScratch,
    rung: NDArray[Any],
) -> None:
    """Write the rungs of a bank's conversion with noise of the ramps' cells.

    The thresholds are those of `thresholds_of_conversion`.

    Parameters
    ----------
    position, sigma : float64 (ramps, steps), (ramps, steps + 1)
        As `ramp_position` and `ramp_sigma` in `AnalogArrays`.
    first, ramps : int
        Which ramps are the bank's.
    key : tuple of int
        Seed of the run and number of the tile.
    sequence, conversion : int
        Which conversion of the run it is.
    ordered : int
        Rungs that are running maxima, or 0 if all are thresholds as they are.
    never : int
        What no charge reaches.
    rungs : int
        Rungs of a ramp, ``2**n - 1``.
    noise : RampScratch
        Scratch.
    rung : int64 or int32 (ramps * rungs,)
        Out; those beyond the ramp stay as they are.
    """
    steps, threshold = position.shape[1], noise.threshold
    draw_ramps(key, sequence, conversion, ramps, steps, noise)
    reached = min(steps, ordered if ordered > 0 else rungs)
    for ramp in range(ramps):
        disturbed_thresholds(position[first + ramp], sigma[first + ramp], ramp, noise)
        mine = rung[(first + ramp) * rungs :][:reached]
        if ordered > 0:
            highest = threshold[0]
            for step in range(reached):
                highest = max(highest, threshold[step])
                threshold[step] = highest
        for step in range(reached):
            mine[step] = np.int64(min(max(threshold[step], -never), never))


@inlined
def count_rungs(
    rung: NDArray[Any],
    ramp: int,
    rungs: int,
    ordered: int,
    seen: NDArray[Any],
    at: int,
    first: int,
    end: int,
    count: NDArray[np.int32],
) -> None:
    """Count the rungs at or below what each column of a run shows, by vectors or by searching.

    Parameters
    ----------
    rung : int64 or int32 (ramps * rungs,)
        As in `LadderArrays`.
    ramp, rungs : int
        The run's ramp, and rungs of a ramp, ``2**n - 1``.
    ordered : int
        How many rungs are in order with all others out of reach, or 0 if they need not be.
    seen : int64 or int32
        What the comparators of a bank see, its columns from `at` on; as wide as the rungs.
    first, end : int
        The run's columns.
    count : int32
        Out, a column of the bank an element; what is behind the run may be written to.
    """
    if 0 < ordered <= _FEW:
        _count_all(rung, ramp * rungs, ordered, seen, at, first, end, count)
    else:
        _search(rung, ramp * rungs, rungs, seen, at, first, end, count)


@inlined
def _count_all(
    rung: NDArray[Any],
    start: int,
    rungs: int,
    seen: NDArray[Any],
    at: int,
    first: int,
    end: int,
    count: NDArray[np.int32],
) -> None:
    """Compare every column with every rung, some panels of columns at a time."""
    column = first
    while column + _FOUR <= end:
        count_below_4(seen, at + column, rung, start, rungs, count, column)
        column += _FOUR
    if column + 2 * LANES <= end:
        count_below_2(seen, at + column, rung, start, rungs, count, column)
        column += 2 * LANES
    while column < end:
        count_below_1(seen, at + column, rung, start, rungs, count, column)
        column += LANES


@inlined
def _search(
    rung: NDArray[Any],
    start: int,
    rungs: int,
    seen: NDArray[Any],
    at: int,
    first: int,
    end: int,
    count: NDArray[np.int32],
) -> None:
    """Decide a bit of every column at a time, the highest first.

    Which way a column goes cannot be predicted, so the sign of a difference decides it, not a
    branch; differences fit because rungs and charges are within `NEVER`.
    """
    below, charge = count[first:end], seen[at + first : at + end]
    ladder, columns = rung[start : start + rungs], end - first
    for column in range(columns):
        below[column] = 0
    half = (rungs + 1) >> 1
    while half > 0:
        for column in range(columns):
            place = np.int64(below[column])
            mine = np.int64(ladder[np.uint64(place + half - 1)])
            under = (mine - np.int64(charge[column]) - 1) >> 63
            below[column] = place + (half & under)
        half >>= 1
