"""Design of a ramp column: levels, thresholds, ramp cells and bias cells (model, section 3).

All positions on a ramp are in units of the function's input x; the ramp's gain turns them into
conductances and, with a tile's scale, into charge quanta.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.errors import DesignError, InputError
from archsim.network.activations import Activation, get_activation
from archsim.network.activations.base import Range

CALIBRATION_CELLS = 5
"""Bias cells of a ramp at 5 bits (Yang et al. 2025, Fig. 3a); the least that `auto` takes."""

_ROUNDING_GUARD = 1e-6
"""Quanta by which a threshold may lie above a whole number and still count as that number.

Thresholds at exactly 0 (the middle of sigmoid and tanh) come out of sums of floats as 1e-11 or
-1e-11; without the guard, ties would fall either way.
"""


@dataclass(frozen=True)
class Ramp:
    """A ramp column as it is programmed.

    Attributes
    ----------
    function : str
        Name of the activation function.
    bits : int
        Resolution ``n_out``; there are ``P = 2**bits`` levels.
    level : float64 (P,)
        Outputs ``y_k`` that the codes stand for.
    theta : float64 (P - 1,)
        Ideal thresholds, in units of x: ``g_inverse((y_{k-1} + y_k) / 2)``, k = 1 .. P - 1.
    cell : float64 (P,)
        Conductances of the ramp cells, S.
    bias : float64 (bias cells,)
        Conductances of the bias (calibration) cells, S.
    x_per_siemens : float
        Gain: how far one cell of 1 S moves the ramp, in units of x.
    """

    function: str
    bits: int
    level: NDArray[np.float64]
    theta: NDArray[np.float64]
    cell: NDArray[np.float64]
    bias: NDArray[np.float64]
    x_per_siemens: float

    @property
    def start(self) -> float:
        """Where the ramp stands before its first step, in units of x."""
        return -float(self.bias.sum()) * self.x_per_siemens

    @property
    def position(self) -> NDArray[np.float64]:
        """Where the ramp stands after step q (P,), in units of x."""
        return np.asarray(self.start + np.cumsum(self.cell) * self.x_per_siemens)

    @property
    def span(self) -> float:
        """Farthest that the ramp goes from V_CLP, in units of x."""
        return max(abs(self.start), abs(float(self.position[-1])))

    def thresholds(self, quanta_per_unit: float) -> NDArray[np.int64]:
        """Return the ramp's positions (P,) on the scale of a tile's integer charge.

        A column trips where the ramp is above its charge; charge is whole, so the ramp's position
        is rounded up and nothing is lost.

        Parameters
        ----------
        quanta_per_unit : float
            Charge quanta that one unit of x stands for in the tile.
        """
        quanta = self.position * quanta_per_unit
        return np.ceil(quanta - _ROUNDING_GUARD).astype(np.int64)

    def code(self, x: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the codes that the ramp gives for inputs x (any shape)."""
        above = self.position[:, None] > np.ravel(x)[None, :] + _ROUNDING_GUARD * 1e-6
        first = np.where(above.any(axis=0), above.argmax(axis=0), self.level.size - 1)
        return first.reshape(np.shape(x)).astype(np.int64)


def output_levels(
    activation: Activation, bits: int, input_range: Range | None
) -> NDArray[np.float64]:
    """Return the ``2**bits`` evenly spaced output levels ``y_k``."""
    y_min, y_max = activation.output_range(input_range)
    steps = 2**bits - 1
    return np.asarray(y_min + np.arange(steps + 1) * (y_max - y_min) / steps)


