"""Design of a ramp column: levels, thresholds, ramp cells and bias cells.

All positions on a ramp are in units of the function's input x; the ramp's gain turns them into
conductances and, with a tile's scale, into charge quanta.

A ramp only ever rises, through the inputs from low to high, a step a clock cycle. What a column
latches is the step at which the ramp passes it. For a function that rises everywhere the step is
the output code. A function that turns (SiLU, GELU) has a branch before and a branch after its
turning point, and the ramp runs through one and then the other: on the first the steps stand for
falling codes, on the second for rising ones. `Ramp.step_code` says which code a step stands for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.config.device import Device
from archsim.config.sections import check_range
from archsim.errors import DesignError, InputError
from archsim.network.activations import Activation, Clipped, Range, get_activation
from archsim.network.activations.quantised import Quantised, outer_ends, quantise
from archsim.transfer.decisions import first_above
from archsim.vocabulary import ROUNDING_GUARD

CALIBRATION_CELLS = 5
"""Bias cells of a ramp at 5 bits (Yang et al. 2025, Fig. 3a); the least that `auto` takes."""

DEFAULT_RANGE: Range = (-8.0, 8.0)
"""Where an unbounded function is clipped if nobody says otherwise."""

DEFAULT_G_MAX = "150 uS"
"""Conductance of the largest ramp cell where nothing else is said (recalled from the article)."""

FARTHEST = float(1 << 61)
"""Largest magnitude of a threshold, in charge quanta: far beyond every charge, and such that
differences of thresholds and charges fit 64 bits. It is the kernels' `thresholds.NEVER`."""

_RELATIVE_GUARD = 1e-13
"""`ROUNDING_GUARD` as a part of the span: what sums of a thousand cells round by, and more."""

_LARGEST_RATIO = 1e9
"""Largest to smallest cell beyond which a function counts as vertical: no device is near it."""


