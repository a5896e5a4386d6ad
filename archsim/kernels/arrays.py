"""What kernels see of the analog part: enums of the trace, a bank of tiles, a layer's banks.

A *bank* is what shares a row of converters: one tile, or several tiles one below the other whose
columns end in the same integrators (analog sum of row blocks). A layer has one bank or more: its
columns are cut, and so are its rows where every block converts by itself (digital sum).
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Conversion(IntEnum):
    """How a bank turns charge into codes."""

    RAMP = 0
    SAR = 1
    BIT_SERIAL = 2
    IDEAL = 3


class BitSerialArrays(NamedTuple):
    """How a bit-serial bank takes its numbers apart (`archsim.kernels.bit_serial`).

    Attributes
    ----------
    weight_bits, cell_bits : int
        Bits of a weight, and of each of the cells that hold it.
    adc_bits : int
        Bits of the converters, which clip above.
    planes : int
        Bits of an input in two's complement, read one after the other.
    flips : int
        1 where columns of large sums hold their complement.
    """

    weight_bits: int
    cell_bits: int
    adc_bits: int
    planes: int
    flips: int


NOT_SERIAL = BitSerialArrays(0, 1, 0, 0, 0)
"""For banks that are not bit-serial."""


class AnalogArrays(NamedTuple):
    """Imperfections of a tile's analog circuits; `ideal_analog` has them all off.

    Attributes
    ----------
    read_variance : uint8 (rows, columns), or (0, 0)
        Variance that read noise gives a column a cycle for which the row is driven, in the
        column's `variance_step`: the noise is frozen, so m driven cycles give m^2 times as much.
        Whole numbers, so that sums are exact in any order.
    variance_step : float64 (columns,), or (0,)
        quanta^2.
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

    read_variance: NDArray[np.uint8]
    variance_step: NDArray[np.float64]
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
        read_variance=np.zeros((0, 0), dtype=np.uint8),
        variance_step=np.zeros(0),
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
    """A built bank as kernels see it.

    Attributes
    ----------
    difference : int16 or int32 (rows, columns)
        G+ - G- in conductance steps.
    row_conductance : int64 (rows,)
        Sum of G+ + G- over the columns, in conductance steps.
    row_pointer : int64 (tiles + 1,)
        Rows ``row_pointer[n]:row_pointer[n + 1]`` are those of the bank's tile n; the last tile is
        the one with the integrators and converters at its foot.
    threshold : int64 (ramps, steps)
        Where each ramp stands in ramp cycle q, in charge quanta; a column trips at the first q
        whose threshold is above its charge.
    step_code : int64 (ramps, steps)
        The code that a column latches in ramp cycle q: q itself, but for functions with two
        branches. A column that never trips gets the last one.
    ramp_of_column : int64 (columns,)
        Which ramp each column's comparator sees.
    reset_cycles, integrate_cycles, ramp_cycles, readout_cycles : int
        Lengths of the phases in clock cycles; with shared converters `ramp_cycles` is the length
        of the phase ``convert``.
    conversion : int
        How codes are found, as `Conversion`.
    early_stop : int
        1 where a ramp stops as soon as every column of the bank has latched.
    columns_per_converter, cycles_per_conversion : int
        Of shared converters: columns that one serves in turn, and cycles for each.
    analog : AnalogArrays
        Imperfections.
    serial : BitSerialArrays
        How bit-serial converters work; `difference` then holds whole weights.
    """

    difference: NDArray[np.int32]
    row_conductance: NDArray[np.int64]
    row_pointer: NDArray[np.int64]
    threshold: NDArray[np.int64]
    step_code: NDArray[np.int64]
    ramp_of_column: NDArray[np.int64]
    reset_cycles: int
    integrate_cycles: int
    ramp_cycles: int
    readout_cycles: int
    conversion: int
    early_stop: int
    columns_per_converter: int
    cycles_per_conversion: int
    analog: AnalogArrays
    serial: BitSerialArrays = NOT_SERIAL

    @property
    def cycles(self) -> int:
        """Length of one conversion in clock cycles, all of its ramp walked."""
        return self.reset_cycles + self.integrate_cycles + self.ramp_cycles + self.readout_cycles
