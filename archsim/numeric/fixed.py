"""Fixed-point arithmetic of the digital units: round half up, saturate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.numeric.jit import leaf


@leaf
def round_shift(value: int, bits: int) -> int:
    """Divide by ``2**bits``, rounding half up (towards plus infinity)."""
    if bits == 0:
        return value
    return (value + (1 << (bits - 1))) >> bits


@leaf
def saturate(value: int, limit: int) -> int:
    """Clamp to ``-limit - 1 .. limit``, the range of a two's complement word."""
    return min(max(value, -limit - 1), limit)


@leaf
def scaled_magnitude(value: int, full_scale: int, steps: int) -> int:
    """Return ``|value| / full_scale`` in `steps` steps, rounded half up, saturated at `steps`.

    The quotient is taken in floating point, which is several times as fast: below 2**52 it is
    exact, since a quotient that is not whole is further from the next whole number than it rounds.
    """
    magnitude = int((2 * abs(value) * steps + full_scale) / (2 * full_scale))
    return min(magnitude, steps)


@leaf
def pulse_width(value: int, full_scale: int, steps: int) -> int:
    """Return the signed pulse width, in cycles, that drives a row with `value`."""
    magnitude = scaled_magnitude(value, full_scale, steps)
    return magnitude if value >= 0 else -magnitude


@leaf
def odd_from_table(value: int, table: NDArray[np.int64], shift: int) -> int:
    """Look an odd function up for a fixed-point value; beyond the table its last entry holds.

    Parameters
    ----------
    value : int
        The value.
    table : int64 (entries,)
        The function for values from 0, each entry for ``2**shift`` of them.
    shift : int
        ``|value| >> shift`` is the entry.
    """
    entry = min(abs(value) >> shift, table.shape[0] - 1)
    magnitude: int = table[np.uint64(entry)]
    return magnitude if value >= 0 else -magnitude
