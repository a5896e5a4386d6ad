"""Recurrent operations of ONNX: LSTM, GRU and RNN, a layer for each direction.

Equations and orders are those of the operators' specification (https://onnx.ai/onnx/operators):
gates come as i, o, f, c in an LSTM (c is g) and as z, r, h in a GRU (h is n), the two biases one
after another, directions along the first axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from archsim.network.importers.base import Array
from archsim.network.importers.onnx_file import OnnxNode
from archsim.network.importers.onnx_values import Constant, Filled, Value
from archsim.network.importers.recurrent import Direction, GRUCell, LSTMCell, Recurrent, RNNCell

RECURRENT = {"LSTM": 4, "GRU": 3, "RNN": 1}
"""Operations, and how many gates they have."""

_ORDERS = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""Where PyTorch's gates stand in ONNX's."""
_USUAL = {"LSTM": ("sigmoid", "tanh", "tanh"), "GRU": ("sigmoid", "tanh"), "RNN": ("tanh",)}
_FUNCTIONS = {
    "sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu", "softsign": "softsign",
    "softplus": "softplus",
}  # fmt: skip
_DIRECTIONS = {
    "forward": (Direction.FORWARD,),
    "reverse": (Direction.BACKWARD,),
    "bidirectional": (Direction.FORWARD, Direction.BACKWARD),
}


def cells_of(
    node: OnnxNode, given: Sequence[Value | None], inputs: tuple[str, ...], name: str
) -> list[Recurrent]:
    """Return the layers of a recurrent operation, one for each direction.

    Parameters
    ----------
    node : OnnxNode
        The operation.
    given : sequence of Value
        Its inputs, the weights among them.
    inputs : tuple of str
        Layers that it takes in.
    name : str
        What they are called.

    Raises
    ------
    NetworkError
        If it has what is not simulated, or weights that do not fit.
    """
    gates = RECURRENT[node.op]
    _check(node, given)
    directions = _directions(node)
    w, r = (_numbers(node, given, place, 3) for place in (1, 2))
    b = _numbers(node, given, 3, 2) if len(given) > 3 and given[3] is not None else None
    units = r.shape[2]
    rows = gates * units
    wanted = {
        "W": (w.shape[:2], (len(directions), rows)),
        "R": (r.shape[:2], (len(directions), rows)),
    }
    if b is not None:
        wanted["B"] = (b.shape, (len(directions), 2 * rows))
    for what, (has, needs) in wanted.items():
        if has != needs:
            raise node.refused(f"has {what} of shape {has} where {needs} is needed")
    if node.get("hidden_size", units) != units:
        raise node.refused(f"has hidden_size {node.get('hidden_size', 0)} and weights of {units}")
    functions = _functions(node, len(directions))
    layers = []
    for number, direction in enumerate(directions):
        suffix = "_reverse" if direction is Direction.BACKWARD and len(directions) > 1 else ""
        biases = (None, None) if b is None else np.split(b[number], 2)
        common: dict[str, Any] = {
            "name": f"{name}{suffix}",
            "inputs": inputs,
            "direction": direction,
            "w_ih": _in_order(node, w[number]),
            "w_hh": _in_order(node, r[number]),
            "b_ih": None if biases[0] is None else _in_order(node, biases[0]),
            "b_hh": None if biases[1] is None else _in_order(node, biases[1]),
            "h0": _state(node, given, 5, number, units),
        }
        layers.append(_cell(node, common, functions[number], _state(node, given, 6, number, units)))
    return layers


def _cell(
    node: OnnxNode, common: dict[str, Any], functions: tuple[str, ...], c0: Array | None
) -> Recurrent:
    if node.op == "LSTM":
        gate, cell, hidden = functions
        return LSTMCell(**common, c0=c0, functions=(gate, gate, cell, gate, hidden))
    if node.op == "GRU":
        if functions != _USUAL["GRU"]:
            raise node.refused("has other functions than sigmoid and tanh, not simulated in a GRU")
        return GRUCell(**common, reset_after=bool(node.get("linear_before_reset", 0)))
    if functions[0] not in {"tanh", "relu"}:
        raise node.refused(f"has the function {functions[0]}; tanh and relu can be read")
    return RNNCell(**common, nonlinearity=functions[0])


