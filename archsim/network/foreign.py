"""What names and shapes of tensors tell of where they came from, as the end of a message.

Gates come in the order i, f, g, o here and in PyTorch; Keras has the same order (its c is g) but
transposes matrices; ONNX has i, o, f, c.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Shape = tuple[int, ...]

_PARAMETRIZED = re.compile(r"parametrizations|weight\w*_[gv]")  # by PyTorch's weight_norm
_CELLS = {4: ("an LSTM", "lstm"), 3: ("a GRU", "gru"), 1: ("a plain recurrent layer", "rnn")}
"""Cells and the kinds of layers that they are, by how many rows a unit has in their weights."""
_KERAS = (
    "is stored transposed, as Keras does (its gates i, f, c, o are i, f, g, o here): save its "
    "transpose"
)
_ONNX = "is stored as ONNX does: drop the first axis and put the gates i, o, f, c as i, f, g, o"


def name_hint(name: str, names: Iterable[str]) -> str:
    """Return what to do about a missing tensor as ``: ...``, or nothing where names do not tell.

    Parameters
    ----------
    name : str
        The tensor that is missing.
    names : iterable of str
        The tensors of the file.
    """
    have = set(names)
    parts = {part for each in have for part in each.replace("/", ".").replace(":", ".").split(".")}
    layer, _, wanted = name.partition(".")
    if f"{layer}.{wanted.removesuffix('_l0')}" in have:
        return ": they are an LSTMCell's, so add _l0 to their names"
    if any(_PARAMETRIZED.fullmatch(part) for part in parts):
        return ": remove the parametrization (such as weight_norm) before you save the weights"
    if {"kernel", "recurrent_kernel"} & parts:
        return (
            ": these are Keras's names; save the transposed kernel, recurrent_kernel and bias as "
            "weight_ih_l0, weight_hh_l0 and bias_ih_l0, with zeros as bias_hh_l0"
        )
    if {"W", "R"} <= parts:
        return (
            ": these are ONNX's names; save W, R and the two halves of B as weight_ih_l0, "
            "weight_hh_l0, bias_ih_l0 and bias_hh_l0, gates i, o, f, c put as i, f, g, o"
        )
    return ""


def shape_hint(name: str, has: Shape, wants: Shape) -> str:
    """Return what to do about a tensor whose shape is not the one that the network needs."""
    recurrent = "weight_ih" in name or "weight_hh" in name
    if len(has) == len(wants) + 1 and has[1:] == wants:
        return f"it {_ONNX}" if recurrent or "bias" in name else "drop its first axis"
    if len(has) == len(wants) == 2:
        return _matrix_hint(name, has, wants, recurrent=recurrent)
    return _CHECK


def _gates_of(name: str, wants: Shape) -> int:
    """Return how many rows a unit has in a recurrent layer's weights, 0 where shapes do not tell.

    Those of an LSTM are taken where only inputs are seen.
    """
    if "weight_hh" in name and wants[1] and wants[0] % wants[1] == 0:
        return wants[0] // wants[1]
    return 4


def _matrix_hint(name: str, has: Shape, wants: Shape, *, recurrent: bool) -> str:
    if has == wants[::-1]:
        return f"it {_KERAS}" if recurrent else "it is stored transposed: save its transpose"
    if recurrent and has[1] == wants[1]:
        for gates, (cell, kind) in _CELLS.items():
            for wanted in _CELLS:
                if gates != wanted and has[0] * wanted == wants[0] * gates:
                    return f"it is that of {cell}: take kind {kind} for the layer"
    gates = _gates_of(name, wants)
    if "weight_ih" in name and gates and has[0] % gates == 0:
        return f"it is of {has[0] // gates} units with {has[1]} inputs: {_CHECK}"
    if "weight_hh" in name and gates and has[0] == gates * has[1]:
        return f"it is of {has[1]} units: {_CHECK}"
    if name.endswith(".weight"):
        return f"it is of {has[0]} units with {has[1]} inputs: {_CHECK}"
    return _CHECK


_CHECK = "check network.inputs and the layers' units"
