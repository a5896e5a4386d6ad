"""Conversions of a matrix for a block of sequences: fused or cycle by cycle."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.bank import BankArrays
from archsim.kernels.charges import charges_of_bank
from archsim.kernels.drive import Drive, make_drive
from archsim.kernels.energy import ALL
from archsim.kernels.fused import latch_bank
from archsim.kernels.matrix import CycleByCycle, Imperfections, MatrixArrays, bank_at
from archsim.kernels.record import MatrixRecord, keep_cycles
from archsim.kernels.scratch import Scratch, make_scratch
from archsim.kernels.tile import conversion_cycles, convert_cycles
from archsim.numeric.dispatch import by_type, implements
from archsim.numeric.jit import inlined, kernel, leaf
from archsim.vocabulary import N_ACTIVITY


class Stage(NamedTuple):
    """A matrix in a layer's kernel, and where what its tiles do goes.

    What is None is left out of the machine code. Either all matrices of a layer have `extra` or
    none has, and the same holds for `cycle_by_cycle`, so that kernels are compiled for four cases
    at most.

    Attributes
    ----------
    matrix : MatrixArrays
        The matrix.
    record : MatrixRecord
        Out; a conversion is noted once.
    extra : Imperfections or None
        What disturbs its conversions.
    cycle_by_cycle : CycleByCycle or None
        What conversions need that are converted cycle by cycle.
    """

    matrix: MatrixArrays
    record: MatrixRecord
    extra: Imperfections | None
    cycle_by_cycle: CycleByCycle | None


@leaf
def take_inputs(x_drive: NDArray[np.int16], timestep: int, drive: Drive) -> None:
    """Write the inputs of a timestep (sequences, timesteps, inputs) to the first of each vector."""
    inputs = x_drive.shape[2]
    for sequence in range(x_drive.shape[0]):
        mine = drive.width[sequence * drive.stride :][:inputs]
        given = x_drive[sequence, timestep]
        for index in range(inputs):
            mine[index] = given[index]


@inlined
def convert(
    stage: Stage, drive: Drive, code: NDArray[np.uint16], conversion: int, scratch: Scratch
) -> None:
    """Run one conversion of a matrix for every sequence of a block, and record what is asked for.

    Parameters
    ----------
    stage : Stage
        The matrix.
    drive : Drive
        What drives its rows.
    code : uint16 (sequences, columns)
        Out: codes of the matrix's columns; where rows are summed digitally, sums of codes.
    conversion : int
        Number of the conversion in its sequence.
    scratch : Scratch
        Of the matrix, for as many sequences.
    """
    _fused(stage.matrix.readout, stage, drive, code, conversion, scratch, stage.extra)
    _cycle_by_cycle(stage.cycle_by_cycle, stage, drive, code, conversion, scratch)


@leaf
def _fused(
    readout: Any,
    stage: Stage,
    drive: Drive,
    code: NDArray[np.uint16],
    conversion: int,
    scratch: Scratch,
    extra: Imperfections | None,
) -> None:
    """Convert what can be fused, which is nothing without a fused `readout`."""
    for sequence in range(code.shape[0]):
        for column in range(code.shape[1]):
            code[sequence, column] = 0
    if readout is None:
        return
    matrix, record, sequences = stage.matrix, stage.record, code.shape[0]
    when = record.first, record.begins + conversion
    for index in range(matrix.bank.shape[0]):
        charges_of_bank(matrix, index, drive, sequences, when, scratch, extra)
        latch_bank(matrix, index, drive, code, record, conversion, scratch, extra)


@by_type(default=True, leaf=True)
def _cycle_by_cycle(
    whole: Any,
    stage: Stage,
    drive: Drive,
    code: NDArray[np.uint16],
    conversion: int,
    scratch: Scratch,
) -> None:
    """Convert, cycle by cycle, what `_fused` has left out: none, where `whole` is None."""


@implements(_cycle_by_cycle, CycleByCycle)
def _some_cycle_by_cycle(
    whole: CycleByCycle,
    stage: Stage,
    drive: Drive,
    code: NDArray[np.uint16],
    conversion: int,
    scratch: Scratch,
) -> None:
    if whole.everything == 1 or stage.record.waveform.shape[0] > 0:
        for index in range(stage.matrix.bank.shape[0]):
            _convert_by_cycle(whole, stage, index, drive, code, conversion, scratch)


@kernel
def _convert_by_cycle(
    whole: CycleByCycle,
    stage: Stage,
    index: int,
    drive: Drive,
    code: NDArray[np.uint16],
    conversion: int,
    scratch: Scratch,
) -> None:
    """Convert a bank cycle by cycle; where it is fused, only sequences with waveforms."""
    matrix, record = stage.matrix, stage.record
    bank, place = bank_at(matrix, whole, index), matrix.bank[index]
    start, rows, first, columns = place["input"], place["rows"], place["column"], place["columns"]
    charge = np.empty(columns, dtype=np.int64)
    latched = np.empty(columns, dtype=np.int64)
    mine = np.empty(rows, dtype=np.int64)
    for sequence in range(code.shape[0]):
        if conversion >= record.ends[sequence]:
            continue
        if whole.everything == 0 and record.recorded[sequence] < 0:
            continue
        for row in range(rows):
            mine[row] = drive.width[sequence * drive.stride + start + row]
        when = sequence, conversion
        _convert_bank(stage, bank, mine, when, charge, latched, scratch)
        for column in range(columns):
            code[sequence, whole.column[first + column]] += np.uint16(latched[column])


@kernel
def _convert_bank(
    stage: Stage,
    bank: BankArrays,
    drive: NDArray[np.int64],
    when: tuple[int, int],
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    scratch: Scratch,
) -> None:
    """Run one conversion of a bank, `when` being its sequence of the block; note what it did."""
    record, energy, (sequence, conversion) = stage.record, stage.matrix.energy, when
    recorded, column = record.recorded[sequence], stage.matrix.bank[bank.place]["column"]
    cycles, columns = conversion_cycles(bank), charge.shape[0]
    tiles, conversions = bank.row_pointer.shape[0] - 1, record.cycles_taken.shape[1]
    activity = np.empty((cycles, tiles, N_ACTIVITY), dtype=np.int64)
    waving = recorded >= 0 and record.waveform.shape[0] > 0
    waveform = np.empty((cycles if waving else 0, columns), dtype=np.int64)
    of_run = record.first + sequence, record.begins + conversion
    record.cycles_taken[sequence, conversion, bank.place] = convert_cycles(
        bank, drive, of_run, charge, code, activity, waveform
    )
    first = bank.place * tiles
    to = (sequence * conversions + conversion) * energy.tile.shape[0] + first
    for tile in range(tiles):
        total = record.total[(to + tile) * N_ACTIVITY :]
        _note_cycles(activity[:, tile], scratch.counts, total)
        if recorded >= 0:
            place, length = recorded * conversions + conversion, energy.tile[first + tile]["cycles"]
            keep_cycles(
                energy, record, first + tile, place, ALL, (0, length), scratch.counts,
                scratch.energy,
            )  # fmt: skip
    if waving:
        record.waveform[recorded, conversion, :, column : column + columns] = waveform


@leaf
def _note_cycles(
    activity: NDArray[np.int64], counts: NDArray[np.int64], total: NDArray[np.int64]
) -> None:
    """Write a tile's activity (cycles, N_ACTIVITY) as counts, a row an activity, and its sums."""
    for which in range(N_ACTIVITY):
        all_cycles = np.int64(0)
        for cycle in range(activity.shape[0]):
            seen = activity[cycle, which]
            all_cycles += seen
            counts[which, cycle] = seen
        total[which] = all_cycles


@kernel
def convert_all(
    stage: Stage, bias_drive: int, x_drive: NDArray[np.int16], code: NDArray[np.uint16]
) -> None:
    """Convert every input vector of a block of sequences.

    Parameters
    ----------
    stage : Stage
        The matrix; rows are the inputs and a bias row where there is one.
    bias_drive : int
        Pulse width of the bias row, in cycles; no tile reads it where there is no such row.
    x_drive : int16 (sequences, conversions, inputs)
        Inputs as signed pulse widths.
    code : uint16 (sequences, conversions, columns)
        Out: codes.
    """
    sequences, conversions, inputs = x_drive.shape
    drive = make_drive(sequences, inputs + 1)
    for sequence in range(sequences):
        drive.width[sequence * drive.stride + inputs] = bias_drive
    latched = np.empty((sequences, code.shape[2]), dtype=np.uint16)
    scratch = make_scratch(stage.matrix, stage.extra, sequences)
    for conversion in range(conversions):
        take_inputs(x_drive, conversion, drive)
        convert(stage, drive, latched, conversion, scratch)
        for sequence in range(sequences):
            for column in range(latched.shape[1]):
                code[sequence, conversion, column] = latched[sequence, column]
