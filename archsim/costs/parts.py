"""What digital units are made of: pieces of the library, and the actions of their work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import EnergyTable, Inventory, OperationEnergy

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


class Piece(NamedTuple):
    """Some of a library part that belong to a component."""

    component: str
    part: str
    number: float
    width: float = 1


class Actions(NamedTuple):
    """Actions of a library part that a component takes for each element."""

    component: str
    part: str
    action: str
    times: float = 1
    width: float = 1


def inventory_of(pieces: Iterable[Piece], library: ComponentLibrary) -> Inventory:
    """Return what some pieces come to; their registers are clocked."""
    parts = Inventory()
    for component, part, number, width in pieces:
        parts.add_part(component, part, count=number, library=library, width=width)
        if part == "register":
            parts.register_words += int(number)
            parts.register_bits += int(number * width)
    return parts


def spend(
    table: EnergyTable, cycles: slice, elements: float, *, actions: Iterable[Actions]
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


def passes(elements: int, lanes: int) -> list[int]:
    """Return how many elements each pass of a unit works on."""
    return [min(lanes, elements - done) for done in range(0, elements, lanes)]
