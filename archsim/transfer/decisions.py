"""Rules that the whole chip shares: rounding half up, pulse widths, the first threshold above.

Their jitted twins are in `archsim.numeric.fixed` and `archsim.numeric.search`; a test holds all of
them together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def half_up(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round numbers (any shape) to the nearest whole one, halves towards plus infinity.

    The sum with a half is taken in floating point: the number just below 0.5 becomes 1.
    """
    return np.asarray(np.floor(value + 0.5))


def pulse_widths(value: NDArray[Any], full_scale: float, steps: int) -> NDArray[np.int16]:
    """Return the signed pulse widths that drive rows with numbers (any shape), in cycles.

    A magnitude of `full_scale` or more is `steps` cycles; others are rounded half up. Whole numbers
    below 2**53 / `steps` are rounded exactly, as `archsim.numeric.fixed.pulse_width` does.
    """
    magnitude = half_up(np.abs(value, dtype=np.float64) * steps / full_scale)
    return np.asarray(np.sign(value) * np.minimum(magnitude, steps), dtype=np.int16)


def first_above(threshold: NDArray[Any], value: NDArray[Any]) -> NDArray[np.int64]:
    """Return the index of the first threshold above each value.

    Parameters
    ----------
    threshold : array (thresholds,)
        Thresholds that never fall.
    value : array (any shape)
        Values. One that equals a threshold is not below it: the next one decides.

    Returns
    -------
    int64 array (as `value`)
        Indices; ``thresholds`` where no threshold is above the value.
    """
    return np.asarray(np.searchsorted(threshold, value, side="right"), dtype=np.int64)
