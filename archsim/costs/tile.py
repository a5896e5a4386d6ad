"""Energy, area and leakage of a tile (model, section 6).

What is charged, and when:

======================== ============================================ ===========================
component                energy                                       in which cycles
======================== ============================================ ===========================
array                    V_read^2 T (G+ + G-) of each driven row      integrate, from activity
row_drivers              C_row V_read^2 and the driver's gates an edge integrate, from activity
pulse_width_modulators   write of the row registers                   first reset cycle
pulse_width_modulators   a digital compare a row, a count             every integrate cycle
integrators              an integration a column                      every integrate cycle
sample_and_hold          a sample a column                            last integrate cycle
ramp_cells               V_read^2 T of the bias cells                 last integrate cycle
ramp_cells               V_read^2 T of the step's cell, each ramp     every ramp cycle
ramp_integrators         an integration a ramp                        last integrate, every ramp
comparators              a decision                                   ramp, from activity
latches                  a register write a latched column            ramp, from activity
code_counter             a count                                      every ramp cycle
readout_wires            a transition a bit over the tile's side      readout
======================== ============================================ ===========================

``feedback_capacitors`` have area only: charging them is the array's energy. A readout bit counts as
one full transition, which is the most that it can cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import EnergyTable, Inventory, OperationEnergy
from archsim.kernels.tile import N_ACTIVITY, Activity

CELLS_PER_COLUMN = 2
"""Memristors at a crossing of a row and a differential column."""


@dataclass(frozen=True)
class TileDesign:
    """Sizes and electrical values of a tile that its costs depend on.

    Attributes
    ----------
    rows, columns : int
        Wordlines and differential columns.
    cells : int
        Memristors of the crossbar (ramp columns not counted).
    input_bits, bits : int
        Magnitude bits of an input and resolution of the converter.
    reset_cycles, readout_cycles : int
        Lengths of these phases in clock cycles.
    v_read : float
        Read voltage, V.
    period : float
        Clock period T, s.
    conductance_step : float
        Conductance that one unit of recorded conductance stands for, S.
    ramp_cell : float64 (ramps, ramp cycles)
        Conductances of the ramp cells, S.
    ramp_bias : float64 (ramps,)
        Summed conductances of each ramp's bias cells, S.
    ramp_memristors : int
        Ramp and bias cells together.
    c_fb : float
        Feedback capacitor of a column's integrator, F.
    c_fb_ramp : float64 (ramps,)
        Feedback capacitor of each ramp's integrator, F.
    gated_comparators : bool
        Whether a comparator that has latched makes no more decisions.
    """

    rows: int
    columns: int
    cells: int
    input_bits: int
    bits: int
    reset_cycles: int
    readout_cycles: int
    v_read: float
    period: float
    conductance_step: float
    ramp_cell: NDArray[np.float64]
    ramp_bias: NDArray[np.float64]
    ramp_memristors: int
    c_fb: float
    c_fb_ramp: NDArray[np.float64]
    gated_comparators: bool

    @property
    def ramps(self) -> int:
        """Number of ramp columns."""
        return int(self.ramp_cell.shape[0])

    @property
    def read_energy(self) -> float:
        """Energy of reading 1 S for one cycle, J/S: ``V_read**2 * T``."""
        return self.v_read**2 * self.period


def tile_inventory(design: TileDesign, library: ComponentLibrary) -> Inventory:
    """Return area and leakage of a tile by component."""
    parts = Inventory()

    def add(component: str, part: str, count: float, width: float = 1.0) -> None:
        parts.add(
            component,
            count=count,
            area=library.area(part, width),
            leakage=library.leakage(part, width),
        )

    word = design.input_bits + 1
    add("array", "crossbar_cell", design.cells)
    add("row_drivers", "row_driver", design.rows)
    add("pulse_width_modulators", "register", design.rows, word)
    add("pulse_width_modulators", "digital_comparator", design.rows, design.input_bits)
    add("pulse_width_modulators", "counter", 1, design.input_bits)
    add("integrators", "integrator", design.columns)
    capacitance = design.columns * design.c_fb + float(design.c_fb_ramp.sum())
    parts.add(
        "feedback_capacitors",
        count=1,
        area=capacitance / library.capacitor_density(),
        leakage=0.0,
    )
    add("sample_and_hold", "sample_and_hold", design.columns)
    add("ramp_cells", "crossbar_cell", design.ramp_memristors)
    add("ramp_integrators", "integrator", design.ramps)
    add("comparators", "comparator", design.columns)
    add("latches", "register", design.columns, design.bits)
    add("code_counter", "counter", 1, design.bits)
    parts.register_words = design.rows + design.columns
    parts.register_bits = design.rows * word + design.columns * design.bits
    parts.counter_bits = design.input_bits + design.bits
    return parts


def tile_energy(design: TileDesign, library: ComponentLibrary, area: float) -> OperationEnergy:
    """Return the energy of one conversion, cycle by cycle; `area` is the tile's, m^2."""
    integrate = 2**design.input_bits
    ramp_start = design.reset_cycles + integrate
    readout_start = ramp_start + design.ramp_cell.shape[1]
    table = EnergyTable(readout_start + design.readout_cycles, N_ACTIVITY)
    _charge_product(table, design, library, slice(design.reset_cycles, ramp_start))
    _charge_ramp(table, design, library, slice(ramp_start, readout_start))
    bit = library.energy("wire", "transition", 1e3 * math.sqrt(area))
    table.charge(
        "readout_wires",
        slice(readout_start, readout_start + design.readout_cycles),
        design.columns * design.bits * bit / design.readout_cycles,
    )
    return table.build()


