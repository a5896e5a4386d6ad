"""Energy, area and leakage of a tile.

What costs energy, and when; what its converter costs is said beside the converter:

======================== ============================================ ===========================
component                energy                                       in which cycles
======================== ============================================ ===========================
array                    V_read^2 T (G+ + G-) of each driven row      integrate, from activity
row_drivers              C_row V_read^2 and the driver's gates an edge integrate, from activity
pulse_width_modulators   write of the row registers                   first reset cycle
pulse_width_modulators   a digital compare a row, a count             every integrate cycle
integrators              an integration a column                      every integrate cycle
sample_and_hold          a sample a column                            last integrate cycle
readout_wires            a transition a bit over the tile's side      readout
======================== ============================================ ===========================

``feedback_capacitors`` have area only: charging them is the array's energy. A readout bit counts as
one full transition, which is the most that it can cost.

Row blocks of a layer that is larger than a tile share their columns' integrators. Only one of these
tiles has the columns' periphery: integrators, sample-and-holds and converters. The others are array
and row drivers, and their operation ends with the last integrate cycle.

A tile whose converters need other parts than these says so beside them, and accounts for all of it:
a bit-serial crossbar is one (`archsim.chip.converters.bit_serial.cost`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from archsim.chip.converters.cost import ConverterDesign
from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import EDGE, EnergyTable, Inventory, OperationEnergy
from archsim.vocabulary import N_ACTIVITY, Activity

CELLS_PER_COLUMN = 2
"""Memristors at a crossing of a row and a differential column."""


@dataclass(frozen=True)
class ColumnPeriphery:
    """What a tile's columns end in.

    Attributes
    ----------
    c_fb : float
        Feedback capacitor of a column's integrator, F.
    sample_and_holds : int
        Sample-and-holds a column: 1, or 2 where one is converted while the other is filled. A
        conversion takes one sample either way.
    readout_cycles : int
        Length of the readout in clock cycles.
    converter : ConverterDesign
        The columns' converters.
    """

    c_fb: float
    sample_and_holds: int
    readout_cycles: int
    converter: ConverterDesign


@dataclass(frozen=True)
class TileDesign:
    """Sizes and electrical values of a tile that its costs depend on.

    Attributes
    ----------
    rows, columns : int
        Wordlines and differential columns.
    cells : int
        Memristors of the crossbar (ramp columns not counted).
    input_bits : int
        Magnitude bits of an input.
    reset_cycles : int
        Length of the reset in clock cycles.
    v_read : float
        Read voltage, V.
    period : float
        Clock period T, s.
    conductance_step : float
        Conductance that one unit of recorded conductance stands for, S.
    periphery : ColumnPeriphery or None
        What its columns end in; None where they go on in another tile.
    """

    rows: int
    columns: int
    cells: int
    input_bits: int
    reset_cycles: int
    v_read: float
    period: float
    conductance_step: float
    periphery: ColumnPeriphery | None

    @property
    def read_energy(self) -> float:
        """Energy of reading 1 S for one cycle, J/S: ``V_read**2 * T``."""
        return self.v_read**2 * self.period

    @property
    def integrate_cycles(self) -> int:
        """Clock cycles in which rows are driven."""
        if self.periphery is None:
            return int(2**self.input_bits)
        return int(self.periphery.converter.cycles_of_rows(self.input_bits))


def tile_inventory(design: TileDesign, library: ComponentLibrary) -> Inventory:
    """Return area and leakage of a tile by component."""
    whole = design.periphery.converter.inventory(design, library) if design.periphery else None
    if whole is not None:
        return whole
    parts = Inventory()
    word = design.input_bits + 1
    for component, part, count, width in (
        ("array", "crossbar_cell", design.cells, 1),
        ("row_drivers", "row_driver", design.rows, 1),
        ("pulse_width_modulators", "register", design.rows, word),
        ("pulse_width_modulators", "digital_comparator", design.rows, design.input_bits),
        ("pulse_width_modulators", "counter", 1, design.input_bits),
    ):
        parts.add_part(component, part, count=count, library=library, width=width)
    parts.register_words, parts.register_bits = design.rows, design.rows * word
    parts.counter_bits = design.input_bits
    if design.periphery:
        _add_periphery(parts, design.periphery, design.columns, library=library)
    return parts


def _add_periphery(
    parts: Inventory, periphery: ColumnPeriphery, columns: int, *, library: ComponentLibrary
) -> None:
    """Add the periphery of `columns` columns."""
    parts.add_part("integrators", "integrator", count=columns, library=library)
    capacitor = periphery.c_fb / library.capacitor_density()
    parts.add("feedback_capacitors", count=columns, area=capacitor, leakage=0.0)
    parts.library_parts["feedback_capacitor"] = None
    samples = columns * periphery.sample_and_holds
    parts.add_part("sample_and_hold", "sample_and_hold", count=samples, library=library)
    periphery.converter.add_parts(parts, columns, library=library)


def tile_energy(design: TileDesign, library: ComponentLibrary, area: float) -> OperationEnergy:
    """Return the energy of one operation of a tile, cycle by cycle.

    Parameters
    ----------
    design : TileDesign
        The tile.
    library : ComponentLibrary
        Costs.
    area : float
        The tile's area, m^2: its readout wires are as long as its side. Take it from
        ``library.nominal`` where what one component costs is to leave wires as they are.
    """
    periphery = design.periphery
    whole = periphery.converter.energy(design, library) if periphery else None
    if whole is not None:
        return whole
    integrate = slice(design.reset_cycles, design.reset_cycles + design.integrate_cycles)
    convert = slice(
        integrate.stop, integrate.stop + (periphery.converter.cycles if periphery else 0)
    )
    end = convert.stop + (periphery.readout_cycles if periphery else 0)
    table = EnergyTable(library, end, N_ACTIVITY)
    _add_rows(table, design, cycles=integrate)
    if periphery:
        _add_columns(table, design.columns, cycles=integrate)
        periphery.converter.add_energy(table, design, cycles=convert)
        _add_readout(table, periphery, design.columns, area=area, cycles=slice(convert.stop, end))
    return table.build()


def _add_rows(table: EnergyTable, design: TileDesign, *, cycles: slice) -> None:
    """Add the energy of what drives the rows while columns integrate, and its set-up in reset."""
    read = design.read_energy * design.conductance_step
    table.add_joules_per_activity("array", Activity.CONDUCTANCE, read)
    capacitance = CELLS_PER_COLUMN * design.columns * table.library.row_capacitance_per_cell()
    wire = capacitance * design.v_read**2
    table.add_joules_per_activity("row_drivers", Activity.ROW_EDGES, wire, action=EDGE)
    table.add_per_activity("row_drivers", Activity.ROW_EDGES, part="row_driver", action="edge")
    for when, part, action, count, width in (
        ([0], "register", "write", design.rows, design.input_bits + 1),
        (cycles, "digital_comparator", "compare", design.rows, design.input_bits),
        (cycles, "counter", "count", 1, design.input_bits),
    ):
        table.add(
            "pulse_width_modulators", when, part=part, action=action, count=count, width=width
        )


def _add_columns(table: EnergyTable, columns: int, *, cycles: slice) -> None:
    """Add the energy of the integrators while they integrate, and the sample at the end."""
    table.add("integrators", cycles, part="integrator", action="integrate", count=columns)
    last = [cycles.stop - 1]
    table.add("sample_and_hold", last, part="sample_and_hold", action="sample", count=columns)


def _add_readout(
    table: EnergyTable, periphery: ColumnPeriphery, columns: int, *, area: float, cycles: slice
) -> None:
    """Add the energy of the wires that the codes leave the tile by, evenly over the readout."""
    table.add(
        "readout_wires",
        cycles,
        part="wire",
        action="transition",
        count=columns * periphery.converter.bits / periphery.readout_cycles,
        width=1e3 * math.sqrt(area),
    )
