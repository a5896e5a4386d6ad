"""One conversion of one tile, a clock cycle at a time: the definition of what a tile does.

The phases of a conversion (section 2 of the model; Yang et al. 2025, Figs. 1 and 2):

1. reset, `reset_cycles`: the integrators go to V_CLP, which is charge 0 here;
2. integrate, ``2**n_in`` cycles: row ``i`` is driven during the first ``|drive[i]|`` of them, and
   every column integrates the signed difference of the conductances of the driven rows;
3. ramp, ``2**n_out`` cycles (more for a function with two branches): in cycle ``q`` the ramp stands
   at threshold ``q``, and every column that has not tripped compares; it latches ``q`` if the ramp
   is above its charge;
4. readout, `readout_cycles`.

Charge is counted in quanta: what one conductance step moves in one cycle at V_read. All of it is
integer arithmetic, so every sum is exact in any order. Imperfections (`AnalogArrays`) are rounded
to whole quanta where they act.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels import ROUNDING_GUARD
from archsim.kernels.jit import kernel
from archsim.kernels.philox import Purpose, fill_normal, normal_pair, philox


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
_READ_NOISE = int(Purpose.READ_NOISE)
_RAMP_NOISE = int(Purpose.RAMP_NOISE)
_DECISION_NOISE = int(Purpose.DECISION_NOISE)


class AnalogArrays(NamedTuple):
    """Imperfections of a tile's analog circuits; `ideal_analog` has them all off.

    Attributes
    ----------
    read_variance : float64 (rows, columns), or (0, 0)
        Variance that read noise gives a column a cycle for which the row is driven, quanta^2: the
        noise is frozen, so m driven cycles give m^2 times as much.
    ramp_position : float64 (ramps, steps), or (0, 0)
        Where each ramp stands after each step, in quanta; used only with noise of the ramp cells.
    ramp_sigma : float64 (ramps, steps + 1), or (0, 0)
        Noise of each step, and at the end of the bias cells together, in quanta.
    offset : int64 (columns,)
        Charge at which an integrator stands after reset, quanta.
    comparator_offset : int64 (columns,)
        Added to a column's charge when it is compared, quanta.
    leak : float
        Share of its charge that an integrator loses in an integrate cycle.
    rail_low, rail_high : int
        Charge at which an integrator clips, every cycle, quanta.
    decision_sigma : float
        Noise of one comparison, quanta.
    seed, tile : int
        Key of the tile's random numbers: seed of the run, number of the tile.
    """

    read_variance: NDArray[np.float64]
    ramp_position: NDArray[np.float64]
    ramp_sigma: NDArray[np.float64]
    offset: NDArray[np.int64]
    comparator_offset: NDArray[np.int64]
    leak: float
    rail_low: int
    rail_high: int
    decision_sigma: float
    seed: int
    tile: int


NO_RAIL = 1 << 62


def ideal_analog(columns: int) -> AnalogArrays:
    """Return perfect analog circuits for a tile of `columns` columns."""
    nothing = np.zeros((0, 0), dtype=np.float64)
    return AnalogArrays(
        read_variance=nothing,
        ramp_position=nothing,
        ramp_sigma=nothing,
        offset=np.zeros(columns, dtype=np.int64),
        comparator_offset=np.zeros(columns, dtype=np.int64),
        leak=0.0,
        rail_low=-NO_RAIL,
        rail_high=NO_RAIL,
        decision_sigma=0.0,
        seed=0,
        tile=0,
    )


class TileArrays(NamedTuple):
    """A built tile as kernels see it.

    Attributes
    ----------
    difference : int32 (rows, columns)
        G+ - G- in conductance steps.
    row_conductance : int64 (rows,)
        Sum of G+ + G- over the columns, in conductance steps.
    threshold : int64 (ramps, steps)
        Where each ramp stands in ramp cycle q, in charge quanta; a column trips at the first q
        whose threshold is above its charge.
    step_code : int64 (ramps, steps)
        The code that a column latches in ramp cycle q: q itself, but for functions with two
        branches. A column that never trips gets the last one.
    ramp_of_column : int64 (columns,)
        Which ramp each column's comparator sees.
    reset_cycles, integrate_cycles, ramp_cycles, readout_cycles : int
        Lengths of the phases in clock cycles.
    analog : AnalogArrays
        Imperfections.
    """

    difference: NDArray[np.int32]
    row_conductance: NDArray[np.int64]
    threshold: NDArray[np.int64]
    step_code: NDArray[np.int64]
    ramp_of_column: NDArray[np.int64]
    reset_cycles: int
    integrate_cycles: int
    ramp_cycles: int
    readout_cycles: int
    analog: AnalogArrays

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
def _lose(charge: NDArray[np.int64], leak: float) -> None:
    """Let every integrator lose its share of charge, rounded to quanta (half to even)."""
    for column in range(charge.shape[0]):
        charge[column] -= np.int64(np.rint(leak * charge[column]))


@kernel
def _integrate(
    difference: NDArray[np.int32],
    row_conductance: NDArray[np.int64],
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
        activity[_CONDUCTANCE] += row_conductance[row]
        if drive[row] > 0:
            for column in range(columns):
                charge[column] += difference[row, column]
        else:
            for column in range(columns):
                charge[column] -= difference[row, column]


@kernel
def disturb(
    tile: TileArrays,
    drive: NDArray[np.int64],
    sequence: int,
    conversion: int,
    charge: NDArray[np.int64],
) -> None:
    """Add the read noise of a whole conversion to every column, one draw a column.

    Its variance is ``sum_i m_i**2 * sigma_ij**2`` exactly (section 2 of the model).
    """
    read_variance = tile.analog.read_variance
    columns = charge.shape[0]
    variance = np.zeros(columns, dtype=np.float64)
    for row in range(drive.shape[0]):
        square = float(drive[row] * drive[row])
        if square > 0:
            for column in range(columns):
                variance[column] += square * read_variance[row, column]
    normal = np.empty(columns, dtype=np.float64)
    fill_normal(tile.analog.seed, _READ_NOISE, sequence, conversion, tile.analog.tile, normal)
    for column in range(columns):
        charge[column] += np.int64(np.rint(np.sqrt(variance[column]) * normal[column]))


@kernel
def thresholds_of_conversion(tile: TileArrays, sequence: int, conversion: int) -> NDArray[np.int64]:
    """Return where the ramps stand in this conversion: with the noise of their cells, if any."""
    analog = tile.analog
    if analog.ramp_sigma.shape[0] == 0:
        return tile.threshold
    threshold = np.empty_like(tile.threshold)
    ramps, steps = threshold.shape
    normal = np.empty(steps + 1, dtype=np.float64)
    for ramp in range(ramps):
        place = analog.tile + ((ramp + 1) << 32)
        fill_normal(analog.seed, _RAMP_NOISE, sequence, conversion, place, normal)
        moved = -analog.ramp_sigma[ramp, steps] * normal[steps]
        for step in range(steps):
            moved += analog.ramp_sigma[ramp, step] * normal[step]
            position = analog.ramp_position[ramp, step] + moved
            threshold[ramp, step] = np.int64(np.ceil(position - ROUNDING_GUARD))
    return threshold


@kernel
def _decision_noise(
    seed: int, tile: int, column: int, step: int, sequence: int, conversion: int
) -> float:
    """Return the noise of one comparison, standard normal."""
    place = tile + ((step + 1) << 32)
    word_0, word_1, _, _ = philox(seed, _DECISION_NOISE, column, sequence, conversion, place)
    return normal_pair(word_0, word_1)[0]


@kernel
def _compare(
    tile: TileArrays,
    threshold: NDArray[np.int64],
    step: int,
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    activity: NDArray[np.int64],
    sequence: int,
    conversion: int,
) -> None:
    """Let every undecided column compare with its ramp, and latch those that trip.

    What the loop needs is taken out of the tile first: handing a tile to a function for every
    column costs more than the comparison.
    """
    ramp_of_column, step_code = tile.ramp_of_column, tile.step_code
    offset = tile.analog.comparator_offset
    sigma, seed, number = tile.analog.decision_sigma, tile.analog.seed, tile.analog.tile
    for column in range(charge.shape[0]):
        if code[column] != _NOT_LATCHED:
            continue
        activity[_UNDECIDED] += 1
        ramp = ramp_of_column[column]
        seen = charge[column] + offset[column]
        if sigma == 0.0:
            trips = threshold[ramp, step] > seen
        else:
            noise = _decision_noise(seed, number, column, step, sequence, conversion)
            trips = threshold[ramp, step] > seen + sigma * noise
        if trips:
            code[column] = step_code[ramp, step]
            activity[_LATCHED] += 1


@kernel
def convert_cycles(
    tile: TileArrays,
    drive: NDArray[np.int64],
    sequence: int,
    conversion: int,
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
    sequence, conversion : int
        Which conversion of the run it is, for its random numbers.
    charge : int64 (columns,)
        Out: integrated charge in quanta; ideally ``sum_i drive_i * (G+_ij - G-_ij)``.
    code : int64 (columns,)
        Out: latched codes, 0 .. 2**n_out - 1.
    activity : int64 (cycles, N_ACTIVITY)
        Out: what happened in each cycle, columns as in `Activity`.
    waveform : int64 (cycles, columns) or (0, columns)
        Out, if it has rows: every column's charge at the end of each cycle, in quanta.
    """
    analog = tile.analog
    threshold = thresholds_of_conversion(tile, sequence, conversion)
    activity[:, :] = 0
    for cycle in range(conversion_cycles(tile)):
        phase, step = phase_of_cycle(tile, cycle)
        if phase == _RESET:
            charge[:] = analog.offset
            code[:] = _NOT_LATCHED
        if phase == _INTEGRATE:
            if analog.leak > 0.0:
                _lose(charge, analog.leak)
            _integrate(tile.difference, tile.row_conductance, drive, step, charge, activity[cycle])
            if step == tile.integrate_cycles - 1 and analog.read_variance.shape[0] > 0:
                disturb(tile, drive, sequence, conversion, charge)
            if analog.rail_high < NO_RAIL:
                np.clip(charge, analog.rail_low, analog.rail_high, charge)
        if phase == _RAMP:
            _compare(tile, threshold, step, charge, code, activity[cycle], sequence, conversion)
        if waveform.shape[0] > 0:
            waveform[cycle, :] = charge
    for column in range(code.shape[0]):
        if code[column] == _NOT_LATCHED:
            code[column] = tile.step_code[tile.ramp_of_column[column], tile.ramp_cycles - 1]
