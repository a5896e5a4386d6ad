"""One conversion of one tile, a clock cycle at a time: the definition of what a tile does.

The phases of a conversion (section 2 of the model; Yang et al. 2025, Figs. 1 and 2):

1. reset, `reset_cycles`: the integrators go to V_CLP, which is charge 0 here;
2. integrate, ``2**n_in`` cycles: row ``i`` is driven during the first ``|drive[i]|`` of them, and
   every column integrates the signed difference of the conductances of the driven rows;
3. ramp, ``2**n_out`` cycles: in cycle ``q`` the ramp stands at threshold ``q``, and every column
   that has not tripped compares; it latches ``q`` if the ramp is above its charge;
4. readout, `readout_cycles`.

Charge is counted in quanta: what one conductance step moves in one cycle at V_read. All of it is
integer arithmetic, so every sum is exact in any order.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.jit import kernel


class Phase(IntEnum):
    """Phase of a tile in a clock cycle, as the trace's ``phase`` says it."""

    RESET = 0
    INTEGRATE = 1
    RAMP = 2
    READOUT = 3


class Activity(IntEnum):
    """Columns of a tile's per-cycle activity record; each is a count."""

    ACTIVE_ROWS = 0
    """Rows driven in the cycle."""
    CONDUCTANCE = 1
    """Sum of G+ + G- over the cells of the driven rows, in conductance steps."""
    ROW_EDGES = 2
    """Rows that rise or fall at the start of the cycle."""
    UNDECIDED = 3
    """Columns that compare in the cycle: those that have not latched; 0 outside the ramp."""
    LATCHED = 4
    """Columns that latch in the cycle."""


N_ACTIVITY = len(Activity)

_RESET = int(Phase.RESET)
_INTEGRATE = int(Phase.INTEGRATE)
_RAMP = int(Phase.RAMP)
_READOUT = int(Phase.READOUT)
_ACTIVE_ROWS = int(Activity.ACTIVE_ROWS)
_CONDUCTANCE = int(Activity.CONDUCTANCE)
_ROW_EDGES = int(Activity.ROW_EDGES)
_UNDECIDED = int(Activity.UNDECIDED)
_LATCHED = int(Activity.LATCHED)
_NOT_LATCHED = -1


class TileArrays(NamedTuple):
    """A built tile as kernels see it.

    Attributes
    ----------
    difference : int32 (rows, columns)
        G+ - G- in conductance steps.
    row_conductance : int64 (rows,)
        Sum of G+ + G- over the columns, in conductance steps.
    threshold : int64 (ramps, 2**n_out)
        Where each ramp stands in ramp cycle q, in charge quanta; a column trips at the first q
        whose threshold is above its charge.
    ramp_of_column : int64 (columns,)
        Which ramp each column's comparator sees.
    reset_cycles, integrate_cycles, ramp_cycles, readout_cycles : int
        Lengths of the phases in clock cycles.
    """

    difference: NDArray[np.int32]
    row_conductance: NDArray[np.int64]
    threshold: NDArray[np.int64]
    ramp_of_column: NDArray[np.int64]
    reset_cycles: int
    integrate_cycles: int
    ramp_cycles: int
    readout_cycles: int

    @property
    def cycles(self) -> int:
        """Length of one conversion in clock cycles."""
        return self.reset_cycles + self.integrate_cycles + self.ramp_cycles + self.readout_cycles


@kernel
def conversion_cycles(tile: TileArrays) -> int:
    """Return the length of one conversion in clock cycles (callable from kernels)."""
    return tile.reset_cycles + tile.integrate_cycles + tile.ramp_cycles + tile.readout_cycles


@kernel
def phase_of_cycle(tile: TileArrays, cycle: int) -> tuple[int, int]:
    """Return the phase of a cycle of a conversion and the cycle's index within that phase."""
    if cycle < tile.reset_cycles:
        return _RESET, cycle
    cycle -= tile.reset_cycles
    if cycle < tile.integrate_cycles:
        return _INTEGRATE, cycle
    cycle -= tile.integrate_cycles
    if cycle < tile.ramp_cycles:
        return _RAMP, cycle
    return _READOUT, cycle - tile.ramp_cycles


@kernel
def _integrate(
    tile: TileArrays,
    drive: NDArray[np.int64],
    step: int,
    charge: NDArray[np.int64],
    activity: NDArray[np.int64],
) -> None:
    """Add one cycle's charge to every column, and count the rows that drive and that switch."""
    columns = charge.shape[0]
    for row in range(drive.shape[0]):
        magnitude = abs(drive[row])
        if magnitude > 0 and step in (0, magnitude):
            activity[_ROW_EDGES] += 1
        if step >= magnitude:
            continue
        activity[_ACTIVE_ROWS] += 1
        activity[_CONDUCTANCE] += tile.row_conductance[row]
        if drive[row] > 0:
            for column in range(columns):
                charge[column] += tile.difference[row, column]
        else:
            for column in range(columns):
                charge[column] -= tile.difference[row, column]


@kernel
def _compare(
    tile: TileArrays,
    step: int,
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    activity: NDArray[np.int64],
) -> None:
    """Let every undecided column compare with its ramp, and latch those that trip."""
    for column in range(charge.shape[0]):
        if code[column] == _NOT_LATCHED:
            activity[_UNDECIDED] += 1
            if tile.threshold[tile.ramp_of_column[column], step] > charge[column]:
                code[column] = step
                activity[_LATCHED] += 1


@kernel
def convert_cycles(
    tile: TileArrays,
    drive: NDArray[np.int64],
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    activity: NDArray[np.int64],
    waveform: NDArray[np.int64],
) -> None:
    """Run one conversion a clock cycle at a time.

    Parameters
    ----------
    tile : TileArrays
        The tile.
    drive : int64 (rows,)
        Signed pulse widths in cycles, ``s_i * m_i`` with ``m_i < 2**n_in``.
    charge : int64 (columns,)
        Out: integrated charge in quanta, ``sum_i drive_i * (G+_ij - G-_ij)``.
    code : int64 (columns,)
        Out: latched codes, 0 .. 2**n_out - 1.
    activity : int64 (cycles, N_ACTIVITY)
        Out: what happened in each cycle, columns as in `Activity`.
    waveform : int64 (cycles, columns) or (0, columns)
        Out, if it has rows: every column's charge at the end of each cycle, in quanta.
    """
    activity[:, :] = 0
    for cycle in range(conversion_cycles(tile)):
        phase, step = phase_of_cycle(tile, cycle)
        if phase == _RESET:
            charge[:] = 0
            code[:] = _NOT_LATCHED
        if phase == _INTEGRATE:
            _integrate(tile, drive, step, charge, activity[cycle])
        if phase == _RAMP:
            _compare(tile, step, charge, code, activity[cycle])
        if waveform.shape[0] > 0:
            waveform[cycle, :] = charge
    for column in range(code.shape[0]):
        if code[column] == _NOT_LATCHED:
            code[column] = tile.ramp_cycles - 1
