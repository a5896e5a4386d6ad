"""All timesteps of an LSTM layer on its tiles, for a block of sequences.

Per timestep: one conversion of the gates' tiles, then the digital step (section 4 of the model)

    c_t = f * c_{t-1} + i * g          m_t = o * tanh(c_t)          h_t = m_t, or W_hr m_t

in fixed point. ``f * c + i * g`` is summed at full width and rounded once. ``tanh(c_t)`` is a table
look-up, or one conversion of small tiles whose row ``u`` drives only column ``u``. A projection
``W_hr`` is one more conversion, with a straight ramp.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.convert import SPARE_INPUTS, convert_fused, convert_walked, take_inputs
from archsim.kernels.grid import AnyGrid
from archsim.kernels.record import GridRecord
from archsim.kernels.scratch import make_scratch
from archsim.numeric.fixed import pulse_width, round_shift, saturate
from archsim.numeric.jit import kernel, leaf


class LSTMArrays(NamedTuple):
    """Numbers of an LSTM's digital units, in fixed point with `fraction_bits`.

    Attributes
    ----------
    level : int64 (4, codes)
        The value of its function that each code of a gate's columns stands for: the ramp's level
        ``y_k``, or what a digital processor makes of the code of an ordinary converter.
    fraction_bits, word_limit : int
        Format of c, h and the levels; words hold ``-word_limit - 1 .. word_limit``.
    drive_steps : int
        Largest pulse width of an input, ``2**n_in - 1``.
    table : int64 (entries,), or no entries
        tanh at the middle of each entry's interval of ``|c|``.
    table_shift : int
        ``|c| >> table_shift`` is the entry.
    cell_level : int64 (2**n_out,), or no entries
        Levels of the second pass's codes; empty where the table is used.
    cell_full_scale, cell_steps : int
        The ``|c|`` (fixed point) that stands for the largest pulse width, and that width.
    projection_level : int64 (codes,), or no entries
        Levels of the projection's codes; empty where there is none.
    h_full_scale : int
        The ``|h|`` (fixed point) that stands for the largest pulse width; that of m is 1.
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
    projection_level: NDArray[np.int64]
    h_full_scale: int


class LSTMOutputs(NamedTuple):
    """What an LSTM layer computed for a block of sequences.

    Attributes
    ----------
    code : uint16 (sequences, timesteps, 4 * units)
        Codes of the gates, in the order i, f, g, o.
    c : int32 (sequences, timesteps, units)
        Cell state, fixed point.
    h : int32 (sequences, timesteps, elements)
        Hidden state, or its projection, fixed point.
    h_drive : int16 (sequences, timesteps, elements)
        The same as signed pulse widths, as it is fed back and passed on.
    """

    code: NDArray[np.uint16]
    c: NDArray[np.int32]
    h: NDArray[np.int32]
    h_drive: NDArray[np.int16]


@leaf
def update_cell(code: NDArray[np.uint16], lstm: LSTMArrays, c: NDArray[np.int64]) -> None:
    """Replace ``c`` (sequences, units) by ``f * c + i * g`` of the gates' codes."""
    sequences, units = c.shape
    level, bits, limit = lstm.level, lstm.fraction_bits, lstm.word_limit
    for sequence in range(sequences):
        for unit in range(units):
            i = level[0, code[sequence, unit]]
            f = level[1, code[sequence, units + unit]]
            g = level[2, code[sequence, 2 * units + unit]]
            total = f * c[sequence, unit] + i * g
            c[sequence, unit] = saturate(round_shift(total, bits), limit)


@leaf
def tanh_by_table(value: int, table: NDArray[np.int64], shift: int) -> int:
    """Look tanh up for a fixed-point value; beyond the table its last entry holds."""
    entry = min(abs(value) >> shift, table.shape[0] - 1)
    magnitude: int = table[np.uint64(entry)]
    return magnitude if value >= 0 else -magnitude


@leaf
def _tanh_by_tables(c: NDArray[np.int64], lstm: LSTMArrays, out: NDArray[np.int64]) -> None:
    """Write tanh(c) (sequences, units) to `out` by the table."""
    table, shift = lstm.table, lstm.table_shift
    for sequence in range(c.shape[0]):
        for unit in range(c.shape[1]):
            out[sequence, unit] = tanh_by_table(c[sequence, unit], table, shift)


@leaf
def _look_up(level: NDArray[np.int64], code: NDArray[np.uint16], out: NDArray[np.int64]) -> None:
    """Write what codes (sequences, columns) stand for to `out`."""
    for sequence in range(code.shape[0]):
        for column in range(code.shape[1]):
            out[sequence, column] = level[code[sequence, column]]


@leaf
def _multiply_output(
    code: NDArray[np.uint16],
    tanh_c: NDArray[np.int64],
    lstm: LSTMArrays,
    out: NDArray[np.int64],
) -> None:
    """Write ``o * tanh(c)`` (sequences, units) to `out`."""
    sequences, units = tanh_c.shape
    level, bits, limit = lstm.level, lstm.fraction_bits, lstm.word_limit
    for sequence in range(sequences):
        for unit in range(units):
            o = level[3, code[sequence, 3 * units + unit]]
            out[sequence, unit] = saturate(round_shift(o * tanh_c[sequence, unit], bits), limit)


