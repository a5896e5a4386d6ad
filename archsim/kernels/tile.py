"""One conversion of one bank, a clock cycle at a time: the definition of what a tile does.

The phases of a conversion (section 2 of the model; Yang et al. 2025, Figs. 1 and 2):

1. reset, `reset_cycles`: the integrators go to V_CLP, which is charge 0 here;
2. integrate, `integrate_cycles`: row ``i`` is driven during the first ``|drive[i]|`` of them, and
   every column integrates the signed difference of the conductances of the driven rows;
3. conversion, `convert_cycles`: the converters find a code for every column's charge, a ramp for
   one by a step a cycle;
4. readout, `readout_cycles`.

What converters do is their kind's: the functions below that are chosen `by_type` of a bank's
readout are what a kind of converters gives (`archsim.chip.converters`, a folder each).

Charge is counted in quanta: what one conductance step moves in one cycle at V_read. All of it is
integer arithmetic, so every sum is exact in any order. Imperfections (`AnalogArrays`) are rounded
to whole quanta where they act.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.bank import NO_RAIL, BankArrays
from archsim.numeric.dispatch import by_type
from archsim.numeric.jit import kernel
from archsim.numeric.normal import DrawKey, add_normal, normal_scratch
from archsim.numeric.philox import Purpose
from archsim.vocabulary import Activity, Phase

NOT_LATCHED = -1
"""Code of a column that has not latched yet."""

_RESET = int(Phase.RESET)
_INTEGRATE = int(Phase.INTEGRATE)
_CONVERT = int(Phase.CONVERT)
_READOUT = int(Phase.READOUT)
_ACTIVE_ROWS = int(Activity.ACTIVE_ROWS)
_CONDUCTANCE = int(Activity.CONDUCTANCE)
_ROW_EDGES = int(Activity.ROW_EDGES)
_LATCHED = int(Activity.LATCHED)
_READ_NOISE = int(Purpose.READ_NOISE)

# ----------------------------------------------------------------- what a kind of converters gives


@by_type
def begin(readout: Any, bank: BankArrays, drive: NDArray[np.int64], when: tuple[int, int]) -> Any:
    """Return what a conversion's converters keep from cycle to cycle.

    Parameters
    ----------
    readout : NamedTuple of a kind
        The layer's readouts; the bank's are those of `BankArrays.place`.
    bank : BankArrays
        The bank.
    drive : int64 (rows,)
        Signed pulse widths.
    when : tuple of int
        Number of the sequence in the run, and of the conversion in its sequence, for random
        numbers.
    """


@by_type
def convert_cycle(
    readout: Any,
    bank: BankArrays,
    kept: Any,
    step: int,
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    counts: NDArray[np.int64],
    when: tuple[int, int],
) -> None:
    """Work for one cycle of the phase of conversion.

    Parameters
    ----------
    readout, bank, when
        As of `begin`.
    kept
        What `begin` returned.
    step : int
        The cycle, counted from the first of the phase.
    charge : int64 (columns,)
        Charge of every column, in quanta.
    code : int64 (columns,)
        Out: codes of the columns that latch; `NOT_LATCHED` are those that have not.
    counts : int64 (N_ACTIVITY,)
        Out: comparisons and latches of the cycle are added to it.
    """


@by_type(default=True)
def integrate_cycle(
    readout: Any,  # noqa: ARG001 - of kinds that do more than integrate
    bank: BankArrays,
    kept: Any,  # noqa: ARG001
    drive: NDArray[np.int64],
    step: int,
    charge: NDArray[np.int64],
    activity: NDArray[np.int64],
    when: tuple[int, int],
) -> None:
    """Work for one integrate cycle: loss, charge, the noise at the end, the rails.

    A kind whose rows are not driven by pulse widths does something else.

    Parameters
    ----------
    readout, bank, kept, drive, charge, when
        As of `begin` and `convert_cycle`.
    step : int
        The cycle, counted from the first of the phase.
    activity : int64 (tiles, N_ACTIVITY)
        Out: what happened in the cycle.
    """
    analog = bank.analog
    if analog.leak > 0.0:
        _lose(charge, analog.leak)
    _integrate(bank, drive, step, charge, activity)
    if step == bank.integrate_cycles - 1 and analog.read_variance.shape[0] > 0:
        disturb(bank, drive, when, charge)
    if analog.rail_high < NO_RAIL:
        np.clip(charge, analog.rail_low, analog.rail_high, charge)


@by_type(default=True)
def end(readout: Any, bank: BankArrays, code: NDArray[np.int64]) -> None:
    """Give a code to columns that have none after the last cycle of conversion."""


# ----------------------------------------------------------------- the conversion


@kernel
def conversion_cycles(bank: BankArrays) -> int:
    """Return the length of one conversion in clock cycles (callable from kernels)."""
    return bank.reset_cycles + bank.integrate_cycles + bank.convert_cycles + bank.readout_cycles


@kernel
def phase_of_cycle(bank: BankArrays, cycle: int) -> tuple[int, int]:
    """Return the phase of a cycle of a conversion and the cycle's index within that phase.

    The phase of conversion comes out as `Phase.CONVERT`, a ramp's too.
    """
    if cycle < bank.reset_cycles:
        return _RESET, cycle
    cycle -= bank.reset_cycles
    if cycle < bank.integrate_cycles:
        return _INTEGRATE, cycle
    cycle -= bank.integrate_cycles
    if cycle < bank.convert_cycles:
        return _CONVERT, cycle
    return _READOUT, cycle - bank.convert_cycles


@kernel
def convert_cycles(
    bank: BankArrays,
    drive: NDArray[np.int64],
    when: tuple[int, int],
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    activity: NDArray[np.int64],
    waveform: NDArray[np.int64],
) -> int:
    """Run one conversion a clock cycle at a time.

    Parameters
    ----------
    bank : BankArrays
        The bank.
    drive : int64 (rows,)
        Signed pulse widths in cycles, ``s_i * m_i`` with ``m_i < 2**n_in``.
    when : tuple of int
        Number of the sequence in the run, and of the conversion in its sequence, for random
        numbers.
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
        Cycles of conversion that took place: all, or with an early stop those up to the last latch.
        Cycles after an early stop have no activity and, in `waveform`, the last charge.
    """
    readout, last_tile = bank.readout, activity.shape[1] - 1
    kept = begin(readout, bank, drive, when)
    activity[:, :, :] = 0
    converted, latched = 0, 0
    for cycle in range(conversion_cycles(bank)):
        phase, step = phase_of_cycle(bank, cycle)
        if phase == _RESET:
            charge[:] = bank.analog.offset
            code[:] = NOT_LATCHED
        if phase == _INTEGRATE:
            integrate_cycle(readout, bank, kept, drive, step, charge, activity[cycle], when)
        if phase == _CONVERT and (latched < charge.shape[0] or bank.early_stop == 0):
            counts = activity[cycle, last_tile]
            convert_cycle(readout, bank, kept, step, charge, code, counts, when)
            latched += counts[_LATCHED]
            converted = step + 1
        if waveform.shape[0] > 0:
            waveform[cycle, :] = charge
    end(readout, bank, code)
    return converted


# ----------------------------------------------------------------- integration


@kernel
def _lose(charge: NDArray[np.int64], leak: float) -> None:
    """Let every integrator lose its share of charge, rounded to quanta (half to even)."""
    for column in range(charge.shape[0]):
        charge[column] -= np.int64(np.rint(leak * charge[column]))


@kernel
def _integrate(
    bank: BankArrays,
    drive: NDArray[np.int64],
    step: int,
    charge: NDArray[np.int64],
    activity: NDArray[np.int64],
) -> None:
    """Add one cycle's charge to every column; count each tile's rows that drive and that switch."""
    difference, row_conductance, row_pointer = (
        bank.difference,
        bank.row_conductance,
        bank.row_pointer,
    )
    columns = charge.shape[0]
    for tile in range(row_pointer.shape[0] - 1):
        for row in range(row_pointer[tile], row_pointer[tile + 1]):
            magnitude = abs(drive[row])
            if magnitude > 0 and step in (0, magnitude):
                activity[tile, _ROW_EDGES] += 1
            if step >= magnitude:
                continue
            activity[tile, _ACTIVE_ROWS] += 1
            activity[tile, _CONDUCTANCE] += row_conductance[row]
            if drive[row] > 0:
                for column in range(columns):
                    charge[column] += difference[row, column]
            else:
                for column in range(columns):
                    charge[column] -= difference[row, column]


@kernel
def disturb(
    bank: BankArrays,
    drive: NDArray[np.int64],
    when: tuple[int, int],
    charge: NDArray[np.int64],
) -> None:
    """Add the read noise of a whole conversion to every column, one draw a column.

    Its variance is ``sum_i m_i**2 * sigma_ij**2`` exactly (section 2 of the model).
    """
    read_variance, step = bank.analog.read_variance, bank.analog.variance_step
    columns, (sequence, conversion) = charge.shape[0], when
    variance = np.zeros(columns, dtype=np.int64)
    for row in range(drive.shape[0]):
        square = drive[row] * drive[row]
        if square > 0:
            for column in range(columns):
                variance[column] += square * read_variance[row, column]
    key = DrawKey(bank.analog.seed, _READ_NOISE, sequence, conversion, bank.analog.tile)
    add_normal(key, variance, step, normal_scratch(columns), charge)
