"""All timesteps of an LSTM layer on its tiles, for a block of sequences.

Per timestep: one conversion of the gates' tile, then the digital step (section 4 of the model)

    c_t = f * c_{t-1} + i * g          h_t = o * tanh(c_t)

in fixed point. ``f * c + i * g`` is summed at full width and rounded once. ``tanh(c_t)`` is a table
look-up, or one conversion of a second small tile whose row ``u`` drives only column ``u``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.fixed import pulse_width, round_shift, saturate
from archsim.kernels.jit import kernel
from archsim.kernels.record import TileRecord, convert_recorded
from archsim.kernels.tile import TileArrays


class LSTMArrays(NamedTuple):
    """Numbers of an LSTM's digital units, in fixed point with `fraction_bits`.

    Attributes
    ----------
    level : int64 (4 * units, 2**n_out)
        The value of its function that each column's code stands for: the ramp's level ``y_k``, or
        what a digital processor makes of the code of a straight ramp.
    fraction_bits, word_limit : int
        Format of c, h and the levels; words hold ``-word_limit - 1 .. word_limit``.
    drive_steps : int
        Largest pulse width of an input, ``2**n_in - 1``; it stands for the value 1.
    table : int64 (entries,), or no entries
        tanh at the middle of each entry's interval of ``|c|``.
    table_shift : int
        ``|c| >> table_shift`` is the entry.
    cell_level : int64 (2**n_out,), or no entries
        Levels of the second pass's codes; empty where the table is used.
    cell_full_scale, cell_steps : int
        The ``|c|`` (fixed point) that stands for the largest pulse width, and that width.
    """

    level: NDArray[np.int64]
    fraction_bits: int
    word_limit: int
    drive_steps: int
    table: NDArray[np.int64]
    table_shift: int
    cell_level: NDArray[np.int64]
    cell_full_scale: int
    cell_steps: int


class LSTMOutputs(NamedTuple):
    """What an LSTM layer computed for a block of sequences.

    Attributes
    ----------
    code : uint16 (sequences, timesteps, 4 * units)
        Latched codes of the gates, in the order i, f, g, o.
    c, h : int32 (sequences, timesteps, units)
        Cell and hidden state, fixed point.
    h_drive : int16 (sequences, timesteps, units)
        Hidden state as signed pulse widths, as it is fed back and passed on.
    """

    code: NDArray[np.uint16]
    c: NDArray[np.int32]
    h: NDArray[np.int32]
    h_drive: NDArray[np.int16]


@kernel
def update_cell(
    code: NDArray[np.int64],
    lstm: LSTMArrays,
    c: NDArray[np.int64],
) -> None:
    """Replace ``c`` (units,) by ``f * c + i * g`` of the latched gate codes (4 * units,)."""
    units = c.shape[0]
    for unit in range(units):
        i = lstm.level[unit, code[unit]]
        f = lstm.level[units + unit, code[units + unit]]
        g = lstm.level[2 * units + unit, code[2 * units + unit]]
        total = round_shift(f * c[unit] + i * g, lstm.fraction_bits)
        c[unit] = saturate(total, lstm.word_limit)


@kernel
def tanh_by_table(value: int, lstm: LSTMArrays) -> int:
    """Look tanh up for a fixed-point value; beyond the table its last entry holds."""
    entry = min(abs(value) >> lstm.table_shift, lstm.table.shape[0] - 1)
    magnitude: int = lstm.table[entry]
    return magnitude if value >= 0 else -magnitude


@kernel
def _tanh_of_cell(
    c: NDArray[np.int64],
    cell: TileArrays,
    lstm: LSTMArrays,
    out: NDArray[np.int64],
    record: TileRecord,
    sequence: int,
    timestep: int,
) -> None:
    """Write tanh(c) (units,) to `out`, by table or by a conversion of the cell tile."""
    units = c.shape[0]
    if lstm.cell_level.shape[0] == 0:
        for unit in range(units):
            out[unit] = tanh_by_table(c[unit], lstm)
        return
    drive = np.empty(units, dtype=np.int64)
    charge = np.empty(units, dtype=np.int64)
    for unit in range(units):
        drive[unit] = pulse_width(c[unit], lstm.cell_full_scale, lstm.cell_steps)
    convert_recorded(cell, drive, charge, out, record, sequence, timestep)
    for unit in range(units):
        out[unit] = lstm.cell_level[out[unit]]


@kernel
def run_lstm(
    gates: TileArrays,
    cell: TileArrays,
    lstm: LSTMArrays,
    x_drive: NDArray[np.int16],
    outputs: LSTMOutputs,
    gates_record: TileRecord,
    cell_record: TileRecord,
) -> None:
    """Run every timestep of a block of sequences.

    Parameters
    ----------
    gates : TileArrays
        Tile of the four gates; rows are the inputs, the fed-back h and a bias row.
    cell : TileArrays
        Tile of the second pass; unused where `lstm` has a table.
    lstm : LSTMArrays
        Numbers of the digital units.
    x_drive : int16 (sequences, timesteps, inputs)
        Inputs as signed pulse widths.
    outputs : LSTMOutputs
        Out: what was computed.
    gates_record, cell_record : TileRecord
        Out: what the tiles did.
    """
    sequences, timesteps, inputs = x_drive.shape
    columns = gates.difference.shape[1]
    units = columns // 4
    drive = np.empty(inputs + units + 1, dtype=np.int64)
    charge = np.empty(columns, dtype=np.int64)
    code = np.empty(columns, dtype=np.int64)
    c = np.empty(units, dtype=np.int64)
    tanh_c = np.empty(units, dtype=np.int64)
    for sequence in range(sequences):
        c[:] = 0
        drive[inputs:] = 0
        drive[inputs + units] = lstm.drive_steps
        for timestep in range(timesteps):
            drive[:inputs] = x_drive[sequence, timestep]
            convert_recorded(gates, drive, charge, code, gates_record, sequence, timestep)
            update_cell(code, lstm, c)
            _tanh_of_cell(c, cell, lstm, tanh_c, cell_record, sequence, timestep)
            for unit in range(units):
                column = 3 * units + unit
                o = lstm.level[column, code[column]]
                h = saturate(round_shift(o * tanh_c[unit], lstm.fraction_bits), lstm.word_limit)
                width = pulse_width(h, 1 << lstm.fraction_bits, lstm.drive_steps)
                drive[inputs + unit] = width
                outputs.h[sequence, timestep, unit] = h
                outputs.h_drive[sequence, timestep, unit] = width
            outputs.code[sequence, timestep, :] = code
            outputs.c[sequence, timestep, :] = c
