"""Energy, area and leakage of the digital units, of buses, and of what the whole chip shares.

Every unit works in fixed point on `lanes` elements at a time, without pipelining: an operation of
``n`` elements takes ``ceil(n / lanes)`` passes, each with the steps that its function says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from archsim.config.hardware import ActivationMethod, Processors
from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import LEAK, EnergyTable, Inventory, OperationEnergy

SRAM_BITS = 64
"""Bits of the word that the library's SRAM figures are of; others cost in proportion."""


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
    buffer_latency : int
        Cycles before the first word of a buffer arrives.
    """

    word_bits: int
    lanes: int
    buffer_word_bits: int
    buffer_latency: int = 0


@dataclass(frozen=True)
class UnitCost:
    """A digital unit: the energy of each kind of operation, and what it is made of."""

    energy: dict[str, OperationEnergy]
    inventory: Inventory


class _Piece(NamedTuple):
    """Some of a library part that belong to a component."""

    component: str
    part: str
    number: float
    width: float = 1


class _Actions(NamedTuple):
    """Actions of a library part that a component takes for each element."""

    component: str
    part: str
    action: str
    times: float = 1
    width: float = 1


def _inventory(pieces: Iterable[_Piece], library: ComponentLibrary) -> Inventory:
    """Return what some pieces come to; their registers are clocked."""
    parts = Inventory()
    for component, part, number, width in pieces:
        parts.add_part(component, part, count=number, library=library, width=width)
        if part == "register":
            parts.register_words += int(number)
            parts.register_bits += int(number * width)
    return parts


def _spend(
    table: EnergyTable, cycles: slice, elements: float, *, actions: Iterable[_Actions]
) -> None:
    """Add the energy of every one of some cycles for work on `elements` elements."""
    for each in actions:
        table.add(
            each.component,
            cycles,
            part=each.part,
            action=each.action,
            count=elements * each.times,
            width=each.width,
        )


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
    streams: int = 1,
) -> UnitCost:
    """Return the cost of an LSTM's element-wise unit; its way back to the tile is its own side.

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
    streams : int
        Input streams, each with a c and an h of its own.
    """
    word, lanes = design.word_bits, min(design.lanes, units)
    pieces = [
        _Piece("multipliers", "multiplier", 2 * lanes, word**2),
        _Piece("adders", "adder", lanes, word),
        _Piece("registers", "register", 2 * units * streams, word),
    ]
    if any(LOOK_UP in steps for steps in operations.values()):
        pieces.append(_Piece("lookup_table", "lookup_table", lanes))
    actions = _actions_of_steps(word, drive_bits, _side(pieces, library))
    energy = {}
    for kind, steps in operations.items():
        work = [(active, step) for active in passes(units, design.lanes) for step in steps]
        table = EnergyTable(library, len(work))
        for cycle, (active, step) in enumerate(work):
            _spend(table, slice(cycle, cycle + 1), active, actions=actions[step])
        energy[kind] = table.build()
    return UnitCost(energy, _inventory(pieces, library))


def _side(pieces: Iterable[_Piece], library: ComponentLibrary) -> float:
    """Return the side of the square that some pieces fill, m."""
    return math.sqrt(sum(_inventory(pieces, library.nominal).area.values()))


def _actions_of_steps(word: int, drive_bits: int, side: float) -> dict[str, tuple[_Actions, ...]]:
    """Return what each step does to an element; an h goes back over `side` (m) of wire."""
    multiply = _Actions("multipliers", "multiplier", "multiply", width=word**2)
    write = _Actions("registers", "register", "write", width=word)
    return {
        MULTIPLY: (multiply._replace(times=2),),
        ADD: (_Actions("adders", "adder", "add", width=word), write),
        LOOK_UP: (_Actions("lookup_table", "lookup_table", "read"),),
        OUTPUT: (
            multiply,
            write,
            _Actions("feedback_wires", "wire", "transition", drive_bits, 1e3 * side),
        ),
    }


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
        _Piece(name, each.part, count * (adders if each.part == "adder" else 1), each.width)
        for each in actions
        if each.part != "register"
    ]
    pieces.append(_Piece(name, "register", 2 * count, word))
    groups = passes(activations, processors.count)
    table = EnergyTable(library, len(groups) * cycles)
    for group, active in enumerate(groups):
        span = slice(group * cycles, (group + 1) * cycles)
        _spend(table, span, active / cycles, actions=actions)
    return UnitCost({"activate": table.build()}, _inventory(pieces, library))


def _actions_of_activation(name: str, processors: Processors, word: int) -> list[_Actions]:
    """Return the actions of one activation; its result and its argument are written as well."""
    cordic = processors.method is ActivationMethod.CORDIC
    iterations = processors.iterations if cordic else 0
    actions = [_Actions(name, "register", "write", 2 * iterations + 2, word)]
    if not cordic:
        actions.append(_Actions(name, "lookup_table", "read"))
    if processors.method is not ActivationMethod.TABLE:
        actions.append(_Actions(name, "multiplier", "multiply", 1, word**2))
        actions.append(_Actions(name, "adder", "add", 3 * iterations + 1, word))
    return actions


def buffer_unit(bits: int, *, design: DigitalDesign, library: ComponentLibrary) -> UnitCost:
    """Return the cost of an SRAM buffer from which `bits` are read, a buffer word a cycle.

    The words begin to arrive, and cost energy, when the buffer's latency is over. The SRAM figure
    is of a 64-bit word; other widths cost in proportion.
    """
    read = _Actions("input_buffer", "sram_2kib", "read", 1 / SRAM_BITS)
    words = passes(bits, design.buffer_word_bits)
    table = EnergyTable(library, design.buffer_latency + len(words))
    for cycle, width in enumerate(words, design.buffer_latency):
        _spend(table, slice(cycle, cycle + 1), width, actions=[read])
    parts = _inventory([_Piece("input_buffer", "sram_2kib", 1)], library)
    return UnitCost({"load": table.build()}, parts)


def argmax_unit(classes: int, bits: int, *, library: ComponentLibrary) -> UnitCost:
    """Return the cost of finding the largest of `classes` codes, one comparison a cycle."""
    actions = (
        _Actions("argmax", "digital_comparator", "compare", width=bits),
        _Actions("argmax", "register", "write", width=bits),
    )
    table = EnergyTable(library, max(classes - 1, 1))
    _spend(table, slice(None), 1, actions=actions)
    pieces = [_Piece(each.component, each.part, 1, bits) for each in actions]
    return UnitCost({"argmax": table.build()}, _inventory(pieces, library))


def multiply_accumulate_unit(
    macs: int, *, design: DigitalDesign, library: ComponentLibrary
) -> UnitCost:
    """Return the cost of a digital linear layer of `macs` multiply-accumulates.

    Every product reads its weight from SRAM; a 64-bit read costs in proportion to the word.
    """
    word, lanes = design.word_bits, min(design.lanes, macs)
    memories = math.ceil(macs * word / (2048 * 8))
    pieces = (
        _Piece("multipliers", "multiplier", lanes, word**2),
        _Piece("adders", "adder", lanes, word),
        _Piece("registers", "register", lanes, word),
        _Piece("weight_memory", "sram_2kib", memories),
    )
    actions = (
        _Actions("multipliers", "multiplier", "multiply", width=word**2),
        _Actions("adders", "adder", "add", width=word),
        _Actions("registers", "register", "write", width=word),
        _Actions("weight_memory", "sram_2kib", "read", word / SRAM_BITS),
    )
    groups = passes(macs, design.lanes)
    table = EnergyTable(library, len(groups))
    for cycle, active in enumerate(groups):
        _spend(table, slice(cycle, cycle + 1), active, actions=actions)
    return UnitCost({"multiply_accumulate": table.build()}, _inventory(pieces, library))


def bias_unit(units: int, *, design: DigitalDesign, library: ComponentLibrary) -> UnitCost:
    """Return the cost of adding a bias to `units` values that a converter gives.

    `lanes` values at a time, one cycle an addition. Biases are read from SRAM as the weights of
    `multiply_accumulate_unit` are; every sum is written to a register of its own.
    """
    word, lanes = design.word_bits, min(design.lanes, units)
    pieces = (
        _Piece("adders", "adder", lanes, word),
        _Piece("registers", "register", units, word),
        _Piece("weight_memory", "sram_2kib", math.ceil(units * word / (2048 * 8))),
    )
    actions = (
        _Actions("adders", "adder", "add", width=word),
        _Actions("registers", "register", "write", width=word),
        _Actions("weight_memory", "sram_2kib", "read", word / SRAM_BITS),
    )
    groups = passes(units, design.lanes)
    table = EnergyTable(library, len(groups))
    for cycle, active in enumerate(groups):
        _spend(table, slice(cycle, cycle + 1), active, actions=actions)
    return UnitCost({"add_bias": table.build()}, _inventory(pieces, library))


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
        _Actions("sum_adders", "adder", "add", width=width),
        _Actions("sum_registers", "register", "write", width=width),
    )
    work = [active for active in passes(columns, design.lanes) for _ in range(1, blocks)]
    table = EnergyTable(library, len(work))
    for cycle, active in enumerate(work):
        _spend(table, slice(cycle, cycle + 1), active, actions=actions)
    pieces = (
        _Piece("sum_adders", "adder", min(design.lanes, columns), width),
        _Piece("sum_registers", "register", columns, width),
    )
    return UnitCost({"sum": table.build()}, _inventory(pieces, library))


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
        _Actions("bus", "wire", "transition", width=1e3 * length),
        _Actions("bus", "register", "write"),
    )
    energy = {}
    for kind, bits in transfers.items():
        groups = passes(bits, width)
        table = EnergyTable(library, latency + len(groups))
        for cycle, active in enumerate(groups, latency):
            _spend(table, slice(cycle, cycle + 1), active, actions=actions)
        energy[kind] = table.build()
    pieces = (_Piece("bus", "wire", width, 1e3 * length), _Piece("bus", "register", 1, width))
    return UnitCost(energy, _inventory(pieces, library))


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
