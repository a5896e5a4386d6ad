"""A linear layer in float64, without quantisation, noise or chip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def linear_float(x: Array, weight: Array, bias: Array | None) -> Array:
    """Return ``x @ weight.T + bias`` for x (..., inputs), weight (units, inputs)."""
    return np.asarray(x @ weight.T if bias is None else x @ weight.T + bias)
