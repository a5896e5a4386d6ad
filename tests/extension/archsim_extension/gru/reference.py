"""PyTorch's GRU in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def gru_float(x: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array) -> Array:
    """Run a GRU from zero state.

    Parameters
    ----------
    x : float64 (sequences, timesteps, inputs)
        Inputs.
    w_ih, w_hh : float64 (3 * units, inputs), (3 * units, units)
        Weights, in PyTorch's order r, z, n.
    b_ih, b_hh : float64 (3 * units,)
        Both biases.

    Returns
    -------
    float64 (sequences, timesteps, units)
        Hidden states.
    """
    units = w_hh.shape[1]
    h = np.zeros((x.shape[0], units))
    out = np.empty((*x.shape[:2], units))
    for timestep in range(x.shape[1]):
        of_x = np.split(x[:, timestep] @ w_ih.T + b_ih, 3, axis=1)
        of_h = np.split(h @ w_hh.T + b_hh, 3, axis=1)
        r, z = (_sigmoid(of_x[gate] + of_h[gate]) for gate in (0, 1))
        n = np.tanh(of_x[2] + r * of_h[2])
        h = (1 - z) * n + z * h
        out[:, timestep] = h
    return out
