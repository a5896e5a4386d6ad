"""Codes that a circuit's limits change: rails of integrators, converters of bit-serial crossbars.

Both are simulated cycle by cycle by the kernels, which do not count them; the codes that ideal
sums would have had, and those behind the limits, are found here from the pulse widths, where a
limit can be reached at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.chip.bank import Bank
from archsim.chip.converters.clipped import clipped_by_converters, codes_of
from archsim.chip.mapped_matrix import MappedMatrix
from archsim.clipping import Clipping, Place
from archsim.kernels.bank import NO_RAIL
from archsim.kernels.rails import hold_between_rails

Array = NDArray[np.float64]
Drive = NDArray[np.int16]

_VECTORS = 1024
"""Vectors whose charges are held at a time."""


def clipped_by_circuits(
    layer: str, matrix: MappedMatrix, drive: Drive, code: NDArray[np.uint16]
) -> tuple[Clipping, ...]:
    """Count codes of a matrix that rails or bit-serial converters change.

    Parameters
    ----------
    layer : str
        Name of the layer.
    matrix : MappedMatrix
        The tiles.
    drive : int16 (vectors, rows)
        Pulse widths of every conversion.
    code : uint16 (vectors, columns)
        The codes that came out.

    Returns
    -------
    tuple of Clipping
        An entry for what the tiles have: none with ideal integrators and ramps.
    """
    bank = matrix.banks[0]
    found = clipped_by_converters(bank.arrays.readout, layer, matrix, drive, code)
    if found is not None:
        return (found,)
    if bank.arrays.analog.rail_high < NO_RAIL:
        return (_at_rails(layer, matrix, drive),)
    return ()


def _at_rails(layer: str, matrix: MappedMatrix, drive: Drive) -> Clipping:
    """Count codes that differ from those of integrators without rails.

    Loss and noise are left out, so that the count is that of the rails alone.
    """
    swing = matrix.banks[0].scale.volts_per_quantum
    analog = matrix.banks[0].arrays.analog
    limit = min(-analog.rail_low, analog.rail_high) * swing
    found = Clipping(layer, Place.RAILS, limit, of=len(drive) * matrix.arrays.column.size)
    for first in range(0, len(drive), _VECTORS):
        for bank in matrix.banks:
            rows = slice(bank.first_input, bank.first_input + bank.rows)
            count, largest = _changed_by_rails(bank, drive[first : first + _VECTORS, rows])
            known = largest * swing if count else None
            found += Clipping(layer, Place.RAILS, limit, count, 0, count, known)
    return found


def _changed_by_rails(bank: Bank, drive: Drive) -> tuple[int, float]:
    """Return how many codes change, and the largest charge that there would have been."""
    arrays, signed = bank.arrays, drive.astype(np.float64)
    cells, analog = arrays.difference.astype(np.float64), arrays.analog
    start = analog.offset.astype(np.float64)
    reach = np.abs(signed) @ np.abs(cells)
    if ((start + reach <= analog.rail_high) & (start - reach >= analog.rail_low)).all():
        return 0, 0.0
    held = np.empty(reach.shape, dtype=np.int64)
    rails = analog.rail_low, analog.rail_high
    hold_between_rails(drive, arrays.difference, analog.offset, rails, held)
    free = start + signed @ cells
    vector, column = np.nonzero(held != free)  # all others have the code of the ideal sum
    clipped, ideal = held[vector, column].astype(np.float64), free[vector, column]
    changed = codes_of(bank, clipped, column) != codes_of(bank, ideal, column)
    count = int(np.count_nonzero(changed))
    return count, float(np.abs(ideal[changed]).max(initial=0.0))
