"""Functions with two asymptotes: sigmoid and tanh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.network.activations.base import Activation, register


@register
class Sigmoid(Activation):
    """``1 / (1 + exp(-x))``."""

    name = "sigmoid"
    bounds = (0.0, 1.0)

    def value(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sigmoid, written with tanh so that no exponential overflows."""
        return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(x, dtype=np.float64)))

    def inverse(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logit of y."""
        return np.log(y) - np.log1p(-y)


@register
class Tanh(Activation):
    """Hyperbolic tangent."""

    name = "tanh"
    bounds = (-1.0, 1.0)

    def value(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return tanh(x)."""
        return np.tanh(np.asarray(x, dtype=np.float64))

    def inverse(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return artanh(y)."""
        return np.arctanh(y)
