"""A bank of tiles as kernels see it, cycle by cycle.

A *bank* is what shares a row of converters: one tile, or several tiles one below the other whose
columns end in the same integrators (analog sum of row blocks). A layer has one bank or more: its
columns are cut, and so are its rows where every block converts by itself (digital sum).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class AnalogArrays(NamedTuple):
    """Imperfections of a bank's analog circuits; `ideal_analog` has them all off.

    Attributes
    ----------
    read_variance : uint8 (rows, columns), or (0, 0)
        Variance that read noise gives a column a cycle for which the row is driven, in the
        column's `variance_step`: the noise is frozen, so m driven cycles give m^2 times as much.
        Whole numbers, so that sums are exact in any order.
    variance_step : float64 (columns,), or (0,)
        quanta^2.
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
        Key of the bank's random numbers: seed of the run, number of the tile with its converters.
    """

    read_variance: NDArray[np.uint8]
    variance_step: NDArray[np.float64]
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
    """Return perfect analog circuits for `columns` columns."""
    return AnalogArrays(
        read_variance=np.zeros((0, 0), dtype=np.uint8),
        variance_step=np.zeros(0),
        offset=np.zeros(columns, dtype=np.int64),
        comparator_offset=np.zeros(columns, dtype=np.int64),
        leak=0.0,
        rail_low=-NO_RAIL,
        rail_high=NO_RAIL,
        decision_sigma=0.0,
        seed=0,
        tile=0,
    )


class BankArrays(NamedTuple):
    """A built bank as kernels see it.

    Attributes
    ----------
    difference : int16 or int32 (rows, columns)
        G+ - G- in conductance steps.
    row_conductance : int64 (rows,)
        Sum of G+ + G- over the columns, in conductance steps.
    row_pointer : int64 (tiles + 1,)
        Rows ``row_pointer[n]:row_pointer[n + 1]`` are those of the bank's tile n; the last tile is
        the one with the column periphery.
    reset_cycles, integrate_cycles, convert_cycles, readout_cycles : int
        Lengths of the phases in clock cycles. A ramp is the phase of conversion.
    early_stop : int
        1 where a conversion stops as soon as every column of the bank has latched.
    analog : AnalogArrays
        Imperfections.
    readout : NamedTuple of a kind of converters
        How charges become codes. Its arrays have a first axis of banks.
    place : int
        The bank's place in that axis.
    """

    difference: NDArray[np.int32]
    row_conductance: NDArray[np.int64]
    row_pointer: NDArray[np.int64]
    reset_cycles: int
    integrate_cycles: int
    convert_cycles: int
    readout_cycles: int
    early_stop: int
    analog: AnalogArrays
    readout: Any
    place: int = 0

    @property
    def cycles(self) -> int:
        """Length of one conversion in clock cycles, if it does not stop early."""
        return self.reset_cycles + self.integrate_cycles + self.convert_cycles + self.readout_cycles
