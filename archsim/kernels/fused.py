"""Conversions of a bank without a walk: what `kernels.tile` defines, from sums taken once.

Nothing between two changes of a tile's state has to be walked. With integer charge, what a column
integrates is one exact product (`kernels.charges`); the step at which it latches is a search; how
many rows drive and how many columns compare in a cycle are counts of pulse widths and of latch
steps. The bits are those of `convert_cycles`; what acts on a charge within its integration (leak,
rails), on single comparisons, or is seen between cycles (waveforms) has to be walked.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.activity import (
    magnitudes,
    spread_columns,
    spread_rows,
    spread_turns,
    sum_columns,
    sum_rows,
    sum_turns,
)
from archsim.kernels.arrays import Conversion
from archsim.kernels.energy import CONVERTING, INTEGRATING
from archsim.kernels.grid import AnyGrid
from archsim.kernels.ladder import NARROW_NEVER, NEVER, count_rungs, disturb_rungs
from archsim.kernels.record import GridRecord, keep_cycles
from archsim.kernels.scratch import Scratch, width_of
from archsim.numeric.inner.loops import MANY_LANES
from archsim.numeric.jit import inlined, leaf

_STRAIGHT = int(Conversion.RAMP)


@leaf
def latch_bank(
    grid: AnyGrid,
    index: int,
    drive: NDArray[np.int16],
    stride: int,
    code: NDArray[np.uint16],
    record: GridRecord,
    conversion: int,
    scratch: Scratch,
    plain: int | None,
) -> None:
    """Latch the codes of a block's sequences, but those whose waveforms are kept; note the cycles.

    `charges_of_bank` has been there.

    Parameters
    ----------
    grid : GridArrays or PlainArrays
        A layer's banks.
    index : int
        Which bank.
    drive, stride
        As of `charges_of_bank`.
    code : uint16 (sequences, columns)
        Codes of the layer's columns, to which the bank's are added.
    record : GridRecord
        Out.
    conversion : int
        Number of the conversion in its sequence.
    scratch : Scratch
        Of the layer.
    plain : int or None
        None where charges are narrow and nothing is disturbed or walked, so that the rest is left
        out of the machine code.
    """
    columns = grid.bank[index]["columns"]
    ordered = grid.ramp_cycles if grid.conversion == _STRAIGHT else 0
    for sequence in range(code.shape[0]):
        if plain is not None:
            if record.waveform.shape[0] > 0 and record.slot[sequence] >= 0:
                continue
            if grid.analog.ramp_sigma.shape[0] > 0:
                key = grid.analog.seed, grid.bank[index]["number"]
                disturb_rungs(
                    grid.analog.ramp_position, grid.analog.ramp_sigma, grid.bank[index]["ramp"],
                    grid.bank[index]["ramps"], key, record.first + sequence, conversion, ordered,
                    NARROW_NEVER if grid.narrow == 1 else NEVER, grid.ladder.rung.shape[1],
                    scratch.noise.ramps, scratch.rung,
                )  # fmt: skip
        _latch(grid, index, sequence, ordered, scratch, code)
        clear_behind(scratch.latch_step, columns)
        _note_rows(grid, index, drive, stride, sequence, conversion, scratch, record)
        _note_foot(grid, index, sequence, conversion, scratch, record)


@inlined
def _latch(
    grid: AnyGrid,
    index: int,
    sequence: int,
    ordered: int,
    scratch: Scratch,
    code: NDArray[np.uint16],
) -> None:
    """Find the step at which each column latches, and add what it stands for to the codes."""
    runs, latch_step, bank = grid.ladder.run, scratch.latch_step, grid.bank[index]
    at = sequence * width_of(bank["columns"])
    for number in range(bank["run"], bank["run"] + bank["runs"]):
        run = runs[number]
        first, end, ramp = run["first"], run["end"], run["ramp"]
        count_rungs(
            scratch.rung, ramp, grid.ladder.rung.shape[1], ordered, scratch.seen, at, first, end,
            latch_step,
        )  # fmt: skip
        add_codes(
            latch_step, first, end, grid.ladder.code, ramp, run["last_code"], code, sequence,
            run["to"],
        )  # fmt: skip


@inlined
def _note_rows(
    grid: AnyGrid,
    index: int,
    drive: NDArray[np.int16],
    stride: int,
    sequence: int,
    conversion: int,
    scratch: Scratch,
    record: GridRecord,
) -> None:
    """Note what the rows of a bank's tiles did in a conversion."""
    tiles, conversions = grid.row_pointer.shape[1] - 1, record.walked.shape[1]
    slot, energy, cycles = record.slot[sequence], grid.energy, grid.integrate_cycles
    first_row, first_input = grid.bank[index]["row"], grid.bank[index]["input"]
    to = (sequence * conversions + conversion) * energy.tile.shape[0] + index * tiles
    for tile in range(tiles):
        above = grid.row_pointer[index, tile]
        rows = grid.row_pointer[index, tile + 1] - above
        at, row = sequence * stride + first_input + above, first_row + above
        magnitudes(drive, at, rows, cycles, scratch.width)
        if slot < 0:
            sum_rows(scratch.width, grid.packed_row, row, rows, record.total, to + tile)
            continue
        spread_rows(
            scratch.width, grid.packed_row, row, rows, cycles, scratch.sorted, scratch.counts,
            record.total, to + tile,
        )  # fmt: skip
        keep_cycles(
            energy, record, index * tiles + tile, slot * conversions + conversion, INTEGRATING,
            (grid.reset_cycles, cycles), scratch.counts, scratch.energy,
        )  # fmt: skip


