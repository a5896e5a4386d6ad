"""A function given as a table of points, with straight lines between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from archsim.config.activations import TableActivation, load_tables
from archsim.config.points import check_points
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
        check_points(name, points)
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


def own_activations(tables: Sequence[TableActivation]) -> list[Activation]:
    """Return the functions that a configuration brings as tables."""
    return [PiecewiseLinear(table.name, table.points) for table in tables]


def load_activations(path: str | Path) -> list[Activation]:
    """Return the functions that a configuration brings; nothing else of it is looked at.

    Raises
    ------
    ConfigError
        If the file cannot be read, or a table in it is wrong; names the file and line.
    """
    return own_activations(load_tables(path))