def _charge_product(
    table: EnergyTable, design: TileDesign, library: ComponentLibrary, cycles: slice
) -> None:
    """Charge the read-and-integrate phase, its set-up in reset, and its end."""
    last = [cycles.stop - 1]
    row_capacitance = CELLS_PER_COLUMN * design.columns * library.row_capacitance_per_cell()
    table.charge_activity(
        "array", Activity.CONDUCTANCE, design.read_energy * design.conductance_step
    )
    edge = row_capacitance * design.v_read**2 + library.energy("row_driver", "edge")
    table.charge_activity("row_drivers", Activity.ROW_EDGES, edge)
    write = library.energy("register", "write", design.input_bits + 1)
    table.charge("pulse_width_modulators", [0], design.rows * write)
    compare = library.energy("digital_comparator", "compare", design.input_bits)
    count = library.energy("counter", "count", design.input_bits)
    table.charge("pulse_width_modulators", cycles, design.rows * compare + count)
    integration = library.energy("integrator", "integrate")
    table.charge("integrators", cycles, design.columns * integration)
    sample = library.energy("sample_and_hold", "sample")
    table.charge("sample_and_hold", last, design.columns * sample)
    table.charge("ramp_cells", last, design.read_energy * float(design.ramp_bias.sum()))
    table.charge("ramp_integrators", last, design.ramps * integration)


def _charge_ramp(
    table: EnergyTable, design: TileDesign, library: ComponentLibrary, cycles: slice
) -> None:
    """Charge the ramp-and-latch phase."""
    table.charge("ramp_cells", cycles, design.read_energy * design.ramp_cell.sum(axis=0))
    table.charge(
        "ramp_integrators", cycles, design.ramps * library.energy("integrator", "integrate")
    )
    decision = library.energy("comparator", "compare")
    if design.gated_comparators:
        table.charge_activity("comparators", Activity.UNDECIDED, decision)
    else:
        table.charge("comparators", cycles, design.columns * decision)
    table.charge_activity(
        "latches", Activity.LATCHED, library.energy("register", "write", design.bits)
    )
    table.charge("code_counter", cycles, library.energy("counter", "count", design.bits))
