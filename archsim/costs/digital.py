"""Energy, area and leakage of the digital units, and of what the whole chip shares.

Every unit works in fixed point on `lanes` elements at a time, without pipelining: an operation of
``n`` elements takes ``ceil(n / lanes)`` passes, each with the steps that its function says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from archsim.config.hardware import ActivationMethod, Processors
from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import EnergyTable, Inventory, OperationEnergy


@dataclass(frozen=True)
class DigitalDesign:
    """Sizes of the digital units.

    Attributes
    ----------
    word_bits : int
        Bits of a fixed-point word.
    lanes : int
        Elements that a unit works on in parallel.
    buffer_word_bits : int
        Bits that a buffer gives a cycle.
    """

    word_bits: int
    lanes: int
    buffer_word_bits: int


@dataclass(frozen=True)
class UnitCost:
    """A digital unit: the energy of each kind of operation, and what it is made of."""

    energy: dict[str, OperationEnergy]
    inventory: Inventory


MULTIPLY, ADD, LOOK_UP, OUTPUT = "multiply", "add", "look_up", "output"
"""Steps of an element-wise update: two products; their sum and the write of c; tanh; o * tanh(c)
with the write of h and its way back to the tile."""


def passes(elements: int, lanes: int) -> list[int]:
    """Return how many elements each pass of a unit works on."""
    return [min(lanes, elements - done) for done in range(0, elements, lanes)]


def elementwise_unit(
    operations: dict[str, tuple[str, ...]],
    *,
    units: int,
    drive_bits: int,
    design: DigitalDesign,
    library: ComponentLibrary,
) -> UnitCost:
    """Return the cost of an LSTM's element-wise unit.

    Parameters
    ----------
    operations : dict of str to tuple of str
        The steps, one cycle each, that every kind of operation takes for a pass.
    units : int
        Hidden units, whose c and h the unit keeps in registers.
    drive_bits : int
        Bits of an h that goes back to the tile, sign included.
    design : DigitalDesign
        Sizes.
    library : ComponentLibrary
        Costs.
    """
    word = design.word_bits
    lanes = min(design.lanes, units)
    parts = Inventory()
    for component, part, count, width in (
        ("multipliers", "multiplier", 2 * lanes, word**2),
        ("adders", "adder", lanes, word),
        ("registers", "register", 2 * units, word),
        *(
            [("lookup_table", "lookup_table", lanes, 1)]
            if any(LOOK_UP in steps for steps in operations.values())
            else []
        ),
    ):
        parts.add(
            component,
            count=count,
            area=library.area(part, width),
            leakage=library.leakage(part, width),
        )
    parts.register_words, parts.register_bits = 2 * units, 2 * units * word
    millimetres = 1e3 * math.sqrt(sum(parts.area.values()))
    multiply = library.energy("multiplier", "multiply", word**2)
    write = library.energy("register", "write", word)
    charges = {
        MULTIPLY: (("multipliers", 2 * multiply),),
        ADD: (("adders", library.energy("adder", "add", word)), ("registers", write)),
        LOOK_UP: (("lookup_table", library.energy("lookup_table", "read")),)
        if "lookup_table" in parts.area
        else (),
        OUTPUT: (
            ("multipliers", multiply),
            ("registers", write),
            ("feedback_wires", drive_bits * library.energy("wire", "transition", millimetres)),
        ),
    }
    energy = {}
    for kind, steps in operations.items():
        groups = passes(units, design.lanes)
        table = EnergyTable(len(groups) * len(steps))
        for group, active in enumerate(groups):
            for place, step in enumerate(steps):
                for component, joules in charges[step]:
                    table.charge(component, [group * len(steps) + place], active * joules)
        energy[kind] = table.build()
    return UnitCost(energy, parts)


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
    multiply = library.energy("multiplier", "multiply", word**2)
    add = library.energy("adder", "add", word)
    read = library.energy("lookup_table", "read")
    write = library.energy("register", "write", word)
    parts: tuple[tuple[str, int, int], ...]
    if processors.method is ActivationMethod.TABLE:
        energy, parts = read, (("lookup_table", 1, 1),)
    elif processors.method is ActivationMethod.PIECEWISE_LINEAR:
        energy = read + multiply + add
        parts = (("lookup_table", 1, 1), ("multiplier", 1, word**2), ("adder", 1, word))
    else:
        energy = processors.iterations * (3 * add + 2 * write) + multiply + add
        parts = (("multiplier", 1, word**2), ("adder", 3, word))
    inventory = Inventory()
    for part, each, width in (*parts, ("register", 2, word)):
        inventory.add(
            "nonlinear_processors",
            count=count * each,
            area=library.area(part, width),
            leakage=library.leakage(part, width),
        )
    inventory.register_words, inventory.register_bits = 2 * count, 2 * count * word
    groups = passes(activations, processors.count)
    table = EnergyTable(len(groups) * processors.cycles)
    for group, active in enumerate(groups):
        first = group * processors.cycles
        each_cycle = active * (energy + 2 * write) / processors.cycles
        table.charge("nonlinear_processors", slice(first, first + processors.cycles), each_cycle)
    return UnitCost({"activate": table.build()}, inventory)


def buffer_unit(bits: int, *, design: DigitalDesign, library: ComponentLibrary) -> UnitCost:
    """Return the cost of an SRAM buffer from which `bits` are read, a buffer word a cycle.

    The SRAM figure is of a 64-bit word; other widths are charged in proportion.
    """
    parts = Inventory()
    parts.add(
        "input_buffer",
        count=1,
        area=library.area("sram_2kib"),
        leakage=library.leakage("sram_2kib"),
    )
    words = passes(bits, design.buffer_word_bits)
    table = EnergyTable(len(words))
    for cycle, width in enumerate(words):
        table.charge("input_buffer", [cycle], library.energy("sram_2kib", "read") * width / 64)
    return UnitCost({"load": table.build()}, parts)


def argmax_unit(classes: int, bits: int, *, library: ComponentLibrary) -> UnitCost:
    """Return the cost of finding the largest of `classes` codes, one comparison a cycle."""
    parts = Inventory()
    for part in ("digital_comparator", "register"):
        parts.add(
            "argmax", count=1, area=library.area(part, bits), leakage=library.leakage(part, bits)
        )
    parts.register_words, parts.register_bits = 1, bits
    table = EnergyTable(max(classes - 1, 1))
    energy = library.energy("digital_comparator", "compare", bits)
    table.charge("argmax", slice(None), energy + library.energy("register", "write", bits))
    return UnitCost({"argmax": table.build()}, parts)


def multiply_accumulate_unit(
    macs: int, *, design: DigitalDesign, library: ComponentLibrary
) -> UnitCost:
    """Return the cost of a digital linear layer of `macs` multiply-accumulates.

    Every product reads its weight from SRAM; a 64-bit read is charged in proportion to the word.
    """
    word, lanes = design.word_bits, min(design.lanes, macs)
    parts = Inventory()
    memories = math.ceil(macs * word / (2048 * 8))
    for component, part, count, width in (
        ("multipliers", "multiplier", lanes, word**2),
        ("adders", "adder", lanes, word),
        ("registers", "register", lanes, word),
        ("weight_memory", "sram_2kib", memories, 1),
    ):
        parts.add(
            component,
            count=count,
            area=library.area(part, width),
            leakage=library.leakage(part, width),
        )
    parts.register_words, parts.register_bits = lanes, lanes * word
    groups = passes(macs, design.lanes)
    table = EnergyTable(len(groups))
    for cycle, active in enumerate(groups):
        table.charge(
            "multipliers", [cycle], active * library.energy("multiplier", "multiply", word**2)
        )
        table.charge("adders", [cycle], active * library.energy("adder", "add", word))
        table.charge("registers", [cycle], active * library.energy("register", "write", word))
        read = library.energy("sram_2kib", "read") * word / 64
        table.charge("weight_memory", [cycle], active * read)
    return UnitCost({"multiply_accumulate": table.build()}, parts)


def chip_overhead(
    inventories: Sequence[Inventory], *, period: float, gated: bool, library: ComponentLibrary
) -> OperationEnergy:
    """Return the energy of one cycle that the chip spends busy or idle: leakage and clock tree.

    A clock gate is charged as one clock pin of a register bit.
    """
    table = EnergyTable(1)
    leakage = math.fsum(power for part in inventories for power in part.leakage.values())
    pins = sum(part.clocked_pins(gated=gated) for part in inventories)
    table.charge("leakage", [0], leakage * period)
    table.charge("clock_tree", [0], library.energy("clock_tree", "cycle_per_bit") * pins)
    return table.build()
