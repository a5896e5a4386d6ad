"""Costs of a bit-serial crossbar and of its share of an ISAAC tile.

Such a crossbar has neither pulse-width modulators nor integrators, so that its design accounts for
the whole of it. What costs energy, and when; a *stage* is the read of one bit plane, and its
samples are converted in the stage after:

===================== ============================================= ============================
component             energy                                        in which cycles
===================== ============================================= ============================
input_registers       a read of a bit a row and plane               integrate, evenly
dacs                  a conversion a row and plane                  integrate, evenly
array                 a read a plane, of the cells in use           integrate, evenly
sample_and_hold       a sample a column, unit column included       last cycle of every stage
converters            a conversion a sample                         from activity
shift_add             a shift-and-add a sample                      from activity
output_registers      a write of every accumulator a plane          stages with conversions
edram, tile_bus,      1 / 96 of what they take in a tile at work    integrate, every cycle
router, shift_add,
tile_output_registers
===================== ============================================= ============================

An array's energy is the fixed one of the article's table, in proportion to the cells in use, and no
less where few rows are driven. The last five are shared by the `CROSSBARS` of a tile, and the
article gives their power but not how often they act; a crossbar takes its share, at the
rates at which the component library took energies out of those powers, for as long as it reads,
and it has that share of their area. A router serves four tiles. A tile's sigmoid and max-pooling
units are left out: `digital.processors` compute functions, and take their energy. Leakage and
clocks are in the powers of the table.

Accumulators cost as words of `digital.word_bits`, the 16 bits of the article's registers;
the simulation keeps what these round away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from archsim.chip.converters.cost import ConverterDesign
from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import EnergyTable, Inventory, OperationEnergy
from archsim.vocabulary import N_ACTIVITY, Activity

if TYPE_CHECKING:
    from archsim.chip.tile_cost import TileDesign

CROSSBARS = 12 * 8
"""Crossbars of an ISAAC tile: 12 multiply-accumulate units of 8 each (Table I of the article)."""

ARRAY_CELLS = 128 * 128
"""Cells of the crossbar whose area and read energy the table has."""

SHIFT_ADDERS = 4 / 8
"""Shift-and-add units a crossbar (Table I)."""


class _Shared(NamedTuple):
    """What a tile's crossbars share: instances of a library part, and its actions a second."""

    component: str
    part: str
    action: str
    instances: float
    rate: float


_KBYTE = 1024 * 8
_READ = 100e-9
SHARED = (
    _Shared("edram", "isaac_edram", "read", 64 * _KBYTE, _KBYTE / _READ),
    _Shared("tile_bus", "isaac_bus", "transfer", 384, _KBYTE / _READ),
    _Shared("router", "isaac_router", "flit", 1 / 4, 8 * 1e9 / 4),
    _Shared("shift_add", "isaac_shift_add", "shift_add", 1, 2 * 1.28e9),
    _Shared(
        "tile_output_registers",
        "isaac_tile_output_register",
        "write",
        3 * _KBYTE,
        3 * _KBYTE / (16 * _READ),
    ),
)
"""Of one tile; counts are those of Table I, rates those of the component library's sources."""


@dataclass(frozen=True)
class BitSerialDesign(ConverterDesign):
    """A crossbar with bit-serial inputs, and the converter that its columns share.

    Attributes
    ----------
    bits : int
        Resolution of the codes that sums are rounded to.
    planes : int
        Bits of an input, read one after the other.
    slices : int
        Cells of a weight.
    stage : int
        Clock cycles in which one plane is read, and the one before converted.
    word_bits : int
        Bits of an accumulator.
    component : str
        The library component that is one converter; it has an action ``convert``.
    """

    bits: int
    planes: int
    slices: int
    stage: int
    word_bits: int
    component: str

    def cycles_of_rows(self, input_bits: int) -> int:  # noqa: ARG002 - planes are read, not pulses
        """Return the clock cycles in which rows are read."""
        return self.planes * self.stage

    @property
    def cycles(self) -> int:
        """Length of the conversion phase in clock cycles: that of the last plane."""
        return self.stage

    def samples(self, columns: int) -> int:
        """Return the columns of cells of `columns` weights a row, the unit column included."""
        return columns * self.slices + 1

    def inventory(self, design: TileDesign, library: ComponentLibrary) -> Inventory:
        """Return area and leakage of the crossbar and of its share of a tile."""
        parts = Inventory()
        for component, part, count in (
            ("array", "isaac_array", self._array_share(design)),
            ("dacs", "isaac_dac_1b", design.rows),
            ("input_registers", "isaac_input_register", design.rows * self.planes),
        ):
            parts.add_part(component, part, count=count, library=library)
        self.add_parts(parts, design.columns, library=library)
        for each in SHARED:
            count = each.instances / CROSSBARS
            parts.add_part(each.component, each.part, count=count, library=library)
        return parts

    def add_parts(self, parts: Inventory, columns: int, *, library: ComponentLibrary) -> None:
        """Add what is in the periphery of the columns."""
        self._check_component(self.component, key="adc.bit_serial.component", library=library)
        for component, part, count in (
            ("sample_and_hold", "isaac_sample_hold", self.samples(columns)),
            ("converters", self.component, 1),
            ("shift_add", "isaac_shift_add", SHIFT_ADDERS),
            ("output_registers", "isaac_output_register", columns * self.word_bits),
        ):
            parts.add_part(component, part, count=count, library=library)

    def energy(self, design: TileDesign, library: ComponentLibrary) -> OperationEnergy:
        """Return the energy of one conversion, cycle by cycle."""
        reads = slice(design.reset_cycles, design.reset_cycles + design.integrate_cycles)
        converts = slice(reads.stop, reads.stop + self.cycles)
        readout = design.periphery.readout_cycles if design.periphery else 0
        table = EnergyTable(library, converts.stop + readout, N_ACTIVITY)
        for component, part, action, count in self._of_a_cycle(design):
            table.add(component, reads, part=part, action=action, count=count)
        self.add_energy(table, design, cycles=converts)
        return table.build()

    def _of_a_cycle(self, design: TileDesign) -> Iterator[tuple[str, str, str, float]]:
        """Yield component, part, action and count of each cycle in which rows are read."""
        rows = design.rows / self.stage
        yield "input_registers", "isaac_input_register", "read", rows
        yield "dacs", "isaac_dac_1b", "convert", rows
        yield "array", "isaac_array", "read", self._array_share(design) / self.stage
        for each in SHARED:
            yield each.component, each.part, each.action, each.rate * design.period / CROSSBARS

    def add_energy(self, table: EnergyTable, design: TileDesign, *, cycles: slice) -> None:
        """Add what the columns' periphery takes; `cycles` convert the last plane."""
        first = cycles.start - design.integrate_cycles
        ends = range(first + self.stage - 1, cycles.start, self.stage)
        count = self.samples(design.columns)
        table.add("sample_and_hold", ends, part="isaac_sample_hold", action="sample", count=count)
        sample = Activity.UNDECIDED
        table.add_per_activity("converters", sample, part=self.component, action="convert")
        table.add_per_activity("shift_add", sample, part="isaac_shift_add", action="shift_add")
        table.add(
            "output_registers",
            slice(first + self.stage, cycles.stop),
            part="isaac_output_register",
            action="accumulate",
            count=design.columns / self.stage,
            width=self.word_bits,
        )

    def _array_share(self, design: TileDesign) -> float:
        """Return the cells in use, as a part of an array of the table; no unit column is in it."""
        return design.rows * design.columns * self.slices / ARRAY_CELLS
