"""Ranges of a layer: which sums its ramp is for, and which value a full pulse width stands for.

Pulse widths end at a full one. Where a layer's values exceed 1 it hands ``value / R`` on as pulse
widths, and whoever takes them in has its weights multiplied by R when they are mapped, so that the
sums are the same. R is the layer's *output range*. It is never below 1, and a multiple of the least
bit of a digital word, so that the digital units need no more than their usual division.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from archsim.chip.mapping import DEAD_WEIGHT
from archsim.config.hardware import Digital
from archsim.network.activations.base import Range

Array = NDArray[np.float64]


def reachable_range(weight: Array, bias: Array | None = None) -> Range:
    """Return the range of the sums that weights (units, inputs) can give for inputs of -1 .. 1.

    Weights that are all zero, or as good as zero (`DEAD_WEIGHT`), give no range; it is -1 .. 1
    then.
    """
    sums = np.abs(weight).sum(axis=1)
    largest = float((sums if bias is None else sums + np.abs(bias)).max(initial=0.0))
    return (-largest, largest) if largest >= DEAD_WEIGHT else (-1.0, 1.0)


def full_scale(
    largest: float, digital: Digital, *, wanted: float | Literal["auto"] = "auto"
) -> int:
    """Return the value that a full pulse width stands for, in fixed point.

    Parameters
    ----------
    largest : float
        Largest magnitude that the layer's values are meant to have.
    digital : Digital
        Format of the words, which hold no more than they can.
    wanted : float or "auto"
        What to take in place of `largest`; ``auto`` takes `largest`, as far as words hold it.
    """
    one = 1 << digital.fraction_bits
    whole = 1 << (digital.word_bits - 1)
    value = min(largest, whole / one) if wanted == "auto" else wanted
    return max(one, round(value * one))
