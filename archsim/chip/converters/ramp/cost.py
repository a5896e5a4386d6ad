"""Costs of ramp converters: one or more ramps a tile, a comparator and a latch a column.

What costs energy, and when:

================ =================================== ==============================
component        energy                              in which cycles
================ =================================== ==============================
ramp_cells       V_read^2 T of the bias cells        last integrate cycle
ramp_cells       V_read^2 T of the step's cells      every ramp cycle
ramp_integrators an integration a ramp               last integrate, every ramp
comparators      a decision                          ramp, from activity where gated
latches          a register write a latched column   ramp, from activity
code_counter     a count                             every ramp cycle
================ =================================== ==============================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from archsim.chip.converters.cost import ConverterDesign
from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import EnergyTable, Inventory
from archsim.vocabulary import Activity

if TYPE_CHECKING:
    from archsim.chip.tile_cost import TileDesign


@dataclass(frozen=True)
class RampDesign(ConverterDesign):
    """Ramp columns and the comparators that wait for them.

    Attributes
    ----------
    bits : int
        Resolution.
    cell : float64 (ramps, steps)
        Conductances of the ramp cells, S.
    bias : float64 (ramps,)
        Summed conductances of each ramp's bias cells, S.
    memristors : int
        Ramp and bias cells together, redundant copies included.
    c_fb : float64 (ramps,)
        Feedback capacitor of each ramp's integrator, F.
    gated : bool
        Whether a comparator that has latched makes no more decisions.
    """

    has_ramps = True

    bits: int
    cell: NDArray[np.float64]
    bias: NDArray[np.float64]
    memristors: int
    c_fb: NDArray[np.float64]
    gated: bool

    @property
    def ramps(self) -> int:
        """Number of ramp columns."""
        return int(self.cell.shape[0])

    @property
    def cycles(self) -> int:
        """Length of the ramp in clock cycles: its steps."""
        return int(self.cell.shape[1])

    def add_parts(self, parts: Inventory, columns: int, *, library: ComponentLibrary) -> None:
        """Add the ramps, a comparator and a latch a column, and the counter of codes."""
        capacitors = float(self.c_fb.sum()) / library.capacitor_density()
        parts.add("feedback_capacitors", count=1, area=capacitors, leakage=0.0)
        parts.library_parts["feedback_capacitor"] = None
        parts.add_part("ramp_cells", "crossbar_cell", count=self.memristors, library=library)
        parts.add_part("ramp_integrators", "integrator", count=self.ramps, library=library)
        parts.add_part("comparators", "comparator", count=columns, library=library)
        self._add_latches(parts, columns, library=library)
        parts.add_part("code_counter", "counter", count=1, library=library, width=self.bits)
        parts.counter_bits += self.bits

    def add_energy(self, table: EnergyTable, design: TileDesign, *, cycles: slice) -> None:
        """Add the energy of the ramp-and-latch phase, and the bias cells in the cycle before it."""
        self._add_ramps(table, design.read_energy, cycles=cycles)
        compare = ("comparator", "compare")
        if self.gated:
            table.add_per_activity(
                "comparators", Activity.UNDECIDED, part=compare[0], action=compare[1]
            )
        else:
            table.add(
                "comparators", cycles, part=compare[0], action=compare[1], count=design.columns
            )
        table.add_per_activity(
            "latches", Activity.LATCHED, part="register", action="write", width=self.bits
        )
        table.add("code_counter", cycles, part="counter", action="count", count=1, width=self.bits)

    def _add_ramps(self, table: EnergyTable, read_energy: float, *, cycles: slice) -> None:
        """Add the energy of the reads of the ramps' cells (J/S each) and their integrators."""
        before = slice(cycles.start - 1, cycles.start)
        for when, siemens in ((before, self.bias.sum()), (cycles, self.cell.sum(axis=0))):
            table.add_joules("ramp_cells", when, read_energy * siemens)
            table.add(
                "ramp_integrators", when, part="integrator", action="integrate", count=self.ramps
            )
