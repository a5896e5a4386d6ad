"""Costs of what works on vectors element by element: the cells of recurrent layers."""

from __future__ import annotations

import math
from collections.abc import Iterable

from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import EnergyTable
from archsim.costs.parts import (
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
