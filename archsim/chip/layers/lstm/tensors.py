"""Weights of an LSTM layer, and the ranges of what it hands on that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.chip.layers.base import BuildContext
from archsim.chip.layers.lstm.reference import LSTMFunctions
from archsim.chip.layers.lstm.section import LSTMLayer
from archsim.chip.layers.ranges import full_scale, reachable_range
from archsim.chip.layers.recurrent_tensors import RecurrentTensors
from archsim.errors import DesignError
from archsim.network.activations.base import Range


@dataclass(frozen=True)
class LSTMTensors:
    """Weights of the layer, biases summed; None where there are none.

    `h0` and `c0` are what it begins with, in fixed point.
    """

    w_ih: NDArray[np.float64]
    w_hh: NDArray[np.float64]
    bias: NDArray[np.float64] | None
    w_hr: NDArray[np.float64] | None
    h0: NDArray[np.int64]
    c0: NDArray[np.int64]


def load_tensors(section: LSTMLayer, inputs: int, context: BuildContext) -> LSTMTensors:
    """Read the layer's tensors by PyTorch's names."""
    columns, elements = 4 * section.units, section.projection or section.units
    tensors = RecurrentTensors(section, context)
    w_ih = tensors.get("weight_ih", columns, inputs)
    w_hh = tensors.get("weight_hh", columns, elements)
    biases = tensors.biases(columns)
    return LSTMTensors(
        w_ih=w_ih,
        w_hh=w_hh,
        bias=None if biases is None else biases[0] + biases[1],
        w_hr=tensors.get("weight_hr", elements, section.units) if section.projection else None,
        h0=tensors.start("h0", elements),
        c0=tensors.start("c0", section.units),
    )


def projection_range(section: LSTMLayer, tensors: LSTMTensors) -> Range:
    """Return where the projection's ramp begins and ends; auto: what its weights can reach."""
    if section.projection_range == "auto" and tensors.w_hr is not None:
        return reachable_range(tensors.w_hr)
    return (-1.0, 1.0) if section.projection_range == "auto" else section.projection_range


def h_full_scale(
    section: LSTMLayer, tensors: LSTMTensors, functions: LSTMFunctions, context: BuildContext
) -> int:
    """Return what a full pulse width of h stands for, in fixed point.

    Without a projection ``h = o * state(c)`` is within what both functions give: 1 for a sigmoid
    and a tanh. A function without bounds leaves that to the configuration.
    """
    largest = 1.0
    for function in (functions.gates[-1], functions.state):
        largest *= max(abs(end) for end in function.bounds or (math.inf,))
    if tensors.w_hr is not None:
        _check_projected(section, largest)
        largest = max(abs(limit) for limit in projection_range(section, tensors))
    elif math.isinf(largest):
        largest = 1.0
    return full_scale(largest, context.spec.digital, wanted=section.output_range)


def _check_projected(section: LSTMLayer, largest: float) -> None:
    """Refuse functions whose product a full pulse width into the projection does not reach."""
    if largest > 1:
        reach = "has no bounds" if math.isinf(largest) else f"reaches {largest:g}"
        msg = (
            f"network.layers: '{section.name}': functions: o * state(c) {reach}, and a full pulse "
            "width into the projection's tiles stands for 1: choose functions of o and state "
            "within -1 .. 1, or leave the projection out"
        )
        raise DesignError(msg)
