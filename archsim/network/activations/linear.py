"""The plain linear ramp: an ordinary converter, no function computed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.network.activations.base import Activation, register


@register
class Identity(Activation):
    """``y = x``, clipped at the configured input range."""

    name = "identity"

    def value(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return x."""
        return np.asarray(x, dtype=np.float64)

    def inverse(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return y."""
        return np.asarray(y, dtype=np.float64)
