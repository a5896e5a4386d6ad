"""Functions in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.network.activations import get_activation

Array = NDArray[np.float64]


def function_float(name: str, x: Array) -> Array:
    """Return a function of x (sequences, timesteps, elements); softmax is over the elements."""
    if name != "softmax":
        return np.asarray(get_activation(name).value(x))
    share = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(share / share.sum(axis=-1, keepdims=True))
