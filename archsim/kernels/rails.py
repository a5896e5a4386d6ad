"""Charges of ideal integrators between rails: what rails alone do to a conversion.

A row drives from the first cycle on for as long as its pulse is wide, so that a column's current
changes only where a pulse ends. A conversion then takes as many steps as rows and cycles, where
`kernels.tile` takes their product.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.numeric.jit import kernel


@kernel
def hold_between_rails(
    drive: NDArray[np.int16],
    cell: NDArray[np.int32],
    start: NDArray[np.int64],
    rails: tuple[int, int],
    held: NDArray[np.int64],
) -> None:
    """Integrate every vector of pulse widths, and clip at the rails in every cycle.

    Parameters
    ----------
    drive : int16 (vectors, rows)
        Signed pulse widths in cycles.
    cell : int16 or int32 (rows, columns)
        G+ - G- in conductance steps.
    start : int64 (columns,)
        Charge after reset, quanta.
    rails : tuple of int
        The lowest and the highest charge, quanta.
    held : int64 (vectors, columns)
        Out: charge after the last cycle, quanta.
    """
    vectors, rows = drive.shape
    columns, (low, high) = cell.shape[1], rails
    current = np.empty(columns, dtype=np.int64)
    for vector in range(vectors):
        mine, longest = held[vector], 0
        for column in range(columns):
            mine[column] = start[column]
            current[column] = 0
        for row in range(rows):
            sign = np.int64(np.sign(drive[vector, row]))
            longest = max(longest, abs(int(drive[vector, row])))
            if sign != 0:
                for column in range(columns):
                    current[column] += sign * cell[row, column]
        for cycle in range(longest):
            for row in range(rows):
                if cycle > 0 and abs(int(drive[vector, row])) == cycle:
                    sign = np.int64(np.sign(drive[vector, row]))
                    for column in range(columns):
                        current[column] -= sign * cell[row, column]
            for column in range(columns):
                mine[column] = min(max(mine[column] + current[column], low), high)
