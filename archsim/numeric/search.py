"""Where a column latches: the jitted twin of `archsim.transfer.decisions.first_above`."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from archsim.numeric.jit import leaf


@leaf
def first_above(threshold: NDArray[Any], value: int) -> int:
    """Return the index of the first of thresholds that never fall which is above a value.

    As many as there are thresholds, where none is.
    """
    low, high = 0, threshold.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if threshold[middle] > value:
            high = middle
        else:
            low = middle + 1
    return low
