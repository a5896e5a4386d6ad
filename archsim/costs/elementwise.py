"""Costs of what works on vectors element by element: recurrent cells, layers without weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import EnergyTable
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

MULTIPLY, ADD, LOOK_UP, OUTPUT = "multiply", "add", "look_up", "output"
"""Steps of an element-wise update: two products; their sum and the write of a state; a function
from a table; a product, with the write of h and its way back to the tile."""

PRODUCT, DIFFERENCE, MIX, WRITE = "product", "difference", "mix", "write"
"""More steps: one product; a difference; a sum that is h, with its write and its way back; the
write of h and its way back alone."""

_MULTIPLIERS = {MULTIPLY: 2, OUTPUT: 1, PRODUCT: 1}
_ADDERS = {ADD: 1, DIFFERENCE: 1, MIX: 1}
"""Multipliers and adders of a lane that a step keeps busy."""


def elementwise_unit(
    operations: dict[str, tuple[str, ...]],
    *,
    units: int,
    drive_bits: int,
    design: DigitalDesign,
    library: ComponentLibrary,
    streams: int = 1,
    states: int = 2,
) -> UnitCost:
    """Return the cost of a cell's element-wise unit; its way back to the tile is its own side.

    A lane has as many multipliers and adders as the step that needs most of them.

    Parameters
    ----------
    operations : dict of str to tuple of str
        The steps, one cycle each, that every kind of operation takes for a pass.
    units : int
        Hidden units, whose states the unit keeps in registers.
    drive_bits : int
        Bits of an h that goes back to the tile, sign included.
    design : DigitalDesign
        Sizes.
    library : ComponentLibrary
        Costs.
    streams : int
        Input streams, each with states of its own.
    states : int
        Words that are kept of each hidden unit: c and h of an LSTM.
    """
    word, lanes = design.word_bits, min(design.lanes, units)
    taken = {step for steps in operations.values() for step in steps}
    multipliers = max(_MULTIPLIERS.get(step, 0) for step in taken)
    adders = max(_ADDERS.get(step, 0) for step in taken)
    pieces = [
        Piece("multipliers", "multiplier", multipliers * lanes, word**2),
        Piece("adders", "adder", adders * lanes, word),
        Piece("registers", "register", states * units * streams, word),
        Piece("lookup_table", "lookup_table", lanes if LOOK_UP in taken else 0),
    ]
    pieces = [piece for piece in pieces if piece.number]
    actions = _actions_of_steps(word, drive_bits, _side(pieces, library))
    energy = {}
    for kind, steps in operations.items():
        work = [(active, step) for active in passes(units, design.lanes) for step in steps]
        table = EnergyTable(library, len(work))
        for cycle, (active, step) in enumerate(work):
            spend(table, slice(cycle, cycle + 1), active, actions=actions[step])
        energy[kind] = table.build()
    return UnitCost(energy, inventory_of(pieces, library))


def _side(pieces: Iterable[Piece], library: ComponentLibrary) -> float:
    """Return the side of the square that some pieces fill, m."""
    return math.sqrt(sum(inventory_of(pieces, library.nominal).area.values()))


def _actions_of_steps(word: int, drive_bits: int, side: float) -> dict[str, tuple[Actions, ...]]:
    """Return what each step does to an element; an h goes back over `side` (m) of wire."""
    multiply = Actions("multipliers", "multiplier", "multiply", width=word**2)
    write = Actions("registers", "register", "write", width=word)
    add = Actions("adders", "adder", "add", width=word)
    back = Actions("feedback_wires", "wire", "transition", drive_bits, 1e3 * side)
    return {
        MULTIPLY: (multiply._replace(times=2),),
        ADD: (add, write),
        LOOK_UP: (Actions("lookup_table", "lookup_table", "read"),),
        OUTPUT: (multiply, write, back),
        PRODUCT: (multiply,),
        DIFFERENCE: (add,),
        MIX: (add, write, back),
        WRITE: (write, back),
    }


# ----------------------------------------------------------------- layers without weights


def add_unit(
    elements: int, terms: int, *, design: DigitalDesign, library: ComponentLibrary
) -> UnitCost:
    """Return the cost of adding `terms` vectors up: `lanes` elements a cycle, an addition each.

    Adders are wide enough for the whole sum, which is written to a register at every addition.
    """
    width = design.word_bits + (terms - 1).bit_length()
    add = Actions("adders", "adder", "add", width=width)
    write = Actions("registers", "register", "write", width=width)
    return _in_passes("add", elements, [(add, write)] * (terms - 1), design, library)


def relu_unit(elements: int, *, design: DigitalDesign, library: ComponentLibrary) -> UnitCost:
    """Return the cost of writing positive words, and 0 in the place of others.

    The sign gates what is written; that gate is a part of the register.
    """
    write = Actions("registers", "register", "write", width=design.word_bits)
    return _in_passes("compute", elements, [(write,)], design, library)


def table_unit(elements: int, *, design: DigitalDesign, library: ComponentLibrary) -> UnitCost:
    """Return the cost of looking a function of each element up, a table a lane."""
    read = Actions("lookup_table", "lookup_table", "read")
    write = Actions("registers", "register", "write", width=design.word_bits)
    return _in_passes("compute", elements, [(read, write)], design, library)


def softmax_unit(
    elements: int, *, quotient_bits: int, design: DigitalDesign, library: ComponentLibrary
) -> UnitCost:
    """Return the cost of a softmax.

    The largest word is found as a class is, one comparison a cycle. Then `lanes` at a time, a
    difference and a table each; their sum, one addition a cycle; and the quotients, `lanes` at a
    time, by one trial subtraction a bit, after half of the sum is added to round them.

    Parameters
    ----------
    elements : int
        Elements.
    quotient_bits : int
        Bits of a quotient.
    design, library : DigitalDesign, ComponentLibrary
        Sizes and costs.
    """
    word, lanes = design.word_bits, min(design.lanes, elements)
    sum_bits = word + (elements - 1).bit_length()
    compare = Actions("argmax", "digital_comparator", "compare", width=word)
    keep = Actions("argmax", "register", "write", width=word)
    write = Actions("registers", "register", "write", width=word)
    add = Actions("adders", "adder", "add", width=word)
    wide = Actions("adders", "adder", "add", width=sum_bits)
    keep_wide = Actions("registers", "register", "write", width=sum_bits)
    read = Actions("lookup_table", "lookup_table", "read")
    groups = passes(elements, design.lanes)
    work: list[tuple[int, tuple[Actions, ...]]] = [(1, (compare, keep))] * max(elements - 1, 1)
    work += [(active, step) for active in groups for step in ((add,), (read, write))]
    work += [(1, (wide, keep_wide))] * elements
    work += [(active, (wide, keep_wide)) for active in groups for _ in range(quotient_bits + 1)]
    table = EnergyTable(library, len(work))
    for cycle, (active, actions) in enumerate(work):
        spend(table, slice(cycle, cycle + 1), active, actions=actions)
    pieces = [
        Piece("argmax", "digital_comparator", 1, word),
        Piece("argmax", "register", 1, word),
        Piece("adders", "adder", lanes, sum_bits),
        Piece("registers", "register", elements, word),
        Piece("registers", "register", 1 + lanes, sum_bits),
        Piece("lookup_table", "lookup_table", lanes),
    ]
    return UnitCost({"compute": table.build()}, inventory_of(pieces, library))


def embedding_unit(
    entries: int, units: int, *, design: DigitalDesign, library: ComponentLibrary
) -> UnitCost:
    """Return the cost of a table of vectors in SRAM, one of which is read at a time.

    A buffer word arrives a cycle, when the buffer's latency is over. The SRAM figure is of a 64-bit
    word of 2 KiB; other widths cost in proportion, and larger tables are many such memories.
    """
    bits = units * design.word_bits
    read = Actions("weight_memory", "sram_2kib", "read", 1 / SRAM_BITS)
    words = passes(bits, design.buffer_word_bits)
    table = EnergyTable(library, design.buffer_latency + len(words))
    for cycle, width in enumerate(words, design.buffer_latency):
        spend(table, slice(cycle, cycle + 1), width, actions=[read])
    memories = math.ceil(entries * bits / (2048 * 8))
    pieces = [Piece("weight_memory", "sram_2kib", memories)]
    return UnitCost({"look_up": table.build()}, inventory_of(pieces, library))


def _in_passes(
    kind: str,
    elements: int,
    steps: Sequence[tuple[Actions, ...]],
    design: DigitalDesign,
    library: ComponentLibrary,
) -> UnitCost:
    """Return the cost of steps that `lanes` elements take at a time, a cycle each.

    A lane has one of what each action needs, and every element a register.
    """
    parts = {each.part: each for step in steps for each in step}
    lanes = min(design.lanes, elements)
    pieces = [
        Piece(each.component, part, elements if part == "register" else lanes, each.width)
        for part, each in parts.items()
    ]
    work = [(active, step) for active in passes(elements, design.lanes) for step in steps]
    table = EnergyTable(library, len(work))
    for cycle, (active, step) in enumerate(work):
        spend(table, slice(cycle, cycle + 1), active, actions=step)
    return UnitCost({kind: table.build()}, inventory_of(pieces, library))
