"""The digital step of a plain recurrent layer: h is what the converter's code stands for.

    h_t = f(W_ih x_t + W_hh h_{t-1} + b)

There is no state but h, and nothing to compute: the word of each code is looked up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.recurrent import State, after_gates, finish, look_up
from archsim.numeric.dispatch import implements


class RNNArrays(NamedTuple):
    """Numbers of the layer's digital units, in fixed point.

    Attributes
    ----------
    level : int64 (codes,)
        What each code stands for: the function of the sum.
    """

    level: NDArray[np.int64]


@implements(after_gates, RNNArrays)
def keep_nothing(cell: RNNArrays, code: NDArray[np.uint16], state: State) -> None:
    """Do nothing: the cell has no state of its own."""


@implements(finish, RNNArrays)
def give_h(
    cell: RNNArrays,
    code: NDArray[np.uint16],
    second: NDArray[np.uint16] | None,  # noqa: ARG001 - there is none
    state: State,  # noqa: ARG001
    out: NDArray[np.int64],
) -> None:
    """Write what the codes stand for (sequences, units) to `out`."""
    look_up(cell.level, code, out)
