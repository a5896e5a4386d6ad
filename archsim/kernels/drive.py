"""What drives the rows of a matrix: the pulse widths of a block of sequences."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.numeric.fixed import pulse_width
from archsim.numeric.jit import kernel, leaf

PADDING_INPUTS = 2
"""Elements behind the last vector of pulse widths: rows are read in pairs."""


class Drive(NamedTuple):
    """Signed pulse widths of a block of sequences.

    Attributes
    ----------
    width : int16 (elements,)
        In cycles: a vector every `stride` elements, and `PADDING_INPUTS` behind the last.
    stride : int
        How far vectors are apart.
    """

    width: NDArray[np.int16]
    stride: int


@kernel
def make_drive(sequences: int, stride: int) -> Drive:
    """Make memory for the pulse widths of a block of sequences, all 0."""
    return Drive(np.zeros(sequences * stride + PADDING_INPUTS, dtype=np.int16), stride)


@leaf
def encode(value: NDArray[np.int64], full_scale: int, steps: int, drive: Drive, first: int) -> None:
    """Write fixed-point values (sequences, elements) as pulse widths, from input `first` on.

    Parameters
    ----------
    value : int64 (sequences, elements)
        Fixed point.
    full_scale, steps : int
        The magnitude that stands for the largest pulse width, and that width.
    drive : Drive
        Out.
    first : int
        The first input that is written.
    """
    for sequence in range(value.shape[0]):
        mine = drive.width[sequence * drive.stride + first :][: value.shape[1]]
        for element in range(value.shape[1]):
            mine[element] = pulse_width(value[sequence, element], full_scale, steps)
