"""What a conversion did in its cycles, counted from pulse widths and latch steps.

Counts of the cycles of a phase go to a table that has a row an activity:
``count[activity, cycle]``, the phase's first cycle being 0. Where the cycles are not kept only
their sums are formed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.numeric.inner.loops import MANY_LANES, MOST_REACHED, count_reached
from archsim.numeric.jit import inlined
from archsim.vocabulary import Activity

_ACTIVE_ROWS = int(Activity.ACTIVE_ROWS)
_CONDUCTANCE = int(Activity.CONDUCTANCE)
_ROW_EDGES = int(Activity.ROW_EDGES)
_UNDECIDED = int(Activity.UNDECIDED)
_LATCHED = int(Activity.LATCHED)

ROW_BITS = 20
"""Low bits of a packed row, which count rows; the others add conductances up."""
_ROW_MASK = (1 << ROW_BITS) - 1


def pack_rows(row_conductance: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return rows' conductances (rows,) with a 1 in the low bits, which counts the row."""
    return (row_conductance << ROW_BITS) | 1


def rows_fit(row_conductance: NDArray[np.int64]) -> bool:
    """Return whether sums of all packed rows can be taken apart again."""
    most = 1 << (62 - ROW_BITS)
    return row_conductance.size <= _ROW_MASK and int(row_conductance.sum()) < most


@inlined
def magnitudes(signed: NDArray[np.int16], most: int, width: NDArray[np.int64]) -> None:
    """Write the magnitudes of signed pulse widths (rows,), in cycles.

    None is above `most`, so that they can be indices.
    """
    mine = width[: signed.shape[0]]
    for row in range(signed.shape[0]):
        mine[row] = min(abs(int(signed[row])), most)


@inlined
def sum_rows(width: NDArray[np.int64], packed: NDArray[np.int64], total: NDArray[np.int64]) -> None:
    """Write what a tile's rows did in a conversion.

    Parameters
    ----------
    width : int64 (rows or more,)
        Pulse widths of the tile's rows, in cycles.
    packed : int64 (rows,)
        The tile's rows of `pack_rows`.
    total : int64 (N_ACTIVITY or more,)
        Out.
    """
    active, conductance, driven = np.int64(0), np.int64(0), np.int64(0)
    for place in range(packed.shape[0]):
        active += width[place]
        conductance += width[place] * (packed[place] >> ROW_BITS)
        driven += np.int64(width[place] > 0)
    _write_totals(total, active, conductance, 2 * driven)


@inlined
def spread_rows(
    width: NDArray[np.int64],
    packed: NDArray[np.int64],
    cycles: int,
    by_width: NDArray[np.int64],
    count: NDArray[np.int64],
    total: NDArray[np.int64],
) -> None:
    """Do what `sum_rows` does, and count the rows in every integrate cycle.

    A row with pulse width m drives in cycles 0 .. m - 1, and switches in cycles 0 and m.

    Parameters
    ----------
    width, packed, total
        As of `sum_rows`; no width is above `cycles`.
    cycles : int
        Integrate cycles.
    by_width : int64 (2 * (cycles + 1) or more,)
        Scratch.
    count : int64
        Out.
    """
    for place in range(2 * cycles + 2):
        by_width[place] = 0
    # Rows of even and odd numbers apart: a sum that was just written takes time to be read again.
    for place in range(packed.shape[0]):
        by_width[np.uint64(2 * width[place] + (place & 1))] += packed[place]
    active = count[_ACTIVE_ROWS]
    conductance = count[_CONDUCTANCE][:cycles]
    edges = count[_ROW_EDGES]
    for cycle in range(cycles):
        edges[cycle] = by_width[2 * cycle] + by_width[2 * cycle + 1]
        conductance[cycle] = by_width[2 * cycle + 2] + by_width[2 * cycle + 3]
    both, backward = np.int64(0), conductance[::-1]
    for cycle in range(cycles):
        both += backward[cycle]
        backward[cycle] = both
    for cycle in range(cycles):
        active[cycle] = conductance[cycle] & _ROW_MASK
        edges[cycle] &= _ROW_MASK
        conductance[cycle] >>= ROW_BITS
    edges[0] = active[0]
    all_active, all_conductance, all_edges = np.int64(0), np.int64(0), np.int64(0)
    for cycle in range(cycles):
        all_active += active[cycle]
        all_conductance += conductance[cycle]
        all_edges += edges[cycle]
    _write_totals(total, all_active, all_conductance, all_edges)


