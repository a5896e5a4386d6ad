"""Costs of converters without quantisation: none. Only the wires that codes leave by cost energy.

Whatever is said about energy and area of a chip with them is a bound that no chip reaches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archsim.chip.converters.cost import ConverterDesign
from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import EnergyTable, Inventory

if TYPE_CHECKING:
    from archsim.chip.tile_cost import TileDesign


@dataclass(frozen=True)
class IdealDesign(ConverterDesign):
    """Converters that take a cycle and nothing else.

    Attributes
    ----------
    bits : int
        Bits of a code.
    """

    buildable = False

    bits: int

    @property
    def cycles(self) -> int:
        """Length of the conversion phase in clock cycles."""
        return 1

    def add_parts(self, parts: Inventory, columns: int, *, library: ComponentLibrary) -> None:
        """Add nothing."""

    def add_energy(self, table: EnergyTable, design: TileDesign, *, cycles: slice) -> None:
        """Add nothing."""
