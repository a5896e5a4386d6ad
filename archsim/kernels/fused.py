"""Fused conversions of a bank: what `kernels.tile` defines cycle by cycle, from sums taken once.

Nothing between two changes of a tile's state has to be simulated. With integer charge, what a
column integrates is one exact product (`kernels.charges`); the step at which it latches is a
search; how many rows drive and how many columns compare in a cycle are counts of pulse widths and
of trip steps. The bits are those of `convert_cycles`; what acts on a charge within its integration
(leak, rails), on single comparisons, or is seen between cycles (waveforms) has to be converted
cycle by cycle.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.activity import magnitudes, spread_rows, sum_rows
from archsim.kernels.drive import Drive
from archsim.kernels.energy import CONVERTING, INTEGRATING
from archsim.kernels.matrix import Imperfections, MatrixArrays
from archsim.kernels.record import MatrixRecord, keep_cycles
from archsim.kernels.scratch import Scratch, width_of
from archsim.kernels.thresholds import count_thresholds
from archsim.numeric.dispatch import by_type
from archsim.numeric.inner.loops import MANY_LANES
from archsim.numeric.jit import inlined, leaf
from archsim.vocabulary import N_ACTIVITY

# ----------------------------------------------------------------- what a kind of converters gives


@by_type(default=True, leaf=True)
def decide(
    readout: Any,
    place: np.void,
    sequence: int,
    scratch: Scratch,
    code: NDArray[np.uint16],
) -> None:
    """Find how many thresholds every column has reached, and add what that means to the codes.

    Parameters
    ----------
    readout : NamedTuple of a kind
        With a field `table`.
    place : BANK
        The bank.
    sequence : int
        Which of the block's.
    scratch : Scratch
        `seen` is what comparators see; out: `trip_step`, thresholds reached by each column.
    code : uint16 (sequences, columns)
        Out.
    """
    table, trip_step = readout.table, scratch.trip_step
    at, entries = sequence * width_of(place["columns"]), table.threshold.shape[1]
    for number in range(place["run"], place["run"] + place["runs"]):
        run = table.run[number]
        first, end, ramp, to = run["first"], run["end"], run["ramp"], run["to"]
        threshold, seen = scratch.threshold[ramp * entries :], scratch.seen[at + first :]
        steps = trip_step[first:]
        count_thresholds(threshold, entries, table.ordered, end - first, seen, steps)
        mine = code[sequence, to + first : to + end]
        add_codes(trip_step[first:end], table.code[ramp], run["last_code"], mine)


@by_type(default=True, leaf=True)
def disturb_decisions(
    readout: Any,
    noise: Any,
    place: np.void,
    key: tuple[int, int, int],
    narrow: int,
    scratch: Scratch,
) -> None:
    """Move the thresholds of `scratch` as the noise of a kind's converters does.

    Parameters
    ----------
    readout, place
        As of `decide`.
    noise : NamedTuple of a kind
        As of `Imperfections`.
    key : tuple of int
        Seed of the run, and numbers of sequence and conversion.
    narrow : int
        As of `Imperfections`.
    scratch : Scratch
        Out: `threshold`.
    """


@by_type(leaf=True)
def sum_decisions(
    readout: Any,
    columns: int,
    cycles: int,
    scratch: Scratch,
    total: NDArray[np.int64],
) -> int:
    """Note what a bank's converters did in a conversion, all cycles together.

    Parameters
    ----------
    readout, scratch
        As of `decide`, with `trip_step`.
    columns, cycles : int
        Columns of the bank, and cycles of the phase of conversion.
    total : int64 (N_ACTIVITY,)
        Out: the converters' numbers.

    Returns
    -------
    int
        Cycles after which all columns have latched.
    """
    raise NotImplementedError


@by_type(leaf=True)
def spread_decisions(
    readout: Any,
    columns: int,
    cycles: int,
    scratch: Scratch,
    total: NDArray[np.int64],
) -> int:
    """Do what `sum_decisions` does, and count comparisons and latches in every cycle.

    Counts go to `Scratch.counts`, the first cycle of the phase being 0.
    """
    raise NotImplementedError


# ----------------------------------------------------------------- conversions of a bank


@leaf
def latch_bank(
    matrix: MatrixArrays,
    index: int,
    drive: Drive,
    code: NDArray[np.uint16],
    record: MatrixRecord,
    conversion: int,
    scratch: Scratch,
    extra: Imperfections | None,
) -> None:
    """Latch the codes of a block's sequences, but those whose waveforms are recorded.

    `charges_of_bank` has been there.

    Parameters
    ----------
    matrix : MatrixArrays
        A matrix.
    index : int
        Which of its banks.
    drive : Drive
        What drives its rows.
    code : uint16 (sequences, columns)
        Codes of the matrix's columns, to which the bank's are added.
    record : MatrixRecord
        Out.
    conversion : int
        Number of the conversion in its sequence.
    scratch : Scratch
        Of the matrix.
    extra : Imperfections or None
        What disturbs it; None where nothing does.
    """
    place = matrix.bank[index]
    for sequence in range(code.shape[0]):
        if conversion >= record.ends[sequence]:
            continue
        if record.waveform.shape[0] > 0 and record.recorded[sequence] >= 0:
            continue
        if extra is not None:
            key = extra.seed, record.first + sequence, record.begins + conversion
            disturb_decisions(matrix.readout, extra.readout, place, key, extra.narrow, scratch)
        decide(matrix.readout, place, sequence, scratch, code)
        clear_behind(scratch.trip_step, place["columns"])
        _note_rows(matrix, index, drive, sequence, conversion, scratch, record)
        _note_converters(matrix, index, sequence, conversion, scratch, record)


@inlined
def _note_rows(
    matrix: MatrixArrays,
    index: int,
    drive: Drive,
    sequence: int,
    conversion: int,
    scratch: Scratch,
    record: MatrixRecord,
) -> None:
    """Note what the rows of a bank's tiles did in a conversion."""
    tiles, conversions = matrix.row_pointer.shape[1] - 1, record.cycles_taken.shape[1]
    recorded, energy, cycles = record.recorded[sequence], matrix.energy, matrix.integrate_cycles
    first_row, first_input = matrix.bank[index]["row"], matrix.bank[index]["input"]
    to = (sequence * conversions + conversion) * energy.tile.shape[0] + index * tiles
    for tile in range(tiles):
        above = matrix.row_pointer[index, tile]
        rows = matrix.row_pointer[index, tile + 1] - above
        at, row = sequence * drive.stride + first_input + above, first_row + above
        packed, total = (
            matrix.packed_row[row : row + rows],
            record.total[(to + tile) * N_ACTIVITY :],
        )
        magnitudes(drive.width[at : at + rows], cycles, scratch.width)
        if recorded < 0:
            sum_rows(scratch.width, packed, total)
            continue
        spread_rows(scratch.width, packed, cycles, scratch.sorted, scratch.counts, total)
        keep_cycles(
            energy, record, index * tiles + tile, recorded * conversions + conversion, INTEGRATING,
            (matrix.reset_cycles, cycles), scratch.counts, scratch.energy,
        )  # fmt: skip


