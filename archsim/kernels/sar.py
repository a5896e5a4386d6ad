"""Successive approximation with converters that neighbouring columns share in turn.

Converter ``k`` serves columns ``k * n .. k * n + n - 1``, one after the other, each for
`cycles_per_conversion` cycles. In the first ``n_out`` of them it decides a bit a cycle, the highest
first, against the same thresholds as a straight ramp of that resolution; the rest is sampling.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.arrays import TileArrays
from archsim.kernels.ramp import decision_noise
from archsim.numeric.jit import kernel
from archsim.vocabulary import Activity

_UNDECIDED = int(Activity.UNDECIDED)
_LATCHED = int(Activity.LATCHED)


@kernel
def compare_successively(
    tile: TileArrays,
    threshold: NDArray[np.int64],
    step: int,
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    activity: NDArray[np.int64],
    sequence: int,
    conversion: int,
) -> None:
    """Decide one bit of the column that each converter is at in cycle `step` of its phase."""
    slot, cycle = divmod(step, tile.cycles_per_conversion)
    bits = 0
    while (1 << bits) < tile.threshold.shape[1]:
        bits += 1
    if cycle >= bits:
        return
    bit = bits - 1 - cycle
    ramp_of_column, offset = tile.ramp_of_column, tile.analog.comparator_offset
    sigma, seed, number = tile.analog.decision_sigma, tile.analog.seed, tile.analog.tile
    for column in range(slot, charge.shape[0], tile.columns_per_converter):
        so_far = 0 if cycle == 0 else code[column]
        trial = so_far | (1 << bit)
        level = threshold[ramp_of_column[column], trial - 1]
        seen = float(charge[column] + offset[column])
        if sigma != 0.0:
            seen += sigma * decision_noise(seed, number, column, trial, sequence, conversion)
        code[column] = trial if level <= seen else so_far
        activity[_UNDECIDED] += 1
        if bit == 0:
            activity[_LATCHED] += 1
