"""A linear layer for a block of sequences: on tiles with a linear ramp, or in digital units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.convert import Stage, convert, take_inputs
from archsim.kernels.drive import make_drive
from archsim.kernels.scratch import make_scratch
from archsim.numeric.fixed import round_shift, saturate
from archsim.numeric.jit import kernel


@kernel
def run_linear_tiles(
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
