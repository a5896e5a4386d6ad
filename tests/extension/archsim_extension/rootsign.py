"""An activation function that archsim does not bring."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.network.activations.base import Activation


class RootSign(Activation):
    """``x / sqrt(1 + x^2)``."""

    name = "rootsign"
    bounds = (-1.0, 1.0)

    def value(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the function of x (any shape)."""
        x = np.asarray(x, dtype=np.float64)
        return x / np.hypot(1.0, x)

    def inverse(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``y / sqrt(1 - y^2)``, for y between -1 and 1."""
        return np.asarray(y / np.sqrt((1.0 - y) * (1.0 + y)))
