"""One conversion of one bank, a clock cycle at a time: the definition of what a tile does.

The phases of a conversion (section 2 of the model; Yang et al. 2025, Figs. 1 and 2):

1. reset, `reset_cycles`: the integrators go to V_CLP, which is charge 0 here;
2. integrate, ``2**n_in`` cycles: row ``i`` is driven during the first ``|drive[i]|`` of them, and
   every column integrates the signed difference of the conductances of the driven rows;
3. ramp, ``2**n_out`` cycles (more for a function with two branches): in cycle ``q`` the ramp stands
   at threshold ``q``, and every column that has not tripped compares; it latches ``q`` if the ramp
   is above its charge. Converters that columns share take this phase's place (`kernels.sar`), or
   ideal ones (`kernels.ideal`); bit-serial inputs have phases 2 and 3 of their own
   (`kernels.bit_serial`);
4. readout, `readout_cycles`.

Charge is counted in quanta: what one conductance step moves in one cycle at V_read. All of it is
integer arithmetic, so every sum is exact in any order. Imperfections (`AnalogArrays`) are rounded
to whole quanta where they act.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.arrays import NO_RAIL, Conversion, TileArrays
from archsim.kernels.bit_serial import convert_bit_serial
from archsim.kernels.ideal import latch_at_once
from archsim.kernels.ramp import NOT_LATCHED, compare_with_ramp, thresholds_of_conversion
from archsim.kernels.sar import compare_successively
from archsim.numeric.jit import kernel
from archsim.numeric.normal import add_normal, normal_scratch
from archsim.numeric.philox import Purpose
from archsim.vocabulary import Activity, Phase

_RESET = int(Phase.RESET)
_INTEGRATE = int(Phase.INTEGRATE)
_RAMP = int(Phase.RAMP)
_READOUT = int(Phase.READOUT)
_ACTIVE_ROWS = int(Activity.ACTIVE_ROWS)
_CONDUCTANCE = int(Activity.CONDUCTANCE)
_ROW_EDGES = int(Activity.ROW_EDGES)
_LATCHED = int(Activity.LATCHED)
_READ_NOISE = int(Purpose.READ_NOISE)
_SAR = int(Conversion.SAR)
_IDEAL = int(Conversion.IDEAL)
_BIT_SERIAL = int(Conversion.BIT_SERIAL)


@kernel
def conversion_cycles(tile: TileArrays) -> int:
    """Return the length of one conversion in clock cycles (callable from kernels)."""
    return tile.reset_cycles + tile.integrate_cycles + tile.ramp_cycles + tile.readout_cycles


@kernel
def phase_of_cycle(tile: TileArrays, cycle: int) -> tuple[int, int]:
    """Return the phase of a cycle of a conversion and the cycle's index within that phase.

    Shared converters' phase comes out as that of a ramp.
    """
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
    tile: TileArrays,
    drive: NDArray[np.int64],
    step: int,
    charge: NDArray[np.int64],
    activity: NDArray[np.int64],
) -> None:
    """Add one cycle's charge to every column; count each tile's rows that drive and that switch."""
    difference, row_conductance, row_pointer = (
        tile.difference,
        tile.row_conductance,
        tile.row_pointer,
    )
    columns = charge.shape[0]
    for part in range(row_pointer.shape[0] - 1):
        for row in range(row_pointer[part], row_pointer[part + 1]):
            magnitude = abs(drive[row])
            if magnitude > 0 and step in (0, magnitude):
                activity[part, _ROW_EDGES] += 1
            if step >= magnitude:
                continue
            activity[part, _ACTIVE_ROWS] += 1
            activity[part, _CONDUCTANCE] += row_conductance[row]
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
    read_variance, step = tile.analog.read_variance, tile.analog.variance_step
    columns = charge.shape[0]
    variance = np.zeros(columns, dtype=np.int64)
    for row in range(drive.shape[0]):
        square = drive[row] * drive[row]
        if square > 0:
            for column in range(columns):
                variance[column] += square * read_variance[row, column]
    add_normal(
        tile.analog.seed, _READ_NOISE, sequence, conversion, tile.analog.tile, columns, variance, 0,
        step, 0, normal_scratch(columns), charge, 0,
    )  # fmt: skip


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
) -> int:
    """Run one conversion a clock cycle at a time.

    Parameters
    ----------
    tile : TileArrays
        The bank.
    drive : int64 (rows,)
        Signed pulse widths in cycles, ``s_i * m_i`` with ``m_i < 2**n_in``.
    sequence, conversion : int
        Which conversion of the run it is, for its random numbers.
    charge : int64 (columns,)
        Out: integrated charge in quanta; ideally ``sum_i drive_i * (G+_ij - G-_ij)``.
    code : int64 (columns,)
        Out: latched codes, 0 .. 2**n_out - 1.
    activity : int64 (cycles, tiles, N_ACTIVITY)
        Out: what happened in each cycle in each of the bank's tiles, counts as in `Activity`.
    waveform : int64 (cycles, columns) or (0, columns)
        Out, if it has rows: every column's charge at the end of each cycle, in quanta.

    Returns
    -------
    int
        Cycles of the ramp that were walked: all, or with an early stop those up to the last latch.
        Cycles after an early stop have no activity and, in `waveform`, the last charge.
    """
    if tile.conversion == _BIT_SERIAL:
        return convert_bit_serial(tile, drive, charge, code, activity, waveform)
    threshold = thresholds_of_conversion(tile, sequence, conversion)
    activity[:, :, :] = 0
    foot = activity.shape[1] - 1
    walked, latched = 0, 0
    for cycle in range(conversion_cycles(tile)):
        phase, step = phase_of_cycle(tile, cycle)
        if phase == _RESET:
            charge[:] = tile.analog.offset
            code[:] = NOT_LATCHED
        if phase == _INTEGRATE:
            _integrate_cycle(tile, drive, step, sequence, conversion, charge, activity[cycle])
        if phase == _RAMP and (latched < charge.shape[0] or tile.early_stop == 0):
            counts = activity[cycle, foot]
            if tile.conversion == _SAR:
                compare_successively(
                    tile, threshold, step, charge, code, counts, sequence, conversion
                )
            elif tile.conversion == _IDEAL:
                latch_at_once(tile, threshold, charge, code, counts)
            else:
                compare_with_ramp(tile, threshold, step, charge, code, counts, sequence, conversion)
            latched += counts[_LATCHED]
            walked = step + 1
        if waveform.shape[0] > 0:
            waveform[cycle, :] = charge
    for column in range(code.shape[0]):
        if code[column] == NOT_LATCHED:
            code[column] = tile.step_code[tile.ramp_of_column[column], tile.ramp_cycles - 1]
    return walked


@kernel
def _integrate_cycle(
    tile: TileArrays,
    drive: NDArray[np.int64],
    step: int,
    sequence: int,
    conversion: int,
    charge: NDArray[np.int64],
    activity: NDArray[np.int64],
) -> None:
    """Walk one integrate cycle: loss, charge, the noise at the end, the rails."""
    analog = tile.analog
    if analog.leak > 0.0:
        _lose(charge, analog.leak)
    _integrate(tile, drive, step, charge, activity)
    if step == tile.integrate_cycles - 1 and analog.read_variance.shape[0] > 0:
        disturb(tile, drive, sequence, conversion, charge)
    if analog.rail_high < NO_RAIL:
        np.clip(charge, analog.rail_low, analog.rail_high, charge)
