"""Recurrent cells in float64: what files of networks are held against, whatever a chip does.

Each cell is a step from inputs and state to the next state; `run_cell` takes it through time. The
equations are those of PyTorch's documentation (torch.nn.LSTM, GRU, RNN); a GRU that resets h before
its product is that of Cho et al. (EMNLP 2014, section 2.3), as Keras and ONNX have it beside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
OfArray = Callable[[Array], Array]
Step = Callable[[Array, tuple[Array, ...]], tuple[Array, ...]]
"""From inputs (sequences, inputs) and states (sequences, elements) to the next ones; h is first."""


def sigmoid(x: Array) -> Array:
    """Return the logistic sigmoid, without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def lstm_step(
    w_ih: Array,
    w_hh: Array,
    bias: Array | float = 0.0,
    w_hr: Array | None = None,
    functions: Sequence[OfArray] = (sigmoid, sigmoid, np.tanh, sigmoid, np.tanh),
) -> Step:
    """Return the step of LSTM units with states h and c.

    Parameters
    ----------
    w_ih, w_hh : float64 (4 * units, inputs), (4 * units, elements)
        Weights, gates i, f, g, o.
    bias : float64 (4 * units,)
        Sum of its biases.
    w_hr : float64 (elements, units), optional
        Projection of h.
    functions : sequence of callable
        Functions of i, f, g, o and of c on its way to h.
    """
    of_i, of_f, of_g, of_o, of_c = functions

    def step(x: Array, states: tuple[Array, ...]) -> tuple[Array, ...]:
        h, c = states
        i, f, g, o = np.split(x @ w_ih.T + h @ w_hh.T + bias, 4, axis=1)
        c = of_f(f) * c + of_i(i) * of_g(g)
        h = of_o(o) * of_c(c)
        return (h if w_hr is None else h @ w_hr.T), c

    return step


def gru_step(
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | float = 0.0,
    b_hh: Array | float = 0.0,
    *,
    reset_after: bool = True,
) -> Step:
    """Return the step of GRU units with state h.

    Parameters
    ----------
    w_ih, w_hh : float64 (3 * units, inputs), (3 * units, units)
        Weights, gates r, z, n.
    b_ih, b_hh : float64 (3 * units,)
        Biases.
    reset_after : bool
        ``n = tanh(W x + b_ih + r * (U h + b_hh))``, or else
        ``n = tanh(W x + b_ih + U (r * h) + b_hh)``.
    """
    units = w_hh.shape[1]
    b_hh = np.broadcast_to(b_hh, (3 * units,))

    def step(x: Array, states: tuple[Array, ...]) -> tuple[Array, ...]:
        (h,) = states
        given = x @ w_ih.T + b_ih
        gates = given[:, : 2 * units] + h @ w_hh[: 2 * units].T + b_hh[: 2 * units]
        r, z = np.split(sigmoid(gates), 2, axis=1)
        u, b = w_hh[2 * units :].T, b_hh[2 * units :]
        fed_back = r * (h @ u + b) if reset_after else (r * h) @ u + b
        n = np.tanh(given[:, 2 * units :] + fed_back)
        return ((1.0 - z) * n + z * h,)

    return step


def rnn_step(w_ih: Array, w_hh: Array, bias: Array | float, function: OfArray) -> Step:
    """Return the step of units without gates, ``h = function(W x + U h + b)``."""

    def step(x: Array, states: tuple[Array, ...]) -> tuple[Array, ...]:
        return (function(x @ w_ih.T + states[0] @ w_hh.T + bias),)

    return step


def run_cell(
    step: Step,
    x: Array,
    states: Sequence[Array],
    *,
    lengths: NDArray[np.int64] | None = None,
    backward: bool = False,
) -> Array:
    """Take a cell through time.

    Parameters
    ----------
    step : callable
        The cell.
    x : float64 (sequences, timesteps, inputs)
        Inputs.
    states : sequence of float64 (elements,)
        States before the first timestep, h first.
    lengths : int64 (sequences,), optional
        Timesteps of each sequence; what comes after is not seen, and gives zeros.
    backward : bool
        Begin at the last timestep; outputs stand at the timesteps of their inputs.

    Returns
    -------
    float64 (sequences, timesteps, elements)
        h at every timestep.
    """
    sequences, timesteps, _ = x.shape
    ends = np.full(sequences, timesteps) if lengths is None else np.asarray(lengths)
    now = tuple(np.tile(state, (sequences, 1)) for state in states)
    out = np.zeros((sequences, timesteps, states[0].size))
    for timestep in reversed(range(timesteps)) if backward else range(timesteps):
        within = (timestep < ends)[:, None]
        after = step(x[:, timestep], now)
        now = tuple(np.where(within, new, old) for new, old in zip(after, now, strict=True))
        out[:, timestep] = np.where(within, now[0], 0.0)
    return out
