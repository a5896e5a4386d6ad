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

from archsim.numeric.inner.loops import LANES, count_below_1, count_below_2, count_below_4
from archsim.numeric.jit import inlined

NEVER = 1 << 61
"""Charge that no column reaches."""
NARROW_NEVER = (1 << 31) - 1
"""The same where charges are kept in 32 bits."""
_FEW = 64
"""Thresholds that are compared all at once rather than searched."""
_FOUR = 4 * LANES


RUN = np.dtype(
    [(name, np.int64) for name in ("bank", "first", "end", "ramp", "to", "last_code")], align=True
)
"""Neighbouring columns of a `bank` that see one ramp: its columns ``first .. end - 1``.

`ramp` is their ramp in the layer; `to` is the column of the layer that the bank's first one would
be if all were neighbours in it; `last_code` is the largest code where codes are the counts
themselves up to it, -1 where they are not.
"""


class ThresholdTable(NamedTuple):
    """Thresholds of a layer's ramps, filled up to one less than a power of two.

    A *run* is neighbouring columns of a bank that see the same ramp and are neighbours in the layer
    too.

    Attributes
    ----------
    threshold : int64 or int32 (ramps, 2**n - 1)
        Running maxima of the thresholds (of shared converters: the thresholds), then what no charge
        reaches. int32 where charges are.
    code : int64 (ramps, 2**n)
        The code of a column with so many thresholds at or below its charge.
    run : RUN (runs,)
        The runs of all banks.
    ordered : int
        How many thresholds are in order with all others out of reach, or 0 if they need not be.
    """

    threshold: NDArray[Any]
    code: NDArray[np.int64]
    run: NDArray[np.void]
    ordered: int


def build_threshold_table(
    readout: Any,
    columns: Sequence[NDArray[np.int64]],
    *,
    narrow: bool,
    rising: bool = True,
    ramp_cycles: int = 0,
) -> ThresholdTable:
    """Return the thresholds of a matrix's ramps, those of the first bank first.

    Parameters
    ----------
    readout : NamedTuple of a kind
        With `threshold` and `step_code` (banks, ramps, steps), and `ramp_of_column` (banks,
        columns).
    columns : sequence of int64 arrays
        For each bank, the matrix's columns that its columns are parts of.
    narrow : bool
        Whether charges are kept in 32 bits.
    rising : bool
        Whether a column latches at the first threshold above its charge, and so at the first
        running maximum above it. If not, the thresholds themselves are searched bit by bit.
    ramp_cycles : int
        Steps of a ramp that may not reach a charge at all; 0 where the last step holds all the
        others.
    """
    banks, ramps, steps = readout.threshold.shape
    width = (1 << (steps if ramp_cycles else steps - 1).bit_length()) - 1
    given = readout.threshold.reshape(banks * ramps, steps)
    never = NARROW_NEVER if narrow else NEVER
    threshold = np.full((banks * ramps, width), never, dtype=np.int64)
    last_step = ramp_cycles or steps
    reached = min(width, last_step)
    threshold[:, :reached] = np.clip(given[:, :reached], -never, never)
    counts = np.arange(width + 1)
    code = np.broadcast_to(counts, (banks * ramps, width + 1)).astype(np.int64, order="C")
    if rising:
        np.maximum.accumulate(threshold, axis=1, out=threshold)
        step_code = readout.step_code.reshape(banks * ramps, steps)
        code = np.ascontiguousarray(step_code[:, np.minimum(counts, last_step - 1)])
    last = code.max(axis=1)
    direct = (code == np.minimum(counts, last[:, None])).all(axis=1)
    last = np.where(direct, last, -1)
    runs = [
        _runs(bank, readout.ramp_of_column[bank, : column.size] + bank * ramps, column, last)
        for bank, column in enumerate(columns)
    ]
    return ThresholdTable(
        threshold=threshold.astype(np.int32) if narrow else threshold,
        code=code,
        run=np.concatenate(runs),
        ordered=ramp_cycles,
    )


def _runs(
    bank: int, ramp: NDArray[np.int64], column: NDArray[np.int64], last_code: NDArray[np.int64]
) -> NDArray[np.void]:
    """Return the runs of a bank's columns."""
    breaks = (np.diff(ramp) != 0) | (np.diff(column) != 1)
    start = np.concatenate([[0], np.flatnonzero(breaks) + 1])
    end = np.concatenate([start[1:], [ramp.size]])
    run = np.zeros(start.size, dtype=RUN)
    run["bank"], run["first"], run["end"], run["ramp"] = bank, start, end, ramp[start]
    run["to"], run["last_code"] = column[start] - start, last_code[ramp[start]]
    return run


@inlined
def count_thresholds(
    threshold: NDArray[Any],
    entries: int,
    ordered: int,
    columns: int,
    seen: NDArray[Any],
    count: NDArray[np.int32],
) -> None:
    """Count the thresholds at or below what each column of a run shows, by vectors or by searching.

    Parameters
    ----------
    threshold : int64 or int32 (2**n - 1 or more,)
        Those of the run's ramp, as in `ThresholdTable`.
    entries : int
        How many, ``2**n - 1``.
    ordered : int
        How many thresholds are in order with all others out of reach, or 0 if they need not be.
    columns : int
        Columns of the run.
    seen : int64 or int32 (columns or more,)
        What the comparators of the run see; as wide as the thresholds.
    count : int32 (columns or more,)
        Out; what is behind the run may be written to, up to a whole panel.
    """
    if 0 < ordered <= _FEW:
        _count_all(threshold, ordered, columns, seen, count)
    else:
        _search(threshold, entries, seen[:columns], count[:columns])


@inlined
def _count_all(
    threshold: NDArray[Any],
    entries: int,
    columns: int,
    seen: NDArray[Any],
    count: NDArray[np.int32],
) -> None:
    """Compare every column with every threshold, some panels of columns at a time."""
    column = 0
    while column + _FOUR <= columns:
        count_below_4(seen[column:], threshold, entries, count[column:])
        column += _FOUR
    if column + 2 * LANES <= columns:
        count_below_2(seen[column:], threshold, entries, count[column:])
        column += 2 * LANES
    while column < columns:
        count_below_1(seen[column:], threshold, entries, count[column:])
        column += LANES


@inlined
def _search(
    threshold: NDArray[Any], entries: int, charge: NDArray[Any], below: NDArray[np.int32]
) -> None:
    """Decide a bit of every column at a time, the highest first.

    Which way a column goes cannot be predicted, so the sign of a difference decides it, not a
    branch; differences fit because thresholds and charges are within `NEVER`.
    """
    columns = charge.shape[0]
    for column in range(columns):
        below[column] = 0
    half = (entries + 1) >> 1
    while half > 0:
        for column in range(columns):
            place = np.int64(below[column])
            mine = np.int64(threshold[np.uint64(place + half - 1)])
            under = (mine - np.int64(charge[column]) - 1) >> 63
            below[column] = place + (half & under)
        half >>= 1
