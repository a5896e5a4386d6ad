"""Converters without quantisation: in one cycle every column latches the step that it is at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.arrays import TileArrays
from archsim.numeric.jit import kernel
from archsim.vocabulary import Activity

_UNDECIDED = int(Activity.UNDECIDED)
_LATCHED = int(Activity.LATCHED)


@kernel
def latch_at_once(
    tile: TileArrays,
    threshold: NDArray[np.int64],
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    activity: NDArray[np.int64],
) -> None:
    """Latch what the first threshold above each column's charge stands for.

    Arguments are those of `archsim.kernels.ramp.compare_with_ramp`; thresholds rise.
    """
    last = threshold.shape[1] - 1
    for column in range(charge.shape[0]):
        ramp = tile.ramp_of_column[column]
        low, high = 0, last
        while low < high:
            middle = (low + high) >> 1
            if threshold[ramp, middle] > charge[column]:
                high = middle
            else:
                low = middle + 1
        code[column] = tile.step_code[ramp, low]
        activity[_UNDECIDED] += 1
        activity[_LATCHED] += 1