def _check(node: OnnxNode, given: Sequence[Value | None]) -> None:
    """Refuse what is not simulated."""
    for key, what in (("clip", "clips its sums"), ("input_forget", "couples two gates")):
        if node.get(key, 0):
            raise node.refused(f"{what} ({key}), which is not simulated")
    for key in ("activation_alpha", "activation_beta"):
        if node.get(key, None):
            raise node.refused(f"has {key}, functions that are not simulated")
    if node.op == "LSTM" and len(given) > 7 and given[7] is not None:
        peepholes = given[7]
        zero = isinstance(peepholes, Constant) and not peepholes.array.any()
        if not zero and not (isinstance(peepholes, Filled) and peepholes.value == 0):
            raise node.refused("has peepholes (P), which are not simulated")


def _directions(node: OnnxNode) -> tuple[Direction, ...]:
    told = node.get("direction", "forward")
    if told not in _DIRECTIONS:
        raise node.refused(f"has the direction '{told[:40]}', which is none of ONNX's")
    return _DIRECTIONS[told]


def _functions(node: OnnxNode, directions: int) -> list[tuple[str, ...]]:
    """Return the functions of each direction."""
    usual = _USUAL[node.op]
    told = [str(each).lower() for each in node.get("activations", [])] or list(usual) * directions
    if len(told) != len(usual) * directions:
        raise node.refused(
            f"names {len(told)} functions where {len(usual) * directions} are needed"
        )
    unknown = [each for each in told if each not in _FUNCTIONS]
    if unknown:
        raise node.refused(f"has the function '{unknown[0][:40]}', which is not simulated")
    named = [_FUNCTIONS[each] for each in told]
    return [tuple(named[n * len(usual) : (n + 1) * len(usual)]) for n in range(directions)]


def _numbers(node: OnnxNode, given: Sequence[Value | None], place: int, rank: int) -> Array:
    found = given[place] if place < len(given) else None
    if isinstance(found, Filled):
        raise node.refused("has weights that are all the same number: train it first")
    if not isinstance(found, Constant):
        raise node.refused(f"has weights ({'XWRB'[place]}) that are no constants of the file")
    if found.array.ndim != rank or found.array.dtype.kind != "f":
        raise node.refused(
            f"has {'XWRB'[place]} of shape {found.array.shape} where {rank} axes are needed"
        )
    return found.array


def _in_order(node: OnnxNode, array: Array) -> Array:
    """Return rows of gates in PyTorch's order."""
    gates = np.split(array, RECURRENT[node.op])
    return np.concatenate([gates[number] for number in _ORDERS[node.op]])


def _state(
    node: OnnxNode, given: Sequence[Value | None], place: int, number: int, units: int
) -> Array | None:
    """Return a state before the first timestep, None for zeros.

    It is the same for all sequences, or depends on what a file cannot hold.
    """
    found = given[place] if place < len(given) else None
    if found is None:
        return None
    if isinstance(found, Filled):
        return np.full(units, found.value) if found.value else None
    if not isinstance(found, Constant):
        raise node.refused("begins with a state that is no constant: let it begin with zeros")
    array = np.moveaxis(found.array, 1, 0) if node.get("layout", 0) else found.array
    if array.ndim != 3 or array.shape[2] != units or not number < array.shape[0] or not array.size:
        raise node.refused(f"begins with a state of shape {array.shape}, which does not fit")
    mine = array[number].astype(np.float64)
    if (mine != mine[0]).any():
        raise node.refused("begins with a state of its own for each sequence")
    return mine[0] if mine[0].any() else None
