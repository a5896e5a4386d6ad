"""The words of a trace that kernels, costs and readers share: phases of a tile, what is counted."""

from __future__ import annotations

from enum import IntEnum


class Phase(IntEnum):
    """Phase of a tile in a clock cycle, as the trace's ``phase`` says it."""

    RESET = 0
    INTEGRATE = 1
    RAMP = 2
    READOUT = 3
    CONVERT = 4
    """In place of a ramp: successive approximation, the last bit plane of bit-serial inputs, or the
    one cycle of ideal converters."""


class Activity(IntEnum):
    """Columns of a tile's per-cycle activity record; each is a count."""

    ACTIVE_ROWS = 0
    """Rows driven in the cycle."""
    CONDUCTANCE = 1
    """Sum of G+ + G- over the cells of the driven rows, in conductance steps."""
    ROW_EDGES = 2
    """Rows that rise or fall at the start of the cycle."""
    UNDECIDED = 3
    """Columns that compare in the cycle: with a ramp those that have not latched, with shared
    converters those that are being converted, bit-serial ones also while rows are read; 0 in
    other phases."""
    LATCHED = 4
    """Columns that latch in the cycle."""


N_ACTIVITY = len(Activity)

ROUNDING_GUARD = 1e-6
"""Quanta by which a threshold may lie above a whole number and still count as that number.

Thresholds at exactly 0 (the middle of sigmoid and tanh) come out of sums of floats as 1e-11 or
-1e-11; without the guard, ties would fall either way.
"""
