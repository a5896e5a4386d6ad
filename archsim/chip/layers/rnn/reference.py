"""A plain recurrent layer in float64, without quantisation, noise or chip."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from archsim.network.activations import Activation

Array = NDArray[np.float64]


def rnn_float(
    x: Array,
    w_ih: Array,
    w_hh: Array,
    bias: Array | None,
    *,
    function: Activation,
    start: Array | None = None,
    watch: Callable[[str, Array, int], None] | None = None,
) -> Array:
    """Return ``h_t = f(W_ih x_t + W_hh h_{t-1} + b)``.

    Parameters
    ----------
    x : float64 (sequences, timesteps, inputs)
        Inputs.
    w_ih, w_hh : float64 (units, inputs), (units, units)
        Weights.
    bias : float64 (units,) or None
        Sum of PyTorch's two biases, None for a layer without.
    function : Activation
        The function.
    start : float64 (units,), optional
        h before the first timestep; zeros by default.
    watch : callable, optional
        Told of the sums before the function and of h, and the timestep.

    Returns
    -------
    float64 (sequences, timesteps, units)
        Hidden states.
    """
    units = w_hh.shape[1]
    added: Array | float = 0.0 if bias is None else bias
    h = np.tile(np.zeros(units) if start is None else start, (len(x), 1))
    out = np.empty((*x.shape[:2], units))
    for timestep in range(x.shape[1]):
        total = x[:, timestep] @ w_ih.T + h @ w_hh.T + added
        h = np.asarray(function.value(total))
        out[:, timestep] = h
        if watch is not None:
            watch("sum", total, timestep)
            watch("h", h, timestep)
    return out
