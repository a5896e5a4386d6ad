"""One bit-serial conversion of one bank, a clock cycle at a time.

This is the crossbar of ISAAC (Shafiee et al., ISCA 2016). Inputs come as *planes*, one bit of their
two's complement at a time, the lowest first; plane ``planes - 1`` is the sign and counts negative.
A weight ``w`` of `weight_bits` is kept as ``w + 2**(weight_bits - 1)``, which has no sign, in
*slices* of `cell_bits`, a cell each in columns side by side. So a plane's current in a column is a
small whole number, the sum of the cells of the rows whose bit is 1, and a converter of `adc_bits`
gives it exactly; above its range it clips.

- *Flipped columns.* With all inputs on, a column's sum could be ``rows * (2**cell_bits - 1)``. One
  that could exceed half of that holds the complement ``2**cell_bits - 1 - cell`` of its cells, so
  that no sum exceeds half and the converter needs a bit less. Shift-and-add undoes it:
  ``sum = (2**cell_bits - 1) * n - flipped sum`` for ``n`` rows that are on.
- *Unit column.* One more column, all 1, gives ``n``; it also takes the bias of the weights,
  ``n * 2**(weight_bits - 1)``, off every plane's sum.

The phases of a conversion; a *stage* is `ramp_cycles` long:

1. reset, `reset_cycles`: the input registers are loaded, the accumulators cleared;
2. integrate, `planes` stages: one plane drives the rows for a stage and is sampled at the end of
   its last cycle. Meanwhile, in all stages but the first, the bank's one converter digitises the
   samples of the plane before, one a cycle: the unit column, then column after column, the lowest
   slice first. Each is shifted and added in its cycle;
3. convert, one stage: the same for the last plane. A column whose last slice is added rounds its
   sum to a code, the first whose threshold is above it, like a ramp, and latches;
4. readout, `readout_cycles`.

`charge` is the accumulators: if nothing clips, ``sum_i drive_i * difference_ij`` exactly, in steps
of a weight times steps of an input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.bank import BankArrays
from archsim.kernels.matrix import fuse
from archsim.kernels.tile import begin, convert_cycle, integrate_cycle
from archsim.numeric.dispatch import implements
from archsim.numeric.jit import kernel
from archsim.numeric.search import first_above
from archsim.vocabulary import Activity

_ACTIVE_ROWS = int(Activity.ACTIVE_ROWS)
_CONDUCTANCE = int(Activity.CONDUCTANCE)
_ROW_EDGES = int(Activity.ROW_EDGES)
_UNDECIDED = int(Activity.UNDECIDED)
_LATCHED = int(Activity.LATCHED)


class BitSerialReadout(NamedTuple):
    """How a layer's bit-serial banks take their numbers apart, and round their sums.

    Attributes
    ----------
    threshold, step_code : int64 (banks, ranges, steps)
        A sum's code is that of the first step whose threshold is above it.
    ramp_of_column : int64 (banks, columns)
        Which of the ranges a column's sum is rounded in.
    weight_bits, cell_bits : int
        Bits of a weight, and of each of the cells that hold it.
    adc_bits : int
        Bits of the converters, which clip above.
    planes : int
        Bits of an input in two's complement, read one after the other.
    flips : int
        1 where columns of large sums hold their complement.
    """

    threshold: NDArray[np.int64]
    step_code: NDArray[np.int64]
    ramp_of_column: NDArray[np.int64]
    weight_bits: int
    cell_bits: int
    adc_bits: int
    planes: int
    flips: int


class _Kept(NamedTuple):
    """What a conversion keeps: inputs, flipped columns, the samples of a plane, its rows."""

    drive: NDArray[np.int64]
    flipped: NDArray[np.int64]
    held: NDArray[np.int64]
    rows: NDArray[np.int64]


@kernel
def flipped_columns(serial: BitSerialReadout, weight: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return 1 for every slice of a column (slices, columns) that holds its complement."""
    rows, columns = weight.shape
    total = np.zeros((serial.weight_bits // serial.cell_bits, columns), dtype=np.int64)
    for row in range(rows):
        _add_cells(serial, weight[row], total)
    most = rows * ((1 << serial.cell_bits) - 1)
    flipped = np.zeros(total.shape, dtype=np.int64)
    for part in range(total.shape[0]):
        for column in range(columns):
            if serial.flips == 1 and 2 * total[part, column] > most:
                flipped[part, column] = 1
    return flipped


@kernel
def _add_cells(
    serial: BitSerialReadout, weight: NDArray[np.int32], total: NDArray[np.int64]
) -> None:
    """Add the cells of one row, none of them flipped, to the sums of their columns."""
    bias, most = 1 << (serial.weight_bits - 1), (1 << serial.cell_bits) - 1
    for part in range(serial.weight_bits // serial.cell_bits):
        shift = serial.cell_bits * part
        for column in range(weight.shape[0]):
            total[part, column] += ((np.int64(weight[column]) + bias) >> shift) & most


@kernel
def _count_rows(
    bank: BankArrays, drive: NDArray[np.int64], plane: int, counts: NDArray[np.int64]
) -> None:
    """Count the rows that a plane drives, and those that switch when it begins."""
    planes, row_conductance = bank.readout.planes, bank.row_conductance
    for row in range(drive.shape[0]):
        bit = (drive[row] >> plane) & 1 if plane < planes else 0
        before = (drive[row] >> (plane - 1)) & 1 if plane > 0 else 0
        if bit != before:
            counts[_ROW_EDGES] += 1
        if bit == 1:
            counts[_ACTIVE_ROWS] += 1
            counts[_CONDUCTANCE] += row_conductance[row]


@kernel
def _sample(
    bank: BankArrays,
    drive: NDArray[np.int64],
    plane: int,
    flipped: NDArray[np.int64],
    held: NDArray[np.int64],
) -> None:
    """Sample every column's sum of a plane.

    `held` is (slices + 1, columns); the first of its last row is the unit column's sum.
    """
    serial, slices = bank.readout, flipped.shape[0]
    held[:, :] = 0
    for row in range(drive.shape[0]):
        if (drive[row] >> plane) & 1 == 1:
            held[slices, 0] += 1
            _add_cells(serial, bank.difference[row], held)
    most = held[slices, 0] * ((1 << serial.cell_bits) - 1)
    for part in range(slices):
        for column in range(flipped.shape[1]):
            if flipped[part, column] == 1:
                held[part, column] = most - held[part, column]


@kernel
def _add_sample(
    serial: BitSerialReadout,
    plane: int,
    at: int,
    flipped: NDArray[np.int64],
    held: NDArray[np.int64],
    charge: NDArray[np.int64],
) -> None:
    """Digitise sample `at` of a plane, shift it and add it to its column's accumulator."""
    slices, clip = flipped.shape[0], (1 << serial.adc_bits) - 1
    if at == 0:
        held[slices, 0] = min(held[slices, 0], clip)
        return
    column, part = (at - 1) // slices, (at - 1) % slices
    unit, value = held[slices, 0], min(held[part, column], clip)
    if flipped[part, column] == 1:
        value = ((1 << serial.cell_bits) - 1) * unit - value
    value <<= serial.cell_bits * part
    if part == 0:
        value -= unit << (serial.weight_bits - 1)
    value <<= plane
    charge[column] += -value if plane == serial.planes - 1 else value


@kernel
def _latch(bank: BankArrays, column: int, charge: int) -> int:
    """Return the code of a finished sum: that of the first threshold above it."""
    serial, index = bank.readout, bank.place
    ramp = serial.ramp_of_column[index, column]
    threshold = serial.threshold[index, ramp]
    step = first_above(threshold, charge)
    code: int = serial.step_code[index, ramp, min(step, threshold.shape[0] - 1)]
    return code


@implements(begin, BitSerialReadout)
def _begin(
    readout: BitSerialReadout,
    bank: BankArrays,
    drive: NDArray[np.int64],
    when: tuple[int, int],  # noqa: ARG001
) -> _Kept:
    flipped = flipped_columns(readout, bank.difference)
    slices, columns = flipped.shape
    held = np.zeros((slices + 1, columns), dtype=np.int64)
    return _Kept(drive, flipped, held, np.zeros(2, dtype=np.int64))


@implements(integrate_cycle, BitSerialReadout)
def _read(
    readout: BitSerialReadout,  # noqa: ARG001
    bank: BankArrays,
    kept: _Kept,
    drive: NDArray[np.int64],
    step: int,
    charge: NDArray[np.int64],
    activity: NDArray[np.int64],
    when: tuple[int, int],  # noqa: ARG001
) -> None:
    """Read a plane; meanwhile the samples of the one before are converted."""
    counts, stage = activity[0], bank.convert_cycles
    plane, at = divmod(step, stage)
    _work(bank, kept, plane, at, charge, counts)
    if at == stage - 1:
        _sample(bank, drive, plane, kept.flipped, kept.held)


@implements(convert_cycle, BitSerialReadout)
def _convert(
    readout: BitSerialReadout,
    bank: BankArrays,
    kept: _Kept,
    step: int,
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    counts: NDArray[np.int64],
    when: tuple[int, int],  # noqa: ARG001
) -> None:
    """Convert a sample of the last plane; latch a column whose last slice is added."""
    slices, columns = kept.flipped.shape
    _work(bank, kept, readout.planes, step, charge, counts)
    if 0 < step <= slices * columns and step % slices == 0:
        column = step // slices - 1
        code[column] = _latch(bank, column, charge[column])
        counts[_LATCHED] += 1


@kernel
def _work(
    bank: BankArrays,
    kept: _Kept,
    plane: int,
    at: int,
    charge: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Do what rows and converter do in cycle `at` of a plane's stage; note it."""
    slices, columns = kept.flipped.shape
    if at == 0:
        _count_rows(bank, kept.drive, plane, counts)
        kept.rows[0], kept.rows[1] = counts[_ACTIVE_ROWS], counts[_CONDUCTANCE]
    else:
        counts[_ACTIVE_ROWS], counts[_CONDUCTANCE] = kept.rows[0], kept.rows[1]
    if plane > 0 and at <= slices * columns:
        counts[_UNDECIDED] += 1
        _add_sample(bank.readout, plane - 1, at, kept.flipped, kept.held, charge)


@implements(fuse, BitSerialReadout)
def _fuse(
    readout: BitSerialReadout,  # noqa: ARG001
    banks: Sequence[BankArrays],  # noqa: ARG001
    columns: Sequence[NDArray[np.int64]],  # noqa: ARG001
    narrow: bool,  # noqa: ARG001
) -> str:
    return "bit planes are converted one by one"