@inlined
def _write_totals(total: NDArray[np.int64], active: Any, conductance: Any, edges: Any) -> None:
    total[_ACTIVE_ROWS] = active
    total[_CONDUCTANCE] = conductance
    total[_ROW_EDGES] = edges
    total[_UNDECIDED] = 0
    total[_LATCHED] = 0


@inlined
def sum_columns(
    trip_step: NDArray[np.int32], columns: int, ramp_cycles: int, total: NDArray[np.int64]
) -> int:
    """Write what a bank's comparators did.

    Returns the cycles up to the last latch, all where a column never latches.

    Parameters
    ----------
    trip_step : int32
        Step at which each column latches, `ramp_cycles` where it never does.
    columns, ramp_cycles : int
        Columns of the bank, and steps of the ramp.
    total : int64 (N_ACTIVITY or more,)
        Out.
    """
    waited, never, longest = np.int64(0), np.int64(0), np.int64(0)
    for column in range(columns):
        step = np.int64(trip_step[column])
        waited += step
        never += np.int64(step == ramp_cycles)
        longest = max(longest, step)
    latched = columns - never
    total[_UNDECIDED] = waited + latched
    total[_LATCHED] = latched
    return min(int(longest) + 1, ramp_cycles)


@inlined
def spread_columns(
    trip_step: NDArray[np.int32],
    columns: int,
    ramp_cycles: int,
    by_step: NDArray[np.int64],
    count: NDArray[np.int64],
    total: NDArray[np.int64],
) -> int:
    """Do what `sum_columns` does, and count the columns in every cycle of a ramp.

    Parameters
    ----------
    trip_step : int32
        As of `sum_columns`; 0 behind the columns, for `MANY_LANES`.
    columns, ramp_cycles : int
        As of `sum_columns`.
    by_step : int64 (ramp_cycles + 1 or more,)
        Scratch.
    count : int64
        Out; an early stop leaves nothing to count after it.
    total
        As of `sum_columns`.
    """
    undecided, latched = count[_UNDECIDED], count[_LATCHED]
    waiting = np.int64(columns)
    for step in range(ramp_cycles + 1):
        by_step[step] = 0
    if ramp_cycles <= MOST_REACHED:
        for first in range(0, columns, MANY_LANES):
            count_reached(trip_step[first:], ramp_cycles, by_step)
        undecided[0] = waiting
        for step in range(1, ramp_cycles):
            undecided[step] = by_step[step - 1]
        for step in range(ramp_cycles):
            latched[step] = undecided[step] - by_step[step]
    else:
        for column in range(columns):
            by_step[trip_step[column]] += 1
        for step in range(ramp_cycles):
            undecided[step] = waiting
            latched[step] = by_step[step]
            waiting -= by_step[step]
    compared, all_latched, longest = np.int64(0), np.int64(0), 0
    for step in range(ramp_cycles):
        compared += undecided[step]
        all_latched += latched[step]
        longest += int(undecided[step] > 0)
    total[_UNDECIDED] = compared
    total[_LATCHED] = all_latched
    return longest


@inlined
def sum_turns(columns: int, bits: int, total: NDArray[np.int64]) -> None:
    """Write what shared converters did, which decide `bits` bits of every column."""
    total[_UNDECIDED] = columns * bits
    total[_LATCHED] = columns


@inlined
def spread_turns(
    columns: int,
    bits: int,
    sharing: int,
    cycles_per_conversion: int,
    cycles: int,
    count: NDArray[np.int64],
) -> None:
    """Count the columns that shared converters are at and that they end with, in every cycle.

    Parameters
    ----------
    columns, bits : int
        Columns of the bank, and bits of their codes.
    sharing, cycles_per_conversion : int
        Columns that a converter serves in turn, and cycles for each.
    cycles : int
        Cycles of the phase.
    count : int64
        Out.
    """
    undecided, latched = count[_UNDECIDED], count[_LATCHED]
    for cycle in range(cycles):
        undecided[cycle] = 0
        latched[cycle] = 0
    for turn in range(min(columns, sharing)):
        busy = (columns - turn - 1) // sharing + 1
        first = turn * cycles_per_conversion
        for cycle in range(first, first + bits):
            undecided[cycle] = busy
        latched[first + bits - 1] = busy
