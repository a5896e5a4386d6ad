"""Conversions of a layer for a block of sequences: fused where that can be, else walked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.arrays import TileArrays
from archsim.kernels.charges import charges_of_bank, integrate_bank
from archsim.kernels.energy import ALL
from archsim.kernels.fused import latch_bank
from archsim.kernels.grid import AnyGrid, GridArrays, bank_at
from archsim.kernels.record import GridRecord, keep_cycles
from archsim.kernels.scratch import Scratch
from archsim.kernels.tile import conversion_cycles, convert_cycles
from archsim.numeric.jit import kernel, leaf
from archsim.vocabulary import N_ACTIVITY

SPARE_INPUTS = 2
"""Elements behind the last vector of pulse widths: rows are read in pairs."""


@leaf
def take_inputs(
    x_drive: NDArray[np.int16], timestep: int, drive: NDArray[np.int16], stride: int
) -> None:
    """Write the inputs of a timestep (sequences, timesteps, inputs) to the first of each vector."""
    inputs = x_drive.shape[2]
    for sequence in range(x_drive.shape[0]):
        mine, given = drive[sequence * stride :][:inputs], x_drive[sequence, timestep]
        for index in range(inputs):
            mine[index] = given[index]


@leaf
def convert_fused(
    grid: AnyGrid,
    drive: NDArray[np.int16],
    stride: int,
    code: NDArray[np.uint16],
    record: Any,
    conversion: int,
    scratch: Scratch,
    plain: int | None,
) -> None:
    """Run one conversion of a layer for every sequence of a block, and keep what is asked for.

    What has to be walked is left to `convert_walked`, which comes after.

    Parameters
    ----------
    grid : GridArrays or PlainArrays
        The layer's banks.
    drive : int16 (elements,)
        Signed pulse widths in cycles: a vector every `stride` elements, and `SPARE_INPUTS` behind
        the last.
    code : uint16 (sequences, columns)
        Out: codes of the layer's columns; where rows are summed digitally, sums of codes.
    record : GridRecord
        Out; a conversion is noted once.
    conversion : int
        Number of the conversion in its sequence.
    scratch : Scratch
        Of the layer, for as many sequences.
    plain : int or None
        As of `latch_bank`; None only with `PlainArrays` or a grid that is plain.
    """
    _clear(code)
    sequences, first = code.shape[0], record.first
    for index in range(grid.bank.shape[0] if grid.walk == 0 else 0):
        if plain is None:
            integrate_bank(grid, index, drive, stride, sequences, scratch.seen)
        else:
            charges_of_bank(grid, index, drive, stride, sequences, first, conversion, scratch)
        latch_bank(grid, index, drive, stride, code, record, conversion, scratch, plain)


@kernel
def convert_walked(
    grid: GridArrays,
    drive: NDArray[np.int16],
    stride: int,
    code: NDArray[np.uint16],
    record: Any,
    conversion: int,
    scratch: Scratch,
) -> None:
    """Walk the conversions that `convert_fused` has left out; arguments as there."""
    if grid.walk != 0 or record.waveform.shape[0] > 0:
        for index in range(grid.bank.shape[0]):
            _walk_bank(grid, index, drive, stride, code, record, conversion, scratch)


@leaf
def _clear(code: NDArray[np.uint16]) -> None:
    for sequence in range(code.shape[0]):
        for column in range(code.shape[1]):
            code[sequence, column] = 0


@kernel
def _walk_bank(
    grid: GridArrays,
    index: int,
    drive: NDArray[np.int16],
    stride: int,
    code: NDArray[np.uint16],
    record: GridRecord,
    conversion: int,
    scratch: Scratch,
) -> None:
    """Walk a bank's conversions, or only those whose waveforms are kept if others are fused."""
    bank, first = bank_at(grid, index), grid.bank[index]["column"]
    start, rows, columns = (
        grid.bank[index]["input"], grid.bank[index]["rows"], grid.bank[index]["columns"]
    )  # fmt: skip
    charge = np.empty(columns, dtype=np.int64)
    latched = np.empty(columns, dtype=np.int64)
    mine = np.empty(rows, dtype=np.int64)
    for sequence in range(code.shape[0]):
        if grid.walk == 0 and record.slot[sequence] < 0:
            continue
        for row in range(rows):
            mine[row] = drive[sequence * stride + start + row]
        _convert(grid, bank, mine, charge, latched, record, sequence, conversion, index, scratch)
        for place in range(columns):
            code[sequence, grid.column[first + place]] += np.uint16(latched[place])


@kernel
def _convert(
    grid: GridArrays,
    bank: TileArrays,
    drive: NDArray[np.int64],
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    record: GridRecord,
    sequence: int,
    conversion: int,
    index: int,
    scratch: Scratch,
) -> None:
    """Run one conversion of bank `index`; note what it did."""
    slot, column = record.slot[sequence], grid.bank[index]["column"]
    cycles, columns = conversion_cycles(bank), charge.shape[0]
    tiles = bank.row_pointer.shape[0] - 1
    activity = np.empty((cycles, tiles, N_ACTIVITY), dtype=np.int64)
    waving = slot >= 0 and record.waveform.shape[0] > 0
    waveform = np.empty((cycles if waving else 0, columns), dtype=np.int64)
    number = record.first + sequence
    record.walked[sequence, conversion, index] = convert_cycles(
        bank, drive, number, conversion, charge, code, activity, waveform
    )
    count, conversions = scratch.counts, record.walked.shape[1]
    to = (sequence * conversions + conversion) * grid.energy.tile.shape[0] + index * tiles
    to *= N_ACTIVITY
    for tile in range(tiles):
        place = index * tiles + tile
        for which in range(N_ACTIVITY):
            total = np.int64(0)
            for cycle in range(cycles):
                seen = activity[cycle, tile, which]
                total += seen
                count[which, cycle] = seen
            record.total[to + tile * N_ACTIVITY + which] = total
        if slot >= 0:
            mine, length = slot * conversions + conversion, grid.energy.tile[place]["cycles"]
            keep_cycles(grid.energy, record, place, mine, ALL, (0, length), count, scratch.energy)
    if waving:
        record.waveform[slot, conversion, :, column : column + columns] = waveform