def ideal_thresholds(activation: Activation, level: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inputs at which the nearest level changes, (levels - 1,).

    Raises
    ------
    DesignError
        If the function cannot be a ramp: an inverse that is not finite, or that does not rise.
    """
    theta = activation.inverse((level[:-1] + level[1:]) / 2)
    if not np.isfinite(theta).all():
        msg = f"'{activation.name}' cannot be a ramp: its inverse is not finite between its levels"
        raise DesignError(msg)
    if (np.diff(theta) <= 0).any():
        msg = f"'{activation.name}' cannot be a ramp: it does not rise everywhere on its range"
        raise DesignError(msg)
    return theta


def design_ramp(
    activation: Activation,
    bits: int,
    *,
    g_max: float,
    input_range: Range | None = None,
    bias_cells: int | None = None,
) -> Ramp:
    """Design the ramp column that computes a function while it digitises.

    Ramp step 0 lifts the ramp from its start to the first threshold, the last one to full scale.
    Neither end decides a code, so both are taken no larger than the largest step between
    thresholds: they then do not cost the other steps resolution.

    Parameters
    ----------
    activation : Activation
        The function.
    bits : int
        Resolution, 1 .. 10.
    g_max : float
        Conductance of the cell that makes the largest step, S.
    input_range : (float, float), optional
        Where an unbounded function is clipped, in units of x.
    bias_cells : int, optional
        Number of calibration cells; by default as many as the start of the ramp needs, and at
        least `CALIBRATION_CELLS`.

    Returns
    -------
    Ramp
        With ideally programmed cells.

    Raises
    ------
    DesignError
        If the function cannot be a ramp, or the bias cells cannot reach its start.
    """
    level = output_levels(activation, bits, input_range)
    theta = ideal_thresholds(activation, level)
    inner = float(np.diff(theta).max()) if theta.size > 1 else _single_step(theta, input_range)
    low, high = input_range if activation.bounds is None and input_range else (-math.inf, math.inf)
    start = min(max(low, float(theta[0]) - inner), 0.0)
    full_scale = min(high, float(theta[-1]) + inner)
    step = np.diff(np.concatenate([[start], theta, [full_scale]]))
    x_per_siemens = float(step.max()) / g_max
    return Ramp(
        function=activation.name,
        bits=bits,
        level=level,
        theta=theta,
        cell=step / x_per_siemens,
        bias=_bias_conductances(-start / x_per_siemens, g_max, bias_cells),
        x_per_siemens=x_per_siemens,
    )


def _single_step(theta: NDArray[np.float64], input_range: Range | None) -> float:
    """Return the step of a 1-bit ramp, which has one threshold and so no step between two."""
    if input_range is None:
        return 1.0
    return max(float(theta[0]) - input_range[0], input_range[1] - float(theta[0]))


def _bias_conductances(total: float, g_max: float, cells: int | None) -> NDArray[np.float64]:
    """Share the bias evenly among the calibration cells, in S."""
    needed = math.ceil(total / g_max - 1e-9)
    if cells is None:
        cells = max(CALIBRATION_CELLS, needed)
    if cells < needed:
        msg = (
            f"the ramp starts {total / g_max:.1f} cells of g_max below V_CLP but has {cells} bias "
            f"cells: set adc.bias_cells to {needed} or more, or to auto"
        )
        raise DesignError(msg)
    return np.full(cells, total / cells if cells else 0.0)


def design_from_text(
    function: str, bits: int, *, g_max: str, input_range: Range | None = None
) -> Ramp:
    """Design a ramp from what a user types; unbounded functions take -8 .. 8 by default.

    Raises
    ------
    InputError
        If the function is not known, the conductance has no unit, or the range does not rise.
    """
    from archsim.config.quantity import parse_quantity

    try:
        conductance = parse_quantity(g_max, "S")
    except ValueError as error:
        msg = f"--g-max: {error}"
        raise InputError(msg) from error
    if conductance <= 0:
        msg = f"--g-max: '{g_max}' has to be above 0 S"
        raise InputError(msg)
    low, high = input_range or (-8.0, 8.0)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        msg = f"--range: {low:g} {high:g} has to be two finite numbers that rise"
        raise InputError(msg)
    return design_ramp(get_activation(function), bits, g_max=conductance, input_range=(low, high))
