"""Fixed-point arithmetic of the digital units: round half up, saturate."""

from __future__ import annotations

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
