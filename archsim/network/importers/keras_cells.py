"""Recurrent layers of Keras: transposed, their gates put into PyTorch's order.

Keras has a row for each input. Gates come as i, f, c, o in an LSTM (c is g) and as z, r, h in a GRU
(h is n).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from archsim.listing import listed, shortened
from archsim.network.importers.base import Array
from archsim.network.importers.keras_graph import GraphNode
from archsim.network.importers.recurrent import Direction, GRUCell, LSTMCell, Recurrent, RNNCell

FUNCTIONS = {
    "linear": "identity", "relu": "relu", "sigmoid": "sigmoid", "tanh": "tanh", "elu": "elu",
    "selu": "selu", "softplus": "softplus", "softsign": "softsign", "silu": "silu",
    "swish": "silu", "gelu": "gelu", "softmax": "softmax", "log_softmax": "log_softmax",
}  # fmt: skip
"""Keras's names of functions, and those of the same ones here."""

_OWN = re.compile(r"keras\.(src\.)?layers(\.[\w.]{1,100})?")
_GRU_GATES = (1, 0, 2)
"""Where gates r, z, n stand in Keras."""


def cell_of(
    node: GraphNode, cell: GraphNode, inputs: tuple[str, ...], variables: Sequence[Array]
) -> Recurrent:
    """Return a recurrent layer.

    Parameters
    ----------
    node : GraphNode
        The layer of the model, perhaps a Bidirectional.
    cell : GraphNode
        The recurrent one in it.
    inputs : tuple of str
        What it takes in.
    variables : sequence of float64
        Its kernel, recurrent kernel and bias.

    Raises
    ------
    NetworkError
        If it has a function that is not simulated, or its weights are not as Keras has them.
    """
    bias = bool(cell.config.get("use_bias", True))
    check_count(node, variables, 2 + bias)
    common: dict[str, Any] = {
        "name": node.name,
        "inputs": inputs,
        "direction": Direction.BACKWARD if cell.config.get("go_backwards") else Direction.FORWARD,
    }
    weights = matrix_of(node, variables[0]).T, matrix_of(node, variables[1]).T
    added = variables[2] if bias else None
    function = activation_of(cell, "activation")
    if cell.kind == "LSTM":
        return _lstm(cell, common, weights, added)
    if cell.kind == "GRU":
        if (function, activation_of(cell, "recurrent_activation")) != ("tanh", "sigmoid"):
            raise node.refused("has other functions than tanh and sigmoid, not simulated in a GRU")
        return _gru(node, cell, common, weights, added)
    if function not in {"tanh", "relu"}:
        raise node.refused(f"has the function {function}; tanh and relu can be read")
    w_ih, w_hh = weights
    return RNNCell(**common, w_ih=w_ih, w_hh=w_hh, b_ih=added, nonlinearity=function)


def _lstm(
    cell: GraphNode, common: dict[str, Any], weights: tuple[Array, Array], added: Array | None
) -> LSTMCell:
    w_ih, w_hh = weights
    of_gates = activation_of(cell, "recurrent_activation")
    of_state = activation_of(cell, "activation")
    for function in (of_gates, of_state):
        if "softmax" in function:
            raise cell.refused("has gates with softmax, which is not simulated")
    functions = (of_gates, of_gates, of_state, of_gates, of_state)
    return LSTMCell(**common, w_ih=w_ih, w_hh=w_hh, b_ih=added, functions=functions)


def _gru(
    node: GraphNode,
    cell: GraphNode,
    common: dict[str, Any],
    weights: tuple[Array, Array],
    added: Array | None,
) -> GRUCell:
    after = bool(cell.config.get("reset_after", True))
    rows = weights[0].shape[0]
    if rows % 3 or weights[1].shape[0] != rows:
        raise node.refused(f"has weights with {rows} columns, which is no whole number of gates")
    w_ih, w_hh = (_in_order(each) for each in weights)
    b_ih = b_hh = None
    if added is not None:
        wanted = (2, rows) if after else (rows,)
        if added.shape != wanted:
            raise node.refused(f"has a bias of shape {added.shape} where {wanted} is needed")
        b_ih = _in_order(added[0] if after else added)
        b_hh = _in_order(added[1]) if after else None
    return GRUCell(**common, w_ih=w_ih, w_hh=w_hh, b_ih=b_ih, b_hh=b_hh, reset_after=after)


def _in_order(array: Array) -> Array:
    """Return rows of gates z, r, h as r, z, n."""
    gates = np.split(array, 3)
    return np.concatenate([gates[number] for number in _GRU_GATES])


def activation_of(node: GraphNode, key: str) -> str:
    """Return the function that a layer names.

    Raises
    ------
    NetworkError
        If it is not one of those that are simulated.
    """
    given = node.config.get(key)
    name = "linear" if given is None else given
    if not isinstance(name, str) or name not in FUNCTIONS:
        shown = shortened(name if isinstance(name, str) else "of its own")
        known = listed(sorted(FUNCTIONS))
        raise node.refused(f"has the {key} {shown}, which is not simulated; known are {known}")
    return FUNCTIONS[name]


def matrix_of(node: GraphNode, array: Array) -> Array:
    """Return an array that has to be a matrix.

    Raises
    ------
    NetworkError
        If it is none.
    """
    if array.ndim != 2:
        raise node.refused(f"has weights of shape {array.shape} where a matrix is needed")
    return array


def check_count(node: GraphNode, variables: Sequence[Array], count: int) -> None:
    """Raise NetworkError unless a layer has as many variables as its class has."""
    if len(variables) != count:
        raise node.refused(f"has {len(variables)} arrays of weights where {count} are needed")


def check_own(node: GraphNode) -> None:
    """Raise NetworkError if a layer is not one of Keras's own, or its numbers are not real ones."""
    if node.kind == "Lambda":
        raise node.refused("brings code of its own, which is never run: use layers of Keras")
    if node.registered or not _OWN.fullmatch(node.package):
        raise node.refused("is somebody's own, whose code is not in the file: use layers of Keras")
    policy = node.config.get("dtype")
    if isinstance(policy, dict) and policy.get("class_name") not in ("DTypePolicy", None):
        raise node.refused("is quantised: save it before it is quantised")
