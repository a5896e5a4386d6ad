"""The interface of a converter's costs.

To add one: a file here that subclasses `ConverterDesign` with the sizes that its costs depend on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import EnergyTable, Inventory, OperationEnergy
from archsim.errors import ConfigError, DesignError

if TYPE_CHECKING:  # a tile's design holds its converter's
    from archsim.chip.tile_cost import TileDesign


class ConverterDesign(ABC):
    """Sizes and electrical values of the converters of one tile.

    Attributes
    ----------
    bits : int
        Resolution.
    has_ramps : bool
        Whether there are ramps of memristors.
    buildable : bool
        Whether a chip could have them.
    """

    bits: int
    has_ramps: ClassVar[bool] = False
    buildable: ClassVar[bool] = True

    @property
    @abstractmethod
    def cycles(self) -> int:
        """Length of the conversion phase in clock cycles."""

    @abstractmethod
    def add_parts(self, parts: Inventory, columns: int, *, library: ComponentLibrary) -> None:
        """Add area, leakage and clocked bits of the converters of `columns` columns."""

    @abstractmethod
    def add_energy(self, table: EnergyTable, design: TileDesign, *, cycles: slice) -> None:
        """Add what the conversion phase, which is `cycles`, takes, and what prepares it before."""

    def cycles_of_rows(self, input_bits: int) -> int:
        """Return the clock cycles in which rows are driven: those of the longest pulse and one."""
        return int(2**input_bits)

    def inventory(self, design: TileDesign, library: ComponentLibrary) -> Inventory | None:  # noqa: ARG002
        """Return area and leakage of the whole tile, None where it has the usual parts."""
        return None

    def energy(self, design: TileDesign, library: ComponentLibrary) -> OperationEnergy | None:  # noqa: ARG002
        """Return the energy of the whole tile's conversion, None where it has the usual parts."""
        return None

    def _check_component(self, component: str, *, key: str, library: ComponentLibrary) -> None:
        """Raise DesignError, which names the key, unless the library has the component."""
        try:
            library.component(component)
        except ConfigError as error:
            named = ", ".join(name for name in library.components if "adc" in name or "sar" in name)
            msg = f"{key}: {error}, or name one that it has ({named})"
            raise DesignError(msg) from error

    def _add_latches(self, parts: Inventory, columns: int, *, library: ComponentLibrary) -> None:
        """Add the registers that hold the codes."""
        parts.add_part("latches", "register", count=columns, library=library, width=self.bits)
        parts.register_words += columns
        parts.register_bits += columns * self.bits