@inlined
def _note_foot(
    grid: AnyGrid,
    index: int,
    sequence: int,
    conversion: int,
    scratch: Scratch,
    record: GridRecord,
) -> None:
    """Note what a bank's converters did in a conversion."""
    tiles, conversions = grid.row_pointer.shape[1] - 1, record.walked.shape[1]
    slot, energy, ramp_cycles = record.slot[sequence], grid.energy, grid.ramp_cycles
    foot, columns = index * tiles + tiles - 1, grid.bank[index]["columns"]
    to = (sequence * conversions + conversion) * energy.tile.shape[0] + foot
    if grid.conversion != _STRAIGHT:
        sharing, each = grid.columns_per_converter, grid.cycles_per_conversion
        sum_turns(columns, grid.bits, record.total, to)
        cycles = (min(columns, sharing) - 1) * each + grid.bits
        if slot >= 0:
            spread_turns(columns, grid.bits, sharing, each, ramp_cycles, scratch.counts)
    elif slot < 0:
        cycles = sum_columns(scratch.latch_step, columns, ramp_cycles, record.total, to)
    else:
        cycles = spread_columns(
            scratch.latch_step, columns, ramp_cycles, scratch.sorted, scratch.counts, record.total,
            to,
        )  # fmt: skip
    record.walked[sequence, conversion, index] = cycles if grid.early_stop else ramp_cycles
    if slot >= 0:
        keep_cycles(
            energy, record, foot, slot * conversions + conversion, CONVERTING,
            (grid.reset_cycles + grid.integrate_cycles, ramp_cycles), scratch.counts,
            scratch.energy,
        )  # fmt: skip


@inlined
def clear_behind(latch_step: NDArray[np.int32], columns: int) -> None:
    """Write zeros behind the columns, for `spread_columns`."""
    behind = latch_step[columns : columns + MANY_LANES]
    for place in range(MANY_LANES):
        behind[place] = 0


@inlined
def add_codes(
    latch_step: NDArray[np.int32],
    first: int,
    end: int,
    meaning: NDArray[np.int64],
    ramp: int,
    last: int,
    code: NDArray[np.uint16],
    sequence: int,
    to: int,
) -> None:
    """Add what the latch steps of a run stand for to the codes of the layer's columns.

    Parameters
    ----------
    latch_step : int32 (columns or more,)
        Rungs below each column of the bank.
    first, end : int
        The run's columns.
    meaning : int64 (ramps, 2**n)
        `code` of the layer's `LadderArrays`.
    ramp, last : int
        The run's ramp, and its last code.
    code : uint16 (sequences, columns)
        Added to, in the row of `sequence`; a column of the bank is column ``to + column`` there.
    """
    steps, mine = latch_step[first:end], code[sequence, to + first : to + end]
    if last >= 0:
        for column in range(end - first):
            mine[column] += min(steps[column], last)
    else:
        for column in range(end - first):
            mine[column] += meaning[ramp, np.uint32(steps[column])]
