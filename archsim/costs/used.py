"""Which components of a library parts of a chip use, and how far their numbers can be trusted."""

from __future__ import annotations

from collections.abc import Iterable

from archsim.costs.library import FIGURE_UNITS, ComponentLibrary, SourceKind
from archsim.costs.operation import Inventory, OperationEnergy

_WHERE_PLACED = set(FIGURE_UNITS) - {"latency"}
"""Numbers that count wherever a component is built in, whatever it does."""

Used = dict[str, tuple[SourceKind, ...]]
"""Kinds of sources behind the numbers of each component that is used."""


def used_components(
    energies: Iterable[OperationEnergy], inventory: Inventory, library: ComponentLibrary
) -> Used:
    """Return the components that a tile or unit spends energy as, or is made of.

    Parameters
    ----------
    energies : iterable of OperationEnergy
        What its operations spend.
    inventory : Inventory
        What it is made of.
    library : ComponentLibrary
        The library, at the chip's node.
    """
    actions = {key for energy in energies for key in energy.actions.keys}
    names = dict.fromkeys([*inventory.library_parts, *(part for part, _ in sorted(actions))])
    return {name: _kinds(name, actions, inventory, library) for name in names}


def _kinds(
    name: str, actions: set[tuple[str, str]], inventory: Inventory, library: ComponentLibrary
) -> tuple[SourceKind, ...]:
    """Return the kinds of sources of the numbers that are used; a number that is 0 has none."""
    placed = name in inventory.library_parts
    found = {
        figure.kind
        for figure in library.figures()
        if figure.component == name
        and figure.value
        and ((name, figure.action) in actions or (placed and figure.what in _WHERE_PLACED))
    }
    return tuple(kind for kind in SourceKind if kind in found)


def joined(parts: Iterable[Used]) -> Used:
    """Return the components that any of several parts uses."""
    out: Used = {}
    for part in parts:
        for name, kinds in part.items():
            both = {*out.get(name, ()), *kinds}
            out[name] = tuple(kind for kind in SourceKind if kind in both)
    return out


def in_words(used: Used) -> dict[str, str]:
    """Return the kinds of each component's sources as a text: ``read, assumed``."""
    return {name: ", ".join(kinds) or "free" for name, kinds in used.items()}
