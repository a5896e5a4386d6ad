"""An LSTM in float64, without quantisation, noise or chip: what accuracy is held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.network.activations import Activation, get_activation

Array = NDArray[np.float64]

GATES = ("i", "f", "g", "o")
"""Gates in PyTorch's order."""


@dataclass(frozen=True)
class LSTMFunctions:
    """Activation functions of an LSTM: of its gates, as in `GATES`, and of its cell state."""

    gates: tuple[Activation, ...]
    state: Activation


def usual_functions() -> LSTMFunctions:
    """Return the functions of an LSTM as most have it."""
    sigmoid, tanh = get_activation("sigmoid"), get_activation("tanh")
    return LSTMFunctions((sigmoid, sigmoid, tanh, sigmoid), tanh)


def lstm_float(
    x: Array,
    w_ih: Array,
    w_hh: Array,
    bias: Array | None,
    w_hr: Array | None = None,
    *,
    functions: LSTMFunctions | None = None,
    start: tuple[Array, Array] | None = None,
    watch: Callable[[str, Array, int], None] | None = None,
) -> Array:
    """Run an LSTM layer.

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
    functions : LSTMFunctions, optional
        By default sigmoids and tanh.
    start : float64 (elements,) and (units,), optional
        h and c before the first timestep; zeros by default.
    watch : callable, optional
        Told of c and h (sequences, units or elements) and the timestep.

    Returns
    -------
    float64 (sequences, timesteps, elements)
        Hidden states, projected where there is a projection.
    """
    functions = functions or usual_functions()
    of_i, of_f, of_g, of_o = (function.value for function in functions.gates)
    sequences, timesteps, _ = x.shape
    units, elements = w_hh.shape[0] // 4, w_hh.shape[1]
    added: Array | float = 0.0 if bias is None else bias
    first = (np.zeros(elements), np.zeros(units)) if start is None else start
    h, c = (np.tile(each, (sequences, 1)) for each in first)
    out = np.empty((sequences, timesteps, elements))
    for timestep in range(timesteps):
        i, f, g, o = np.split(x[:, timestep] @ w_ih.T + h @ w_hh.T + added, 4, axis=1)
        c = of_f(f) * c + of_i(i) * of_g(g)
        h = of_o(o) * functions.state.value(c)
        if w_hr is not None:
            h = h @ w_hr.T
        out[:, timestep] = h
        if watch is not None:
            watch("c", c, timestep)
            watch("h", h, timestep)
    return out
