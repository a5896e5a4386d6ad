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

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.arrays import BitSerialArrays, TileArrays
from archsim.kernels.ramp import NOT_LATCHED
from archsim.numeric.jit import kernel
from archsim.vocabulary import Activity

_ACTIVE_ROWS = int(Activity.ACTIVE_ROWS)
_CONDUCTANCE = int(Activity.CONDUCTANCE)
_ROW_EDGES = int(Activity.ROW_EDGES)
_UNDECIDED = int(Activity.UNDECIDED)
_LATCHED = int(Activity.LATCHED)


@kernel
def flipped_columns(tile: TileArrays) -> NDArray[np.int64]:
    """Return 1 for every slice of a column (slices, columns) that holds its complement."""
    serial = tile.serial
    rows, columns = tile.difference.shape
    total = np.zeros((serial.weight_bits // serial.cell_bits, columns), dtype=np.int64)
    for row in range(rows):
        _add_cells(serial, tile.difference[row], total)
    most = rows * ((1 << serial.cell_bits) - 1)
    flipped = np.zeros(total.shape, dtype=np.int64)
    for part in range(total.shape[0]):
        for column in range(columns):
            if serial.flips == 1 and 2 * total[part, column] > most:
                flipped[part, column] = 1
    return flipped


@kernel
def _add_cells(
    serial: BitSerialArrays, weight: NDArray[np.int32], total: NDArray[np.int64]
) -> None:
    """Add the cells of one row, none of them flipped, to the sums of their columns."""
    bias, most = 1 << (serial.weight_bits - 1), (1 << serial.cell_bits) - 1
    for part in range(serial.weight_bits // serial.cell_bits):
        shift = serial.cell_bits * part
        for column in range(weight.shape[0]):
            total[part, column] += ((np.int64(weight[column]) + bias) >> shift) & most


@kernel
def _count_rows(
    tile: TileArrays, drive: NDArray[np.int64], plane: int, counts: NDArray[np.int64]
) -> None:
    """Count the rows that a plane drives, and those that switch when it begins."""
    planes, row_conductance = tile.serial.planes, tile.row_conductance
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
    tile: TileArrays,
    drive: NDArray[np.int64],
    plane: int,
    flipped: NDArray[np.int64],
    held: NDArray[np.int64],
) -> None:
    """Sample every column's sum of a plane.

    `held` is (slices + 1, columns); the first of its last row is the unit column's sum.
    """
    serial, slices = tile.serial, flipped.shape[0]
    held[:, :] = 0
    for row in range(drive.shape[0]):
        if (drive[row] >> plane) & 1 == 1:
            held[slices, 0] += 1
            _add_cells(serial, tile.difference[row], held)
    most = held[slices, 0] * ((1 << serial.cell_bits) - 1)
    for part in range(slices):
        for column in range(flipped.shape[1]):
            if flipped[part, column] == 1:
                held[part, column] = most - held[part, column]


@kernel
def _add_sample(
    serial: BitSerialArrays,
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
def _latch(tile: TileArrays, column: int, charge: int) -> int:
    """Return the code of a finished sum: that of the first threshold above it."""
    ramp = tile.ramp_of_column[column]
    step = np.searchsorted(tile.threshold[ramp], charge, side="right")
    code: int = tile.step_code[ramp, min(step, tile.threshold.shape[1] - 1)]
    return code


@kernel
def convert_bit_serial(
    tile: TileArrays,
    drive: NDArray[np.int64],
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    activity: NDArray[np.int64],
    waveform: NDArray[np.int64],
) -> int:
    """Run one bit-serial conversion a clock cycle at a time.

    Parameters
    ----------
    tile : TileArrays
        The bank, of one tile; `difference` is its weights.
    drive : int64 (rows,)
        Inputs, which fit `planes` bits in two's complement.
    charge : int64 (columns,)
        Out: the accumulators.
    code : int64 (columns,)
        Out: latched codes.
    activity : int64 (cycles, 1, N_ACTIVITY)
        Out: what happened in each cycle. Undecided columns are samples that are converted, that of
        the unit column among them.
    waveform : int64 (cycles, columns) or (0, columns)
        Out, if it has rows: the accumulators at the end of each cycle.

    Returns
    -------
    int
        Cycles of the phase convert: always all of them.
    """
    serial, planes, stage = tile.serial, tile.serial.planes, tile.ramp_cycles
    flipped = flipped_columns(tile)
    slices, columns = flipped.shape
    held = np.zeros((slices + 1, columns), dtype=np.int64)
    activity[:, :, :] = 0
    charge[:] = 0
    code[:] = NOT_LATCHED
    for cycle in range(activity.shape[0]):
        plane, at = divmod(cycle - tile.reset_cycles, stage)
        if 0 <= plane <= planes:
            counts = activity[cycle, 0]
            if at == 0:
                _count_rows(tile, drive, plane, counts)
            else:
                counts[_ACTIVE_ROWS] = activity[cycle - 1, 0, _ACTIVE_ROWS]
                counts[_CONDUCTANCE] = activity[cycle - 1, 0, _CONDUCTANCE]
            if plane > 0 and at <= slices * columns:
                counts[_UNDECIDED] += 1
                _add_sample(serial, plane - 1, at, flipped, held, charge)
                if plane == planes and at > 0 and at % slices == 0:
                    column = at // slices - 1
                    code[column] = _latch(tile, column, charge[column])
                    counts[_LATCHED] += 1
            if plane < planes and at == stage - 1:
                _sample(tile, drive, plane, flipped, held)
        if waveform.shape[0] > 0:
            waveform[cycle, :] = charge
    return stage
