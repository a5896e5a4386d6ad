"""Energy, area and leakage of the digital units, of buses, and of what the whole chip shares.

Every unit works in fixed point on `lanes` elements at a time, without pipelining: an operation of
``n`` elements takes ``ceil(n / lanes)`` passes, each with the steps that its function says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from archsim.config.hardware import ActivationMethod, Processors
from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import LEAK, EnergyTable, Inventory, OperationEnergy
from archsim.costs.parts import (
    SRAM_BITS,
    Actions,
    DigitalDesign,
    Piece,
    UnitCost,
    inventory_of,
    passes,
    spend,
)


def processor_unit(
    activations: int,
    *,
    processors: Processors,
    design: DigitalDesign,
    library: ComponentLibrary,
) -> UnitCost:
    """Return the cost of `k` digital processors that compute `activations` functions a timestep.

    An activation takes `cycles` cycles and its energy is spread over them: a table is one read; a
    piecewise-linear segment one read, product and sum; CORDIC three sums and a shift (taken as a
    register write) an iteration, and a product and a sum at the end.
    """
    word, count = design.word_bits, min(processors.count, activations)
    name, cycles = "nonlinear_processors", processors.cycles
    actions = _actions_of_activation(name, processors, word)
    adders = 3 if processors.method is ActivationMethod.CORDIC else 1
    pieces = [
        Piece(name, each.part, count * (adders if each.part == "adder" else 1), each.width)
        for each in actions
        if each.part != "register"
    ]
    pieces.append(Piece(name, "register", 2 * count, word))
    groups = passes(activations, processors.count)
    table = EnergyTable(library, len(groups) * cycles)
    for group, active in enumerate(groups):
        span = slice(group * cycles, (group + 1) * cycles)
        spend(table, span, active / cycles, actions=actions)
    return UnitCost({"activate": table.build()}, inventory_of(pieces, library))


def _actions_of_activation(name: str, processors: Processors, word: int) -> list[Actions]:
    """Return the actions of one activation; its result and its argument are written as well."""
    cordic = processors.method is ActivationMethod.CORDIC
    iterations = processors.iterations if cordic else 0
    actions = [Actions(name, "register", "write", 2 * iterations + 2, word)]
    if not cordic:
        actions.append(Actions(name, "lookup_table", "read"))
    if processors.method is not ActivationMethod.TABLE:
        actions.append(Actions(name, "multiplier", "multiply", 1, word**2))
        actions.append(Actions(name, "adder", "add", 3 * iterations + 1, word))
    return actions


def buffer_unit(bits: int, *, design: DigitalDesign, library: ComponentLibrary) -> UnitCost:
    """Return the cost of an SRAM buffer from which `bits` are read, a buffer word a cycle.

    The words begin to arrive, and cost energy, when the buffer's latency is over. The SRAM figure
    is of a 64-bit word; other widths cost in proportion.
    """
    read = Actions("input_buffer", "sram_2kib", "read", 1 / SRAM_BITS)
    words = passes(bits, design.buffer_word_bits)
    table = EnergyTable(library, design.buffer_latency + len(words))
    for cycle, width in enumerate(words, design.buffer_latency):
        spend(table, slice(cycle, cycle + 1), width, actions=[read])
    parts = inventory_of([Piece("input_buffer", "sram_2kib", 1)], library)
    return UnitCost({"load": table.build()}, parts)


def argmax_unit(classes: int, bits: int, *, library: ComponentLibrary) -> UnitCost:
    """Return the cost of finding the largest of `classes` codes, one comparison a cycle."""
    actions = (
        Actions("argmax", "digital_comparator", "compare", width=bits),
        Actions("argmax", "register", "write", width=bits),
    )
    table = EnergyTable(library, max(classes - 1, 1))
    spend(table, slice(None), 1, actions=actions)
    pieces = [Piece(each.component, each.part, 1, bits) for each in actions]
    return UnitCost({"argmax": table.build()}, inventory_of(pieces, library))


def multiply_accumulate_unit(
    macs: int, *, design: DigitalDesign, library: ComponentLibrary
) -> UnitCost:
    """Return the cost of a digital linear layer of `macs` multiply-accumulates.

    Every product reads its weight from SRAM; a 64-bit read costs in proportion to the word.
    """
    word, lanes = design.word_bits, min(design.lanes, macs)
    memories = math.ceil(macs * word / (2048 * 8))
    pieces = (
        Piece("multipliers", "multiplier", lanes, word**2),
        Piece("adders", "adder", lanes, word),
        Piece("registers", "register", lanes, word),
        Piece("weight_memory", "sram_2kib", memories),
    )
    actions = (
        Actions("multipliers", "multiplier", "multiply", width=word**2),
        Actions("adders", "adder", "add", width=word),
        Actions("registers", "register", "write", width=word),
        Actions("weight_memory", "sram_2kib", "read", word / SRAM_BITS),
    )
    groups = passes(macs, design.lanes)
    table = EnergyTable(library, len(groups))
    for cycle, active in enumerate(groups):
        spend(table, slice(cycle, cycle + 1), active, actions=actions)
    return UnitCost({"multiply_accumulate": table.build()}, inventory_of(pieces, library))


def bias_unit(units: int, *, design: DigitalDesign, library: ComponentLibrary) -> UnitCost:
    """Return the cost of adding a bias to `units` values that a converter gives.

    `lanes` values at a time, one cycle an addition. Biases are read from SRAM as the weights of
    `multiply_accumulate_unit` are; every sum is written to a register of its own.
    """
    word, lanes = design.word_bits, min(design.lanes, units)
    pieces = (
        Piece("adders", "adder", lanes, word),
        Piece("registers", "register", units, word),
        Piece("weight_memory", "sram_2kib", math.ceil(units * word / (2048 * 8))),
    )
    actions = (
        Actions("adders", "adder", "add", width=word),
        Actions("registers", "register", "write", width=word),
        Actions("weight_memory", "sram_2kib", "read", word / SRAM_BITS),
    )
    groups = passes(units, design.lanes)
    table = EnergyTable(library, len(groups))
    for cycle, active in enumerate(groups):
        spend(table, slice(cycle, cycle + 1), active, actions=actions)
    return UnitCost({"add_bias": table.build()}, inventory_of(pieces, library))


def sum_unit(
    columns: int, blocks: int, *, bits: int, design: DigitalDesign, library: ComponentLibrary
) -> UnitCost:
    """Return the cost of adding up the codes of row blocks, column by column.

    `lanes` columns at a time, ``blocks - 1`` additions each, one cycle an addition. Adders are wide
    enough for the whole sum. The sums are held in a register a column, written at every addition.

    Parameters
    ----------
    columns, blocks : int
        Columns of every block, and how many row blocks: 2 or more.
    bits : int
        Bits of a code.
    design, library : DigitalDesign, ComponentLibrary
        Sizes and costs.

    Raises
    ------
    ValueError
        If there is nothing to add.
    """
    if blocks < 2:
        msg = f"a sum over {blocks} row blocks needs no unit"
        raise ValueError(msg)
    width = bits + (blocks - 1).bit_length()
    actions = (
        Actions("sum_adders", "adder", "add", width=width),
        Actions("sum_registers", "register", "write", width=width),
    )
    work = [active for active in passes(columns, design.lanes) for _ in range(1, blocks)]
    table = EnergyTable(library, len(work))
    for cycle, active in enumerate(work):
        spend(table, slice(cycle, cycle + 1), active, actions=actions)
    pieces = (
        Piece("sum_adders", "adder", min(design.lanes, columns), width),
        Piece("sum_registers", "register", columns, width),
    )
    return UnitCost({"sum": table.build()}, inventory_of(pieces, library))


def bus_unit(
    transfers: dict[str, int],
    *,
    width: int,
    latency: int,
    length: float,
    library: ComponentLibrary,
) -> UnitCost:
    """Return the cost of a bus.

    A transfer takes `latency` cycles and then one for every `width` bits. A bit costs one full
    transition over the whole length, which is the most that it can, and its write into the register
    at the receiving end, both in the cycle in which it arrives.

    Parameters
    ----------
    transfers : dict of str to int
        The bits that each kind of operation moves.
    width : int
        Lines: bits that arrive in one cycle.
    latency : int
        Cycles before the first bits arrive.
    length : float
        Length of the bus, m.
    library : ComponentLibrary
        Costs.
    """
    actions = (
        Actions("bus", "wire", "transition", width=1e3 * length),
        Actions("bus", "register", "write"),
    )
    energy = {}
    for kind, bits in transfers.items():
        groups = passes(bits, width)
        table = EnergyTable(library, latency + len(groups))
        for cycle, active in enumerate(groups, latency):
            spend(table, slice(cycle, cycle + 1), active, actions=actions)
        energy[kind] = table.build()
    pieces = (Piece("bus", "wire", width, 1e3 * length), Piece("bus", "register", 1, width))
    return UnitCost(energy, inventory_of(pieces, library))


def chip_overhead(
    inventories: Sequence[Inventory], *, period: float, gated: bool, library: ComponentLibrary
) -> OperationEnergy:
    """Return the energy of one cycle that the chip spends busy or idle: leakage and clock tree.

    A clock gate costs as one clock pin of a register bit. Leakage is counted as the chip's own
    energy, because it is that of all parts together.
    """
    table = EnergyTable(library, 1)
    leakage = math.fsum(power for part in inventories for power in part.leakage.values())
    pins = sum(part.clocked_pins(gated=gated) for part in inventories)
    table.add_joules("leakage", [0], leakage * period, action=LEAK)
    table.add("clock_tree", [0], part="clock_tree", action="cycle_per_bit", count=pins)
    return table.build()
