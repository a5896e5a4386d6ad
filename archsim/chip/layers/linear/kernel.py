"""A linear layer in digital units, for a block of sequences; on tiles it is conversions alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.numeric.fixed import round_shift, saturate
from archsim.numeric.jit import kernel


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
