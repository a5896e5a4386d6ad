"""A function given as a table of points, with straight lines between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from archsim.errors import DesignError
from archsim.network.activations.base import Activation, Array, Branch


class PiecewiseLinear(Activation):
    """Straight lines through points; constant outside them.

    It may fall instead of rise, and may be flat in places; where it is flat exactly halfway between
    two levels, the inverse is the leftmost such x.

    Parameters
    ----------
    name : str
        What configurations call it.
    points : sequence of (float, float)
        At least two (x, y), x rising, y monotonic.

    Raises
    ------
    DesignError
        If the points are not such; the message says at which point.
    """

    def __init__(self, name: str, points: Sequence[tuple[float, float]]) -> None:
        _check(name, points)
        self.name = name
        self._x, self._y = np.array(points, dtype=np.float64).T
        self._rising = bool(self._y[0] < self._y[-1])
        self.bounds = (float(self._y.min()), float(self._y.max()))

    def value(self, x: Array) -> Array:
        """Return the value on the line between the two points next to x."""
        return np.asarray(np.interp(np.asarray(x, dtype=np.float64), self._x, self._y))

    def inverse(self, y: Array) -> Array:
        """Return the leftmost x with value y."""
        sign = 1.0 if self._rising else -1.0
        rising, y = sign * self._y, sign * np.asarray(y, dtype=np.float64)
        right = np.searchsorted(rising, y).clip(1, rising.size - 1)
        left = right - 1
        part = (y - rising[left]) / (rising[right] - rising[left])
        return np.asarray(self._x[left] + part * (self._x[right] - self._x[left]))

    def branches(self) -> tuple[Branch, ...]:
        """Return the one branch, which rises or falls."""
        return (Branch(-math.inf, math.inf, rising=self._rising, inverse=self.inverse),)


def _check(name: str, points: Sequence[tuple[float, float]]) -> None:
    problem = _too_few(points) or _not_finite(points) or _unsorted(points) or _turns(points)
    if problem:
        msg = f"the table of '{name}' {problem}"
        raise DesignError(msg)


def _too_few(points: Sequence[tuple[float, float]]) -> str:
    return "" if len(points) >= 2 else f"has {len(points)} points, but needs at least 2"


def _not_finite(points: Sequence[tuple[float, float]]) -> str:
    for number, point in enumerate(points, 1):
        if not (math.isfinite(point[0]) and math.isfinite(point[1])):
            return f"is not finite at {_at(number, point)}"
    return ""


def _unsorted(points: Sequence[tuple[float, float]]) -> str:
    for number, (before, point) in enumerate(pairwise(points), 2):
        if point[0] == before[0]:
            return f"has x = {point[0]:g} twice, at {_at(number, point)} again"
        if point[0] < before[0]:
            return f"is not sorted by x: {_at(number, point)} is left of the point before it"
    return ""


def _turns(points: Sequence[tuple[float, float]]) -> str:
    rise = points[-1][1] - points[0][1]
    way = "falls" if rise > 0 else "rises"
    for number, (before, point) in enumerate(pairwise(points), 2):
        if (point[1] - before[1]) * rise < 0:
            return (
                f"is not monotonic: it {way} at {_at(number, point)}, against its course from "
                f"{points[0][1]:g} to {points[-1][1]:g}"
            )
    if rise == 0:
        turn = next((n for n, point in enumerate(points, 1) if point[1] != points[0][1]), 0)
        at = f"it ends where it began but leaves that value at {_at(turn, points[turn - 1])}"
        return (
            f"is not monotonic: {at}" if turn else f"has the same value {points[0][1]:g} all over"
        )
    return ""


def _at(number: int, point: tuple[float, float]) -> str:
    return f"point {number}, [{point[0]:g}, {point[1]:g}]"
