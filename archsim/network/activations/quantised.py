"""A function cut into levels: where, as x rises, the nearest level changes and to which.

This is the mathematics of a ramp before it has conductances. As x goes from the
low end of a function's domain to its high end, the nearest of the levels changes at thresholds;
between two of them lies a *step*. On a rising branch the thresholds are

    theta_k = g_inverse( (y_{k-1} + y_k) / 2 )            k = 1 .. P-1

and lead from code k - 1 to code k; on a falling branch they lead from k to k - 1. Where two
branches meet, the turning point itself is one more threshold, at which the code stays: each branch
keeps steps of its own, and no step has to reach across the turning point. A branch on which the
code does not change has no steps of its own.

A tie, an x exactly at a threshold, gets the code to the right of it: up on a rising branch, down on
a falling one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.errors import DesignError
from archsim.network.activations.base import Activation, Array, Branch, Range

_PROBES = np.array([1e-3, *(np.arange(1, 8) / 8), 1 - 1e-3])
"""Where in every step a function is held against its level, as parts of the step's width."""

_PROBE_TOLERANCE = 1e-6
"""Levels by which a value may be off its level by more than half of one: rounding."""


@dataclass(frozen=True)
class Quantised:
    """A function's levels, thresholds and the codes between them.

    Attributes
    ----------
    level : float64 (P,)
        Outputs ``y_k`` that the codes stand for.
    theta : float64 (steps - 1,)
        Thresholds, in units of x, rising.
    step_code : int64 (steps,)
        Code of each step: before ``theta[0]``, between ``theta[q - 1]`` and ``theta[q]``, after the
        last.
    branches : tuple of int
        Step at which each branch begins; ``(0,)`` for a monotonic function.
    """

    level: Array
    theta: Array
    step_code: NDArray[np.int64]
    branches: tuple[int, ...]

    @property
    def inner(self) -> float | None:
        """Width of the widest step that has a threshold on both sides; None where none has."""
        return float(np.diff(self.theta).max()) if self.theta.size > 1 else None


def output_levels(activation: Activation, bits: int, input_range: Range | None) -> Array:
    """Return the ``2**bits`` evenly spaced output levels ``y_k``."""
    y_min, y_max = activation.output_range(input_range)
    steps = 2**bits - 1
    return np.asarray(y_min + np.arange(steps + 1) * (y_max - y_min) / steps)


def quantise(activation: Activation, bits: int, input_range: Range | None) -> Quantised:
    """Cut a function into ``2**bits`` levels.

    Raises
    ------
    DesignError
        If the function cannot be a ramp, or needs an input range.
    """
    level = output_levels(activation, bits, input_range)
    low, high = activation.domain(input_range)
    pieces = []
    for branch in activation.branches():
        if branch.low < high and branch.high > low:
            clipped = max(branch.low, low), min(branch.high, high)
            theta, code = _on_branch(activation, branch, clipped, level)
            if theta.size:
                pieces.append((clipped[0], theta, code))
    quantised = _joined(activation, pieces, level)
    _check_rises(activation, quantised.theta)
    _check_levels(activation, quantised, (low, high))
    return quantised


def _on_branch(
    activation: Activation, branch: Branch, clipped: Range, level: Array
) -> tuple[Array, NDArray[np.int64]]:
    """Return the thresholds inside a branch, and the codes of the steps that they divide it into.

    Parameters
    ----------
    activation : Activation
        The function.
    branch : Branch
        One of its branches.
    clipped : (float, float)
        What the domain leaves of it.
    level : float64 (P,)
        The levels.
    """
    middle = (level[:-1] + level[1:]) / 2
    left, right = (_end_value(activation, branch, x) for x in clipped)
    crossed = np.flatnonzero((middle > min(left, right)) & (middle < max(left, right)))
    if branch.rising:
        before, after = crossed[:1], crossed + 1
    else:
        crossed = crossed[::-1]
        before, after = crossed[:1] + 1, crossed
    with np.errstate(all="ignore"):
        theta = np.asarray(branch.inverse(middle[crossed]), dtype=np.float64)
    if theta.shape != crossed.shape or not np.isfinite(theta).all():
        msg = f"'{activation.name}' cannot be a ramp: its inverse is not finite between its levels"
        raise DesignError(msg)
    return theta, np.concatenate([before, after]).astype(np.int64)


def _end_value(activation: Activation, branch: Branch, x: float) -> float:
    """Return the function's value at an end of a branch; at infinity that is one of its bounds."""
    if math.isinf(x) and activation.bounds is not None:
        return activation.bounds[int(branch.rising == (x > 0))]
    return float(activation.value(np.array([x]))[0])


def _joined(
    activation: Activation, pieces: list[tuple[float, Array, NDArray[np.int64]]], level: Array
) -> Quantised:
    """Put branches one after another, the turning points between them."""
    if not pieces:
        msg = f"'{activation.name}' cannot be a ramp: no level begins on any of its branches"
        raise DesignError(msg)
    theta = [pieces[0][1]]
    for low, inside, _ in pieces[1:]:
        theta += [np.array([low]), inside]
    sizes = [code.size for _, _, code in pieces]
    return Quantised(
        level=level,
        theta=np.concatenate(theta),
        step_code=np.concatenate([code for _, _, code in pieces]),
        branches=tuple(int(begin) for begin in np.cumsum([0, *sizes[:-1]])),
    )


def _check_rises(activation: Activation, theta: Array) -> None:
    """Refuse thresholds that do not rise."""
    wrong = np.flatnonzero(np.diff(theta) <= 0)
    if not wrong.size:
        return
    at, after = theta[wrong[0]], theta[wrong[0] + 1]
    if at == after:
        why = f"it rises or falls by more than a level at once at x = {at:g}: an infinite slope"
    else:
        why = f"it is not monotonic near x = {at:g}"
    msg = f"'{activation.name}' cannot be a ramp: {why}"
    raise DesignError(msg)


def _check_levels(activation: Activation, quantised: Quantised, domain: Range) -> None:
    """Refuse a function that leaves its level within a step.

    So does one that is not monotonic on a branch, and one whose inverse is not its inverse.
    """
    theta, level = quantised.theta, quantised.level
    low, high = outer_ends(quantised, domain)
    edge = np.concatenate([[min(low, theta[0])], theta, [max(high, theta[-1])]])
    x = edge[:-1, None] + np.diff(edge)[:, None] * _PROBES
    with np.errstate(all="ignore"):
        off = np.abs(activation.value(x) - level[quantised.step_code][:, None])
    rounding = 8 * np.finfo(np.float64).eps * float(np.abs(level).max())
    allowed = (0.5 + _PROBE_TOLERANCE) * (level[1] - level[0]) + rounding
    wrong = np.argwhere(~(off <= allowed))
    if wrong.size:
        step, probe = wrong[0]
        msg = (
            f"'{activation.name}' cannot be a ramp: at x = {x[step, probe]:g} it is not within "
            f"half a level of {level[quantised.step_code[step]]:g}, as its inverse says; either it "
            "is not monotonic there, or its inverse is not its inverse"
        )
        raise DesignError(msg)


def outer_ends(quantised: Quantised, domain: Range) -> Range:
    """Return the finite interval of x in which the code changes, and a step to either side.

    That is the domain, where it is finite; elsewhere it ends as far outside the last threshold as
    the widest step between two thresholds is wide (1 where there is only one threshold).
    """
    step = quantised.inner or 1.0
    low = domain[0] if math.isfinite(domain[0]) else float(quantised.theta[0]) - step
    high = domain[1] if math.isfinite(domain[1]) else float(quantised.theta[-1]) + step
    return low, high
