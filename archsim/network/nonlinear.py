"""How digital processors approximate sigmoid and tanh: table, piecewise linear, CORDIC.

Each function takes inputs x and gives what the processor's arithmetic would, before it is rounded
to the fixed-point word. The errors are those of the method, not of the word.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from archsim.config.hardware import ActivationMethod, Processors
from archsim.network.activations import Activation

Array = NDArray[np.float64]
FLAT = 8.0
"""Input beyond which sigmoid and tanh count as flat."""

CORDIC_FUNCTIONS = ("sigmoid", "tanh")
"""What CORDIC computes."""


def processed(activation: Activation, x: Array, processors: Processors) -> Array:
    """Return what a digital processor computes for inputs x (any shape).

    Parameters
    ----------
    activation : Activation
        A table or segments approximate any function, CORDIC computes `CORDIC_FUNCTIONS`.
    x : float64
        Inputs.
    processors : Processors
        The method and its size.
    """
    if processors.method is ActivationMethod.PIECEWISE_LINEAR:
        return piecewise_linear(activation, x, processors.segments)
    if processors.method is ActivationMethod.CORDIC:
        return by_cordic(activation, x, processors.iterations)
    return activation.value(x)


def piecewise_linear(activation: Activation, x: Array, segments: int) -> Array:
    """Return straight lines between ``segments + 1`` even points over -8 .. 8, flat beyond.

    Of functions that are not flat there, other than sigmoid and tanh, points go as far as inputs.
    """
    flat = activation.name in CORDIC_FUNCTIONS
    end = FLAT if flat else max(FLAT, float(np.abs(x).max(initial=0.0)))
    points = np.linspace(-end, end, segments + 1)
    return np.interp(x, points, activation.value(points))


def by_cordic(activation: Activation, x: Array, iterations: int) -> Array:
    """Return tanh, and sigmoid by ``(1 + tanh(x / 2)) / 2``, from hyperbolic CORDIC rotations.

    The argument is halved until CORDIC converges (|z| < 1.1) and the result doubled again by
    ``tanh(2z) = 2 t / (1 + t^2)``. Other functions than these two are computed exactly.
    """
    if activation.name == "sigmoid":
        return 0.5 * (1.0 + _tanh_by_cordic(0.5 * x, iterations))
    if activation.name == "tanh":
        return _tanh_by_cordic(x, iterations)
    return activation.value(x)


def _tanh_by_cordic(x: Array, iterations: int) -> Array:
    clipped = np.clip(np.asarray(x, dtype=np.float64), -FLAT, FLAT)
    halvings = math.ceil(math.log2(FLAT / 1.0))
    z = clipped / 2**halvings
    cosh, sinh = np.ones_like(z), np.zeros_like(z)
    for shift in _shifts(iterations):
        sign = np.where(z >= 0, 1.0, -1.0)
        step = 2.0**-shift
        cosh, sinh = cosh + sign * sinh * step, sinh + sign * cosh * step
        z = z - sign * math.atanh(step)
    tangent = sinh / cosh
    for _ in range(halvings):
        tangent = 2 * tangent / (1 + tangent**2)
    return np.asarray(tangent)


def _shifts(iterations: int) -> list[int]:
    """Return the shifts of hyperbolic CORDIC, in which 4, 13, 40, ... come twice to converge."""
    shifts: list[int] = []
    shift, repeat = 1, 4
    while len(shifts) < iterations:
        shifts.append(shift)
        if shift == repeat and len(shifts) < iterations:
            shifts.append(shift)
            repeat = 3 * repeat + 1
        shift += 1
    return shifts
