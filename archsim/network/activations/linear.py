"""Functions made of straight lines: identity, the linear ramp, and ReLU."""

from __future__ import annotations

import numpy as np

from archsim.network.activations.base import Activation, Array
from archsim.network.activations.registry import register


@register
class Identity(Activation):
    """``y = x``, clipped at the configured input range: an ordinary converter."""

    name = "identity"

    def value(self, x: Array) -> Array:
        """Return x."""
        return np.asarray(x, dtype=np.float64)

    def inverse(self, y: Array) -> Array:
        """Return y."""
        return np.asarray(y, dtype=np.float64)


@register
class ReLU(Activation):
    """``max(x, 0)``, clipped at the configured input range.

    Its flat part costs no ramp cell: all of it is below the first threshold.
    """

    name = "relu"

    def value(self, x: Array) -> Array:
        """Return max(x, 0)."""
        return np.maximum(np.asarray(x, dtype=np.float64), 0.0)

    def inverse(self, y: Array) -> Array:
        """Return y, which is above 0 strictly inside the output range."""
        return np.asarray(y, dtype=np.float64)