@leaf
def _encode(
    value: NDArray[np.int64],
    full_scale: int,
    steps: int,
    drive: NDArray[np.int16],
    stride: int,
    first: int,
) -> None:
    """Write fixed-point values (sequences, elements) as pulse widths, from input `first` on."""
    for sequence in range(value.shape[0]):
        mine = drive[sequence * stride + first :][: value.shape[1]]
        for element in range(value.shape[1]):
            mine[element] = pulse_width(value[sequence, element], full_scale, steps)


@leaf
def _give_outputs(
    outputs: LSTMOutputs,
    timestep: int,
    code: NDArray[np.uint16],
    c: NDArray[np.int64],
    h: NDArray[np.int64],
    drive: NDArray[np.int16],
    stride: int,
    first: int,
) -> None:
    """Write a timestep's codes and states."""
    for sequence in range(code.shape[0]):
        of_code, of_c = outputs.code[sequence, timestep], outputs.c[sequence, timestep]
        of_h, of_drive = outputs.h[sequence, timestep], outputs.h_drive[sequence, timestep]
        for column in range(code.shape[1]):
            of_code[column] = code[sequence, column]
        for unit in range(c.shape[1]):
            of_c[unit] = c[sequence, unit]
        for element in range(h.shape[1]):
            of_h[element] = h[sequence, element]
        mine = drive[sequence * stride + first :][: h.shape[1]]
        for element in range(h.shape[1]):
            of_drive[element] = mine[element]


@kernel
def run_lstm(
    gates: AnyGrid,
    cell: AnyGrid | None,
    projection: AnyGrid | None,
    lstm: LSTMArrays,
    x_drive: NDArray[np.int16],
    outputs: LSTMOutputs,
    records: tuple[GridRecord, GridRecord | None, GridRecord | None],
    plain: int | None = 1,
    walk: int | None = 1,
) -> None:
    """Run every timestep of a block of sequences.

    What is None is left out of the machine code, which takes long enough to make.

    Parameters
    ----------
    gates : GridArrays or PlainArrays
        Tiles of the gates; rows are the inputs, the fed-back h and a bias row where there is one.
    cell : the same or None
        Tiles of tanh(c), None where the table is used.
    projection : the same or None
        Tiles of the projection, None where there is none.
    lstm : LSTMArrays
        Numbers of the digital units.
    x_drive : int16 (sequences, timesteps, inputs)
        Inputs as signed pulse widths.
    outputs : LSTMOutputs
        Out: what was computed.
    records : tuple of GridRecord
        Out: what the tiles of gates, cell and projection did; None for what there is not.
    plain : int or None
        As of `convert_fused`.
    walk : int or None
        None where nothing is walked, so that the walk is left out of the machine code.
    """
    sequences, timesteps, inputs = x_drive.shape
    units, elements = outputs.c.shape[2], outputs.h.shape[2]
    one, steps = 1 << lstm.fraction_bits, lstm.drive_steps
    cell_scale, cell_steps = lstm.cell_full_scale, lstm.cell_steps
    h_scale = lstm.h_full_scale
    stride = inputs + elements + 1
    drive = np.zeros(sequences * stride + SPARE_INPUTS, dtype=np.int16)
    for sequence in range(sequences):
        drive[sequence * stride + inputs + elements] = steps
    code = np.empty((sequences, 4 * units), dtype=np.uint16)
    c = np.zeros((sequences, units), dtype=np.int64)
    value = np.empty((sequences, units), dtype=np.int64)
    h = np.empty((sequences, elements), dtype=np.int64)
    inner = np.zeros(sequences * units + SPARE_INPUTS, dtype=np.int16)
    of_units = np.empty((sequences, units), dtype=np.uint16)
    of_elements = np.empty((sequences, elements), dtype=np.uint16)
    scratch = make_scratch(gates, sequences, plain)
    if cell is not None:
        cell_scratch = make_scratch(cell, sequences, plain)
    if projection is not None:
        projection_scratch = make_scratch(projection, sequences, plain)
    # Nothing shared is taken out of a tuple in the loop: threads would wait for its references.
    of_gates, of_cell, projected = records
    cell_level, projection_level = lstm.cell_level, lstm.projection_level
    for timestep in range(timesteps):
        take_inputs(x_drive, timestep, drive, stride)
        convert_fused(gates, drive, stride, code, of_gates, timestep, scratch, plain)
        if walk is not None:
            convert_walked(gates, drive, stride, code, of_gates, timestep, scratch)
        update_cell(code, lstm, c)
        if cell is None:
            _tanh_by_tables(c, lstm, value)
        else:
            _encode(c, cell_scale, cell_steps, inner, units, 0)
            convert_fused(cell, inner, units, of_units, of_cell, timestep, cell_scratch, plain)
            if walk is not None:
                convert_walked(cell, inner, units, of_units, of_cell, timestep, cell_scratch)
            _look_up(cell_level, of_units, value)
        if projection is None:
            _multiply_output(code, value, lstm, h)
        else:
            _multiply_output(code, value, lstm, value)
            _encode(value, one, steps, inner, units, 0)
            convert_fused(
                projection,
                inner,
                units,
                of_elements,
                projected,
                timestep,
                projection_scratch,
                plain,
            )
            if walk is not None:
                convert_walked(
                    projection, inner, units, of_elements, projected, timestep, projection_scratch
                )
            _look_up(projection_level, of_elements, h)
        _encode(h, h_scale, steps, drive, stride, inputs)
        _give_outputs(outputs, timestep, code, c, h, drive, stride, inputs)
