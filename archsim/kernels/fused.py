"""Conversions of a bank without a walk: what `kernels.tile` defines, from sums taken once.

Nothing between two changes of a tile's state has to be walked. With integer charge, what a column
integrates is one exact product; the step at which it latches is a search; how many rows drive and
how many columns compare in a cycle are counts of pulse widths and of latch steps. The bits are
those of `convert_cycles`; what acts on a charge within its integration (leak, rails), on single
comparisons, or is seen between cycles (waveforms) has to be walked.

Charges are kept in 32 bits where none can overflow, whatever the inputs, and in 64 bits elsewhere.
What is needed again and again is made once for a block of sequences (`Scratch`): per conversion
nothing is allocated.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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
from archsim.kernels.arrays import N_ACTIVITY, Conversion
from archsim.kernels.energy import CONVERTING, INTEGRATING
from archsim.kernels.grid import GridArrays, Place
from archsim.kernels.jit import inlined, kernel, leaf
from archsim.kernels.ladder import NARROW_NEVER, NEVER, Run, count_rungs, disturb_rungs
from archsim.kernels.noise import NormalScratch, add_normal, normal_scratch
from archsim.kernels.philox import Purpose
from archsim.kernels.product import (
    ProductArrays,
    ProductScratch,
    add_products,
    multiply,
    product_scratch,
)
from archsim.kernels.ramp_noise import RampScratch, ramp_scratch
from archsim.kernels.record import GridRecord, keep_cycles
from archsim.kernels.vector import HALVES, LANES, MANY_LANES

_INPUT = int(Place.INPUT)
_ROW = int(Place.ROW)
_ROWS = int(Place.ROWS)
_COLUMN = int(Place.COLUMN)
_COLUMNS = int(Place.COLUMNS)
_RAMP = int(Place.RAMP)
_RAMPS = int(Place.RAMPS)
_NUMBER = int(Place.NUMBER)
_READ_NOISE = int(Purpose.READ_NOISE)
_STRAIGHT = int(Conversion.RAMP)
_CHARGE = int(Place.CHARGE)
_RUN = int(Place.RUN)
_RUNS = int(Place.RUNS)
_FIRST, _END, _TO = int(Run.FIRST), int(Run.END), int(Run.TO)
_RUN_RAMP, _LAST_CODE = int(Run.RAMP), int(Run.LAST_CODE)
_PANEL = LANES * HALVES


class Scratch(NamedTuple):
    """Memory that every conversion of a layer's bank uses anew.

    Attributes
    ----------
    seen : int32 or int64 (sequences * widest bank,)
        What the comparators of a bank see, for every sequence of a block.
    rung : int32 or int64 (ramps * (2**n - 1),)
        Rungs, with noise of a conversion where there is any.
    latch_step : int32 (widest bank,)
        Rungs below each column of one sequence.
    counts : int64 (N_ACTIVITY, cycles of a conversion and one more)
        Counts of a phase's cycles, a row an activity.
    ramps : RampScratch
        For `disturb_rungs`.
    product, pairs : ProductScratch, NormalScratch
        For wide charges and for read noise; nothing where there is neither.
    width : int64 (most rows,)
        Magnitudes of a tile's pulse widths.
    energy, sorted : float64 (as many,), int64 (twice as many,)
        For `add_energy`, `spread_rows` and `spread_columns`.
    """

    seen: NDArray[Any]
    rung: NDArray[Any]
    latch_step: NDArray[np.int32]
    counts: NDArray[np.int64]
    ramps: RampScratch
    product: ProductScratch
    pairs: NormalScratch
    width: NDArray[np.int64]
    energy: NDArray[np.float64]
    sorted: NDArray[np.int64]


@inlined
def width_of(columns: int) -> int:
    """Return the columns of a bank filled up to panels, for kernels."""
    return (columns + LANES - 1) // LANES * LANES


@kernel
def make_scratch(grid: GridArrays, sequences: int) -> Scratch:
    """Make what conversions of a layer need, for a block of sequences."""
    widest, most_rows, most_ramps = 0, 0, 0
    for index in range(grid.place.shape[0]):
        most_rows = max(most_rows, grid.place[index, _ROWS])
        most_ramps = max(most_ramps, grid.place[index, _RAMPS])
        widest = max(widest, width_of(grid.place[index, _COLUMNS]))
    cycles = grid.reset_cycles + grid.integrate_cycles + grid.ramp_cycles + grid.readout_cycles
    stride, noisy = cycles + 1, grid.noise.cell.shape[0] > 0
    digits = max(grid.charge.digits, grid.noise.digits) if noisy or grid.narrow == 0 else 0
    return Scratch(
        np.zeros(sequences * widest + LANES, dtype=grid.ladder.rung.dtype),
        grid.ladder.rung.copy().reshape(grid.ladder.rung.size),
        # Runs of columns are written in whole panels, and counted by still more at a time.
        np.zeros(widest + LANES + MANY_LANES, dtype=np.int32),
        np.zeros((N_ACTIVITY, stride), dtype=np.int64),
        ramp_scratch(most_ramps, grid.analog.ramp_position.shape[1]),
        product_scratch(digits, sequences if digits > 0 else 0, most_rows, widest),
        normal_scratch(widest if noisy else 0),
        np.zeros(most_rows, dtype=np.int64),
        np.zeros(stride, dtype=np.float64),
        np.zeros(2 * stride, dtype=np.int64),
    )


@leaf
def charges_of_bank(
    grid: GridArrays,
    index: int,
    drive: NDArray[np.int16],
    stride: int,
    sequences: int,
    first: int,
    conversion: int,
    scratch: Scratch,
) -> None:
    """Write what a bank's comparators see after integration: charges, all offsets, read noise.

    Parameters
    ----------
    grid : GridArrays
        A layer's banks.
    index : int
        Which bank.
    drive : int16 (elements,)
        Signed pulse widths of the layer's inputs, in cycles: a vector every `stride` elements. What
        is behind the last one can be read, a pair of rows at least.
    sequences : int
        How many vectors.
    first, conversion : int
        Number of the first sequence in the run, and of the conversion in its sequence.
    scratch : Scratch
        Out: `seen`, a vector every `width_of(columns)` elements, in quanta.
    """
    start, rows, seen = grid.place[index, _INPUT], grid.place[index, _ROWS], scratch.seen
    column, columns = grid.place[index, _COLUMN], grid.place[index, _COLUMNS]
    if grid.narrow == 1:
        _integrate_narrow(
            drive, start, stride, sequences, grid.charge.cell, grid.place[index, _CHARGE], rows,
            grid.rest, column, columns, seen,
        )  # fmt: skip
    else:
        _integrate_wide(
            grid.charge, index, drive, start, stride, sequences, rows, grid.rest, column,
            columns, scratch.product, seen,
        )  # fmt: skip
    if grid.noise.cell.shape[0] > 0:
        key = grid.analog.seed, grid.place[index, _NUMBER], first, conversion
        _disturb_block(
            grid.noise, index, drive, start, stride, sequences, rows, grid.analog.variance_step,
            column, key, columns, scratch.product, scratch.pairs, seen,
        )  # fmt: skip


@inlined
def _integrate_narrow(
    drive: NDArray[np.int16],
    start: int,
    stride: int,
    sequences: int,
    cell: NDArray[np.int16],
    cell_at: int,
    rows: int,
    rest: NDArray[np.int64],
    column: int,
    columns: int,
    seen: NDArray[np.int32],
) -> None:
    """Add products to offsets in 32 bits."""
    width, pairs = width_of(columns), (rows + HALVES - 1) // HALVES
    offset = rest[column : column + columns]
    for sequence in range(sequences):
        mine = seen[sequence * width : sequence * width + columns]
        for place in range(columns):
            mine[place] = offset[place]
    add_products(
        drive, start, stride, sequences, cell, cell_at, pairs * _PANEL, width // LANES, pairs,
        seen, width,
    )  # fmt: skip


@leaf
def _integrate_wide(
    charge: ProductArrays,
    index: int,
    drive: NDArray[np.int16],
    start: int,
    stride: int,
    sequences: int,
    rows: int,
    rest: NDArray[np.int64],
    column: int,
    columns: int,
    scratch: ProductScratch,
    seen: NDArray[np.int64],
) -> None:
    """Add offsets to products in 64 bits."""
    width, offset = width_of(columns), rest[column : column + columns]
    multiply(charge, index, rows, drive, start, stride, sequences, False, scratch, seen, width)
    for sequence in range(sequences):
        mine = seen[sequence * width : sequence * width + columns]
        for place in range(columns):
            mine[place] += offset[place]


@leaf
def _disturb_block(
    noise: ProductArrays,
    index: int,
    drive: NDArray[np.int16],
    start: int,
    stride: int,
    sequences: int,
    rows: int,
    step: NDArray[np.float64],
    column: int,
    key: tuple[int, int, int, int],
    columns: int,
    scratch: ProductScratch,
    pairs: NormalScratch,
    seen: NDArray[Any],
) -> None:
    """Add the read noise of a conversion to every sequence's charges, as `disturb` does."""
    seed, number, first, conversion = key
    width, variance = width_of(columns), scratch.total
    multiply(noise, index, rows, drive, start, stride, sequences, True, scratch, variance, width)
    for sequence in range(sequences):
        at = sequence * width
        add_normal(
            seed, _READ_NOISE, first + sequence, conversion, number, columns, variance, at, step,
            column, pairs, seen, at,
        )  # fmt: skip


