"""A GRU in float64, without quantisation, noise or chip: what accuracy is held against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from archsim.network.activations import get_activation

Array = NDArray[np.float64]


def gru_float(
    x: Array,
    w_ih: Array,
    w_hh: Array,
    biases: tuple[Array, Array] | None,
    *,
    resets_before: bool,
    start: Array | None = None,
    watch: Callable[[str, Array, int], None] | None = None,
) -> Array:
    """Run a GRU layer.

    Parameters
    ----------
    x : float64 (sequences, timesteps, inputs)
        Inputs.
    w_ih, w_hh : float64 (3 * units, inputs), (3 * units, units)
        Weights, in PyTorch's order r, z, n.
    biases : pair of float64 (3 * units,), or None
        Those of inputs and of h, None for a layer without.
    resets_before : bool
        Whether r multiplies h on its way into the matrix, not what comes out of it.
    start : float64 (units,), optional
        h before the first timestep; zeros by default.
    watch : callable, optional
        Told of the sums that make the candidate, and the timestep.

    Returns
    -------
    float64 (sequences, timesteps, units)
        Hidden states.
    """
    units = w_hh.shape[1]
    sigmoid, tanh = (get_activation(name).value for name in ("sigmoid", "tanh"))
    first, second = biases or (np.zeros(3 * units), np.zeros(3 * units))
    h = np.tile(np.zeros(units) if start is None else start, (len(x), 1))
    out = np.empty((*x.shape[:2], units))
    w_hr, w_hz, w_hn = np.split(w_hh, 3)
    b_hr, b_hz, b_hn = np.split(second, 3)
    for timestep in range(x.shape[1]):
        of_r, of_z, of_n = np.split(x[:, timestep] @ w_ih.T + first, 3, axis=1)
        r = sigmoid(of_r + h @ w_hr.T + b_hr)
        z = sigmoid(of_z + h @ w_hz.T + b_hz)
        if resets_before:
            of_h = (r * h) @ w_hn.T + b_hn
            n = tanh(of_n + of_h)
        else:
            of_h = h @ w_hn.T + b_hn
            n = tanh(of_n + r * of_h)
        if watch is not None:
            watch("candidate", np.concatenate([of_n, of_h], axis=1), timestep)
        h = (1 - z) * n + z * h
        out[:, timestep] = h
    return out
