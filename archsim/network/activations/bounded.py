"""Functions with two asymptotes: sigmoid, tanh and softsign."""

from __future__ import annotations

import numpy as np

from archsim.network.activations.base import Activation, Array
from archsim.network.activations.registry import register


@register
class Sigmoid(Activation):
    """``1 / (1 + exp(-x))``."""

    name = "sigmoid"
    bounds = (0.0, 1.0)

    def value(self, x: Array) -> Array:
        """Return the sigmoid, written with tanh so that no exponential overflows."""
        return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(x, dtype=np.float64)))

    def inverse(self, y: Array) -> Array:
        """Return the logit of y."""
        return np.log(y) - np.log1p(-y)


@register
class Tanh(Activation):
    """Hyperbolic tangent."""

    name = "tanh"
    bounds = (-1.0, 1.0)

    def value(self, x: Array) -> Array:
        """Return tanh(x)."""
        return np.tanh(np.asarray(x, dtype=np.float64))

    def inverse(self, y: Array) -> Array:
        """Return artanh(y)."""
        return np.arctanh(y)


@register
class Softsign(Activation):
    """``x / (1 + |x|)``.

    It comes near its asymptotes only as ``1 / |x|``: with P levels the last threshold is at
    ``x = P - 2``, and the largest ramp cell about ``P**2 / 3`` times the smallest. Clip it (see
    `Clipped`) where a device cannot hold such cells.
    """

    name = "softsign"
    bounds = (-1.0, 1.0)

    def value(self, x: Array) -> Array:
        """Return x / (1 + |x|)."""
        x = np.asarray(x, dtype=np.float64)
        return np.asarray(x / (1.0 + np.abs(x)))

    def inverse(self, y: Array) -> Array:
        """Return y / (1 - |y|)."""
        y = np.asarray(y, dtype=np.float64)
        return np.asarray(y / (1.0 - np.abs(y)))
