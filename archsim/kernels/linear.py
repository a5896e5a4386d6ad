"""A linear layer for a block of sequences: on tiles with a linear ramp, or in digital units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.convert import SPARE_INPUTS, convert_fused, convert_walked, take_inputs
from archsim.kernels.grid import AnyGrid
from archsim.kernels.record import GridRecord
from archsim.kernels.scratch import make_scratch
from archsim.numeric.fixed import round_shift, saturate
from archsim.numeric.jit import kernel


@kernel
def run_linear_tiles(
    grid: AnyGrid,
    bias_drive: int,
    x_drive: NDArray[np.int16],
    code: NDArray[np.uint16],
    record: GridRecord,
    plain: int | None = 1,
    walk: int | None = 1,
) -> None:
    """Convert every input vector of a block of sequences.

    Parameters
    ----------
    grid : GridArrays or PlainArrays
        Tiles; rows are the inputs and a bias row where there is one.
    bias_drive : int
        Pulse width of the bias row, in cycles; no tile reads it where there is no such row.
    x_drive : int16 (sequences, conversions, inputs)
        Inputs as signed pulse widths.
    code : uint16 (sequences, conversions, columns)
        Out: codes.
    record : GridRecord
        Out: what the tiles did.
    plain, walk : int or None
        As of `run_lstm`.
    """
    sequences, conversions, inputs = x_drive.shape
    stride = inputs + 1
    drive = np.zeros(sequences * stride + SPARE_INPUTS, dtype=np.int16)
    for sequence in range(sequences):
        drive[sequence * stride + inputs] = bias_drive
    latched = np.empty((sequences, code.shape[2]), dtype=np.uint16)
    scratch = make_scratch(grid, sequences, plain)
    for conversion in range(conversions):
        take_inputs(x_drive, conversion, drive, stride)
        convert_fused(grid, drive, stride, latched, record, conversion, scratch, plain)
        if walk is not None:
            convert_walked(grid, drive, stride, latched, record, conversion, scratch)
        for sequence in range(sequences):
            for column in range(latched.shape[1]):
                code[sequence, conversion, column] = latched[sequence, column]


@kernel
def run_linear_digital(
    weight: NDArray[np.int64],
    bias: NDArray[np.int64],
    fraction_bits: int,
    word_limit: int,
    x: NDArray[np.int32],
    y: NDArray[np.int32],
) -> None:
    """Multiply and accumulate in fixed point, rounding once at the end.

    Parameters
    ----------
    weight : int64 (units, inputs)
        Weights, fixed point.
    bias : int64 (units,)
        Biases, fixed point.
    fraction_bits, word_limit : int
        The format of weights, inputs and outputs.
    x : int32 (sequences, conversions, inputs)
        Inputs, fixed point.
    y : int32 (sequences, conversions, units)
        Out: ``weight @ x + bias``, fixed point.
    """
    for sequence in range(x.shape[0]):
        for conversion in range(x.shape[1]):
            for unit in range(weight.shape[0]):
                total = bias[unit] << fraction_bits
                for index in range(weight.shape[1]):
                    total += weight[unit, index] * np.int64(x[sequence, conversion, index])
                y[sequence, conversion, unit] = saturate(
                    round_shift(total, fraction_bits), word_limit
                )
