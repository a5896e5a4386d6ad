"""How fast the simulator is meant to be, and figures that are held against it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

TIME_OVER_NUMPY = {("kws", 1): 0.15, ("kws", 64): 1.0, ("charlm", 1): 0.6, ("charlm", 16): 1.0}
"""Time of a timestep over NumPy's, by network and sequences: one thread, cycles recorded."""

TILE_CYCLES = {"kws": 10e6}
"""Tile-cycles a second by network: one thread, cycles recorded."""

TWO_THREADS = {"kws": 1.8}
"""Times as fast as one thread that two are over many sequences, by network."""

RECORDING = {("kws", 64): 1.5, ("charlm", 16): 1.5}
"""Time with every cycle recorded over time with nothing, by network and sequences."""

READ_NOISE = dict.fromkeys(TIME_OVER_NUMPY, 2.0)
"""Time with read noise of every device over time without, by network and sequences: cycles recorded
in both."""

TRACE_FILE = {"kws": 2.5}
"""Time with the cycles of all sequences in a trace over time without a trace, by network."""

START = {"kws": 2.0}
"""A second ``archsim run``, from the command to the prompt, s, by network."""

KERNELS = {"kws": 0.2}
"""For how long that run waits for kernels, s, by network."""


class Bound(StrEnum):
    """On which side of its aim a figure has to be."""

    AT_MOST = "at most"
    AT_LEAST = "at least"


@dataclass(frozen=True)
class Figure:
    """A measured number, and what it is meant to be.

    Attributes
    ----------
    value : float
        What was measured.
    aim : float or None
        What it is meant to be, None where nothing is claimed.
    bound : Bound
        On which side of the aim it has to be.
    met : bool or None
        Whether it is; None without an aim.
    """

    value: float
    aim: float | None
    bound: Bound
    met: bool | None


def at_most(value: float, aim: float | None) -> Figure:
    """Return a figure that should not be above its aim."""
    return Figure(value, aim, Bound.AT_MOST, None if aim is None else value <= aim)


def at_least(value: float, aim: float | None) -> Figure:
    """Return a figure that should not be below its aim."""
    return Figure(value, aim, Bound.AT_LEAST, None if aim is None else value >= aim)


@dataclass(frozen=True)
class Claim:
    """A figure with an aim, and what it is about.

    Attributes
    ----------
    what : str
        What was measured.
    figure : Figure
        The number.
    unit : str
        Its unit, empty for a ratio.
    """

    what: str
    figure: Figure
    unit: str = ""
