"""Costs of successive-approximation converters that columns of a tile share.

What costs energy, and when:

=========== ============================================= ===========================
component   energy                                        in which cycles
=========== ============================================= ===========================
converters  a conversion, a share for each comparison     conversion, from activity
latches     a register write a latched column             conversion, from activity
=========== ============================================= ===========================

One conversion takes as many comparisons as it has bits, and the kernel counts them as undecided
columns. The analog multiplexer in front of a shared converter is NOT counted, with neither energy
nor area, and its select lines are not either: the component library has no number for them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archsim.chip.converters.cost import ConverterDesign
from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import EnergyTable, Inventory
from archsim.vocabulary import Activity

if TYPE_CHECKING:
    from archsim.chip.tile_cost import TileDesign


@dataclass(frozen=True)
class SarDesign(ConverterDesign):
    """Successive-approximation converters, each for several columns in turn.

    Attributes
    ----------
    bits : int
        Resolution.
    cycles_per_conversion : int
        Clock cycles that one conversion takes.
    columns_per_converter : int
        Columns that take turns at one converter.
    component : str
        The library component that is one converter; it has an action ``convert``.
    """

    bits: int
    cycles_per_conversion: int
    columns_per_converter: int
    component: str

    @property
    def cycles(self) -> int:
        """Length of the conversion phase in clock cycles: a turn for each column."""
        return self.columns_per_converter * self.cycles_per_conversion

    def converters(self, columns: int) -> int:
        """Return how many converters `columns` columns need."""
        return math.ceil(columns / self.columns_per_converter)

    def add_parts(self, parts: Inventory, columns: int, *, library: ComponentLibrary) -> None:
        """Add the converters and a latch a column; no multiplexers."""
        self._check_component(self.component, key="adc.sharing.component", library=library)
        count = self.converters(columns)
        parts.add_part("converters", self.component, count=count, library=library)
        self._add_latches(parts, columns, library=library)

    def add_energy(
        self,
        table: EnergyTable,
        design: TileDesign,  # noqa: ARG002 - counts say how many columns convert
        *,
        cycles: slice,  # noqa: ARG002 - and when
    ) -> None:
        """Add a share of a conversion for each comparison, and a write for each code."""
        table.add_per_activity(
            "converters",
            Activity.UNDECIDED,
            part=self.component,
            action="convert",
            count=1 / self.bits,
        )
        table.add_per_activity(
            "latches", Activity.LATCHED, part="register", action="write", width=self.bits
        )
