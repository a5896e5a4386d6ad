"""Points of a function that a configuration brings as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from archsim.errors import DesignError


def check_points(name: str, points: Sequence[tuple[float, float]]) -> None:
    """Check that a function's points rise in x, and in y rise or fall and never turn.

    Raises
    ------
    DesignError
        If they do not; the message says at which point.
    """
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
