"""The network in float64, without quantisation, noise or chip: what accuracy is held against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.network.activations import get_activation

Array = NDArray[np.float64]


def lstm_float(
    x: Array, w_ih: Array, w_hh: Array, bias: Array | None, w_hr: Array | None = None
) -> Array:
    """Run an LSTM layer from zero state.

    Parameters
    ----------
    x : float64 (sequences, timesteps, inputs)
        Inputs.
    w_ih, w_hh : float64 (4 * units, inputs), (4 * units, elements)
        Weights, gates in PyTorch's order i, f, g, o.
    bias : float64 (4 * units,) or None
        Sum of PyTorch's two biases, None for a layer without.
    w_hr : float64 (elements, units), optional
        Projection of h, where there is one (PyTorch's proj_size).

    Returns
    -------
    float64 (sequences, timesteps, elements)
        Hidden states, projected where there is a projection.
    """
    sigmoid, tanh = get_activation("sigmoid").value, get_activation("tanh").value
    sequences, timesteps, _ = x.shape
    units, elements = w_hh.shape[0] // 4, w_hh.shape[1]
    added: Array | float = 0.0 if bias is None else bias
    h = np.zeros((sequences, elements))
    c = np.zeros((sequences, units))
    out = np.empty((sequences, timesteps, elements))
    for timestep in range(timesteps):
        i, f, g, o = np.split(x[:, timestep] @ w_ih.T + h @ w_hh.T + added, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        if w_hr is not None:
            h = h @ w_hr.T
        out[:, timestep] = h
    return out


def linear_float(x: Array, weight: Array, bias: Array | None) -> Array:
    """Return ``x @ weight.T + bias`` for x (..., inputs), weight (units, inputs)."""
    return np.asarray(x @ weight.T if bias is None else x @ weight.T + bias)
