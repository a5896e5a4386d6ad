"""Functions ``x * gate(x)`` with a turning point: SiLU and GELU.

Both fall from 0 to their turning point and rise from there: two branches. They are clipped at the
configured input range.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from archsim.network.activations.base import Activation, Array, Branch
from archsim.network.activations.registry import register

_BISECTIONS = 100
"""Enough to halve any of the brackets below to neighbouring floats around any turning point."""

_erfc = np.vectorize(math.erfc, otypes=[np.float64])


class _Gated(Activation):
    """What both have in common.

    Attributes
    ----------
    turning : float
        Where the function is least.
    vanishes : float
        An x below which the function is 0 in float64.
    """

    turning: float
    vanishes: float

    def inverse(self, y: Array) -> Array:
        """Return the x at or above the turning point."""
        y = np.asarray(y, dtype=np.float64)
        high = np.maximum(y, 0.0) + 1.0  # the function is above x - 0.3
        return bisect(self.value, y, low=np.full_like(y, self.turning), high=high, rising=True)

    def _inverse_left(self, y: Array) -> Array:
        """Return the x at or below the turning point."""
        y = np.asarray(y, dtype=np.float64)
        low, high = np.full_like(y, self.vanishes), np.full_like(y, self.turning)
        return bisect(self.value, y, low=low, high=high, rising=False)

    def branches(self) -> tuple[Branch, ...]:
        """Return the branch that falls and the branch that rises."""
        return (
            Branch(-math.inf, self.turning, rising=False, inverse=self._inverse_left),
            Branch(self.turning, math.inf, rising=True, inverse=self.inverse),
        )


@register
class SiLU(_Gated):
    """``x / (1 + exp(-x))``, also known as swish."""

    name = "silu"
    turning = -1.2784645427610738  # -(1 + W(1/e)), where 1 + x * (1 - sigmoid(x)) is 0
    vanishes = -800.0

    def value(self, x: Array) -> Array:
        """Return x * sigmoid(x), in full also where the sigmoid is tiny."""
        x = np.asarray(x, dtype=np.float64)
        return np.asarray(x * np.exp(-np.logaddexp(0.0, -x)))


@register
class GELU(_Gated):
    """``x * Phi(x)`` with the normal distribution itself, not its approximation by tanh."""

    name = "gelu"
    turning = -0.7517915246935645  # where Phi(x) + x * phi(x) is 0
    vanishes = -40.0

    def value(self, x: Array) -> Array:
        """Return x * Phi(x), in full also where Phi is tiny."""
        x = np.asarray(x, dtype=np.float64)
        return np.asarray(0.5 * x * _erfc(x * -math.sqrt(0.5)))


def bisect(
    value: Callable[[Array], Array], y: Array, *, low: Array, high: Array, rising: bool
) -> Array:
    """Return x between `low` and `high` with ``value(x) = y``, by halving the bracket.

    Halving needs no derivative, which vanishes at a turning point, and cannot leave the bracket;
    a ramp asks for at most 1,023 values, so it is quick enough.

    Parameters
    ----------
    value : callable
        Monotonic between `low` and `high`.
    y : float64, any shape
        Values, between those at `low` and `high`.
    low, high : float64, shape of `y`
        The bracket.
    rising : bool
        Whether `value` rises.
    """
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if ((middle == low) | (middle == high)).all():
            break
        beyond = (value(middle) < y) == rising
        low, high = np.where(beyond, middle, low), np.where(beyond, high, middle)
    return np.asarray(0.5 * (low + high))