@leaf
def integrate_bank(
    grid: GridArrays,
    index: int,
    drive: NDArray[np.int16],
    stride: int,
    sequences: int,
    seen: NDArray[Any],
) -> None:
    """Do what `charges_of_bank` does where charges are narrow and nothing disturbs them."""
    _integrate_narrow(
        drive, grid.place[index, _INPUT], stride, sequences, grid.charge.cell,
        grid.place[index, _CHARGE], grid.place[index, _ROWS], grid.rest,
        grid.place[index, _COLUMN], grid.place[index, _COLUMNS], seen,
    )  # fmt: skip


@leaf
def latch_bank(
    grid: GridArrays,
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
    grid : GridArrays
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
    columns = grid.place[index, _COLUMNS]
    ordered = grid.ramp_cycles if grid.conversion == _STRAIGHT else 0
    for sequence in range(code.shape[0]):
        if plain is not None:
            if record.waveform.shape[0] > 0 and record.slot[sequence] >= 0:
                continue
            if grid.analog.ramp_sigma.shape[0] > 0:
                key = grid.analog.seed, grid.place[index, _NUMBER]
                disturb_rungs(
                    grid.analog.ramp_position, grid.analog.ramp_sigma, grid.place[index, _RAMP],
                    grid.place[index, _RAMPS], key, record.first + sequence, conversion, ordered,
                    NARROW_NEVER if grid.narrow == 1 else NEVER, grid.ladder.rung.shape[1],
                    scratch.ramps, scratch.rung,
                )  # fmt: skip
        _latch(grid, index, sequence, ordered, scratch, code)
        clear_behind(scratch.latch_step, columns)
        _note_rows(grid, index, drive, stride, sequence, conversion, scratch, record)
        _note_foot(grid, index, sequence, conversion, scratch, record)


@inlined
def _latch(
    grid: GridArrays,
    index: int,
    sequence: int,
    ordered: int,
    scratch: Scratch,
    code: NDArray[np.uint16],
) -> None:
    """Find the step at which each column latches, and add what it stands for to the codes."""
    runs, latch_step = grid.ladder.run, scratch.latch_step
    at = sequence * width_of(grid.place[index, _COLUMNS])
    begin = grid.place[index, _RUN]
    for run in range(begin, begin + grid.place[index, _RUNS]):
        first, end, ramp = runs[run, _FIRST], runs[run, _END], runs[run, _RUN_RAMP]
        count_rungs(
            scratch.rung, ramp, grid.ladder.rung.shape[1], ordered, scratch.seen, at, first, end,
            latch_step,
        )  # fmt: skip
        add_codes(
            latch_step, first, end, grid.ladder.code, ramp, runs[run, _LAST_CODE], code, sequence,
            runs[run, _TO],
        )  # fmt: skip


@inlined
def _note_rows(
    grid: GridArrays,
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
    first_row, first_input = grid.place[index, _ROW], grid.place[index, _INPUT]
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
            energy.fixed, energy.tile, energy.term, energy.activity, energy.amount,
            index * tiles + tile, record.slots * conversions, slot * conversions + conversion,
            INTEGRATING, grid.reset_cycles, cycles, scratch.counts, scratch.energy,
            record.counts, record.energy,
        )  # fmt: skip


@inlined
def _note_foot(
    grid: GridArrays,
    index: int,
    sequence: int,
    conversion: int,
    scratch: Scratch,
    record: GridRecord,
) -> None:
    """Note what a bank's converters did in a conversion."""
    tiles, conversions = grid.row_pointer.shape[1] - 1, record.walked.shape[1]
    slot, energy, ramp_cycles = record.slot[sequence], grid.energy, grid.ramp_cycles
    foot, columns = index * tiles + tiles - 1, grid.place[index, _COLUMNS]
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
            energy.fixed, energy.tile, energy.term, energy.activity, energy.amount, foot,
            record.slots * conversions, slot * conversions + conversion, CONVERTING,
            grid.reset_cycles + grid.integrate_cycles, ramp_cycles, scratch.counts, scratch.energy,
            record.counts, record.energy,
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
