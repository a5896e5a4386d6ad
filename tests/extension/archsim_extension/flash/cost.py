"""Costs of flash converters: comparators and latches."""

from __future__ import annotations

from dataclasses import dataclass

from archsim.chip.converters.cost import ConverterDesign
from archsim.chip.tile_cost import TileDesign
from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import EnergyTable, Inventory
from archsim.vocabulary import Activity


@dataclass(frozen=True)
class FlashDesign(ConverterDesign):
    """A comparator for every threshold of a column.

    Attributes
    ----------
    bits : int
        Resolution.
    component : str
        The library's comparator; it has an action ``compare``.
    """

    bits: int
    component: str

    @property
    def cycles(self) -> int:
        """Length of the conversion phase in clock cycles."""
        return 1

    def add_parts(self, parts: Inventory, columns: int, *, library: ComponentLibrary) -> None:
        """Add comparators and a latch a column."""
        self._check_component(self.component, key="adc.flash.comparators", library=library)
        count = columns * (2**self.bits - 1)
        parts.add_part("comparators", self.component, count=count, library=library)
        self._add_latches(parts, columns, library=library)

    def add_energy(self, table: EnergyTable, design: TileDesign, *, cycles: slice) -> None:
        """Add the energy of every comparison, and a write for each code."""
        table.add_per_activity(
            "comparators", Activity.UNDECIDED, part=self.component, action="compare"
        )
        table.add_per_activity(
            "latches", Activity.LATCHED, part="register", action="write", width=self.bits
        )