@dataclass(frozen=True)
class Ramp:
    """A ramp column as it is programmed.

    ``dataclasses.replace(ramp, cell=..., bias=...)`` gives the same ramp as it really is, with the
    errors of its cells: `position`, `thresholds` and `code` follow the cells, while `level`,
    `theta`, `step_code` and `ideal_code` stay what was asked for. Such a ramp need not rise at
    every step.

    Attributes
    ----------
    function : str
        Name of the activation function.
    bits : int
        Resolution ``n_out``; there are ``P = 2**bits`` levels.
    level : float64 (P,)
        Outputs ``y_k`` that the codes stand for.
    theta : float64 (steps - 1,)
        Ideal thresholds, in units of x, where one step ends and the next begins. For a monotonic
        function ``g_inverse((y_{k-1} + y_k) / 2)``, k = 1 .. P - 1; with more branches, those of
        each and the turning points between them (see `archsim.network.activations.quantised`).
    cell : float64 (steps,)
        Conductances of the ramp cells, S.
    bias : float64 (bias cells,)
        Conductances of the bias (calibration) cells, S.
    x_per_siemens : float
        Gain: how far one cell of 1 S moves the ramp, in units of x.
    step_code : int64 (steps,)
        Output code that each step stands for: ``0 .. P - 1`` for a function that rises.
    branches : tuple of int
        Step at which each branch begins; ``(0,)`` for a monotonic function.
    x_range : (float, float)
        Inputs that the ramp is for: the input range, or for a bounded function the thresholds and
        as much on either side as the widest step.
    """

    function: str
    bits: int
    level: NDArray[np.float64]
    theta: NDArray[np.float64]
    cell: NDArray[np.float64]
    bias: NDArray[np.float64]
    x_per_siemens: float
    step_code: NDArray[np.int64]
    branches: tuple[int, ...]
    x_range: Range

    @property
    def steps(self) -> int:
        """Number of steps, which is that of ramp cells and of ramp cycles."""
        return int(self.cell.size)

    @property
    def start(self) -> float:
        """Where the ramp stands before its first step, in units of x."""
        return -float(self.bias.sum()) * self.x_per_siemens

    @property
    def position(self) -> NDArray[np.float64]:
        """Where the ramp stands after step q (steps,), in units of x."""
        return np.asarray(self.start + np.cumsum(self.cell) * self.x_per_siemens)

    @property
    def span(self) -> float:
        """Farthest that the ramp goes from V_CLP, in units of x."""
        return max(abs(self.start), float(np.abs(self.position).max()))

    @property
    def crossing(self) -> NDArray[np.float64]:
        """Inputs at which the latched step changes (steps - 1,), in units of x; `theta` if ideal.

        Entry q is the least x that is still undecided after step q. A step that does not take the
        ramp higher than it has been is never latched: its entry equals the one before.
        """
        return np.asarray(np.maximum.accumulate(self.position)[:-1])

    def thresholds(self, quanta_per_unit: float) -> NDArray[np.int64]:
        """Return the ramp's positions (steps,) on the scale of a tile's integer charge.

        A column trips where the ramp is above its charge; charge is whole, so the ramp's position
        is rounded up and nothing is lost. Positions that no charge can reach stop at
        `FARTHEST`.

        Parameters
        ----------
        quanta_per_unit : float
            Charge quanta that one unit of x stands for in the tile.
        """
        guard = max(ROUNDING_GUARD, _RELATIVE_GUARD * self.span * quanta_per_unit)
        whole = np.ceil(self.position * quanta_per_unit - guard)
        return np.clip(whole, -FARTHEST, FARTHEST).astype(np.int64)

    def step(self, x: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the steps latched for inputs x (any shape): the first that ends above x.

        Where none does, the last one.
        """
        undecided = np.asarray(x, dtype=np.float64) + _RELATIVE_GUARD * self.span
        return first_above(self.crossing, undecided)

    def code(self, x: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the codes that the ramp gives for inputs x (any shape)."""
        return np.asarray(self.step_code[self.step(x)])

    def ideal_code(self, x: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the codes that the ramp should give for inputs x (any shape)."""
        return np.asarray(self.step_code[first_above(self.theta, x)])


def design_ramp(
    activation: Activation,
    bits: int,
    *,
    g_max: float,
    input_range: Range | None = None,
    bias_cells: int | None = None,
    g_min: float = 0.0,
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
        Where an unbounded function is clipped, in units of x. A bounded function keeps its
        asymptotes; to clip it as well, pass a `Clipped` one.
    bias_cells : int, optional
        Number of calibration cells; by default as many as the start of the ramp needs, and at
        least `CALIBRATION_CELLS`.
    g_min : float, optional
        Least conductance that a ramp cell can hold, S; a ramp that needs less is refused.

    Returns
    -------
    Ramp
        With ideally programmed cells.

    Raises
    ------
    DesignError
        If the function cannot be a ramp, a cell would have to hold less than it can, or the bias
        cells cannot reach the ramp's start.
    """
    _check_arguments(bits, g_max, g_min)
    quantised = quantise(activation, bits, input_range)
    domain = activation.domain(input_range)
    edge = ramp_edges(quantised, domain, input_range, floor=g_min / g_max)
    step = np.diff(edge)
    x_per_siemens = float(step.max()) / g_max
    cell = step / x_per_siemens
    _check_cells(activation.name, cell, edge, max(g_min, g_max / _LARGEST_RATIO))
    return Ramp(
        function=activation.name,
        bits=bits,
        level=quantised.level,
        theta=quantised.theta,
        cell=cell,
        bias=_bias_conductances(-edge[0] / x_per_siemens, g_max, bias_cells),
        x_per_siemens=x_per_siemens,
        step_code=quantised.step_code,
        branches=quantised.branches,
        x_range=outer_ends(quantised, domain),
    )


def _check_arguments(bits: int, g_max: float, g_min: float) -> None:
    if not 1 <= bits <= 10:
        msg = f"a ramp of {bits} bits cannot be built: 1 to 10 are possible"
        raise DesignError(msg)
    if not 0 <= g_min < g_max < math.inf:
        msg = f"g_min ({g_min:g} S) has to be at least 0 and below g_max ({g_max:g} S)"
        raise DesignError(msg)


def ramp_edges(
    quantised: Quantised, domain: Range, input_range: Range | None, *, floor: float = 0.0
) -> NDArray[np.float64]:
    """Return where the ramp's steps begin and end (steps + 1,), in units of x.

    Parameters
    ----------
    quantised : Quantised
        The function.
    domain : (float, float)
        Its domain, possibly infinite.
    input_range : (float, float) or None
        Range of a 1-bit ramp, which has no step between two thresholds to measure by.
    floor : float
        Least part of the largest step that a cell can make: the end steps are at least that.
    """
    theta = quantised.theta
    inner = quantised.inner or _single_step(float(theta[0]), input_range)
    first = min(inner, max(float(theta[0]) - domain[0], floor * inner))
    last = min(inner, max(domain[1] - float(theta[-1]), floor * inner))
    start = min(float(theta[0]) - first, 0.0)
    return np.concatenate([[start], theta, [float(theta[-1]) + last]])


def _single_step(theta: float, input_range: Range | None) -> float:
    """Return the step of a 1-bit ramp, which has one threshold and so no step between two."""
    if input_range is None:
        return 1.0
    return max(theta - input_range[0], input_range[1] - theta)


def _check_cells(
    function: str, cell: NDArray[np.float64], edge: NDArray[np.float64], least: float
) -> None:
    """Refuse a ramp with a cell of less than `least` siemens."""
    step = int(cell.argmin())
    if cell[step] < least * (1 - 1e-9):
        msg = (
            f"'{function}' cannot be a ramp of this device: step {step}, from x = {edge[step]:g} "
            f"to {edge[step + 1]:g}, needs a cell of {cell[step] * 1e6:.3g} uS where the largest "
            f"has {cell.max() * 1e6:.3g} uS, but no cell holds less than {least * 1e6:.3g} uS: "
            "take fewer bits, clip the function at a smaller input range, or lower device.g_min"
        )
        raise DesignError(msg)


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
    function: str,
    bits: int,
    *,
    g_max: str | None = None,
    input_range: Range | None = None,
    range_of: Device | None = None,
    own: Sequence[Activation] = (),
) -> Ramp:
    """Design a ramp from what a user types.

    An unbounded function is clipped at `DEFAULT_RANGE` by default; a bounded one is clipped only
    if a range is given. The largest cell is `g_max`, else that of the device `range_of`, else
    `DEFAULT_G_MAX`. Functions of the user's own are looked through first.

    Raises
    ------
    InputError
        If the function is not known, the conductance has no unit, or the range does not rise.
    """
    from archsim.config.quantity import parse_quantity

    text = g_max or (DEFAULT_G_MAX if range_of is None else f"{range_of.g_max!r} S")
    try:
        conductance = parse_quantity(text, "S")
    except ValueError as error:
        msg = f"--g-max: {error}"
        raise InputError(msg) from error
    if not 1e-15 <= conductance <= 10:
        msg = f"--g-max: '{text}' has to be between 1 fS and 10 S"
        raise InputError(msg)
    low, high = input_range or DEFAULT_RANGE
    try:
        check_range((low, high))
    except ValueError as error:
        msg = f"--range: {error}"
        raise InputError(msg) from error
    try:
        activation = get_activation(function, own=own)
    except DesignError as error:
        hint = "" if own else "; functions of a configuration come with --config FILE"
        msg = f"{error}{hint}"
        raise InputError(msg) from error
    if input_range is not None and activation.bounds is not None:
        activation = Clipped(activation, (low, high))
    return design_ramp(
        activation,
        bits,
        g_max=conductance,
        input_range=(low, high),
        g_min=0.0 if range_of is None else range_of.g_min,
    )