@inlined
def _note_converters(
    matrix: MatrixArrays,
    index: int,
    sequence: int,
    conversion: int,
    scratch: Scratch,
    record: MatrixRecord,
) -> None:
    """Note what a bank's converters did in a conversion."""
    tiles, conversions = matrix.row_pointer.shape[1] - 1, record.cycles_taken.shape[1]
    recorded, energy, cycles = record.recorded[sequence], matrix.energy, matrix.convert_cycles
    last, columns = index * tiles + tiles - 1, matrix.bank[index]["columns"]
    to = (sequence * conversions + conversion) * energy.tile.shape[0] + last
    total = record.total[to * N_ACTIVITY :]
    if recorded < 0:
        used = sum_decisions(matrix.readout, columns, cycles, scratch, total)
    else:
        used = spread_decisions(matrix.readout, columns, cycles, scratch, total)
        keep_cycles(
            energy, record, last, recorded * conversions + conversion, CONVERTING,
            (matrix.reset_cycles + matrix.integrate_cycles, cycles), scratch.counts,
            scratch.energy,
        )  # fmt: skip
    record.cycles_taken[sequence, conversion, index] = used if matrix.early_stop else cycles


@inlined
def clear_behind(trip_step: NDArray[np.int32], columns: int) -> None:
    """Write zeros behind the columns, for `spread_columns`."""
    behind = trip_step[columns : columns + MANY_LANES]
    for place in range(MANY_LANES):
        behind[place] = 0


@inlined
def add_codes(
    steps: NDArray[np.int32],
    meaning: NDArray[np.int64],
    last: int,
    code: NDArray[np.uint16],
) -> None:
    """Add what the latch steps of a run stand for to the codes of the matrix's columns.

    Parameters
    ----------
    steps : int32 (columns,)
        Thresholds below each column.
    meaning : int64 (2**n,)
        The code of each number of thresholds below.
    last : int
        The largest code, if codes are those numbers themselves up to it; -1 if not.
    code : uint16 (columns,)
        Added to.
    """
    if last >= 0:
        for column in range(steps.shape[0]):
            code[column] += min(steps[column], last)
    else:
        for column in range(steps.shape[0]):
            code[column] += meaning[np.uint32(steps[column])]
