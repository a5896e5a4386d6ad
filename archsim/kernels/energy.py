"""Energy of every recorded cycle: what happens whatever the data, and what activity adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.numeric.jit import inlined
from archsim.vocabulary import Activity


class TileEnergy(NamedTuple):
    """What a tile spends in a conversion.

    Attributes
    ----------
    fixed : float64 (cycles, components)
        J in every cycle in which the tile is at work, whatever the data.
    per_activity : float64 (activities, components)
        J for each count of an `Activity`.
    """

    fixed: NDArray[np.float64]
    per_activity: NDArray[np.float64]


_INTEGRATING = (Activity.ACTIVE_ROWS, Activity.CONDUCTANCE, Activity.ROW_EDGES)
_CONVERTING = (Activity.UNDECIDED, Activity.LATCHED)
GROUPS = 3
"""Groups of a tile's activities: of integrate cycles, of the converters' cycles, and all."""
INTEGRATING, CONVERTING, ALL = range(GROUPS)


SPENDER = np.dtype(
    [(name, np.int64) for name in ("cell", "cells", "cycle", "cycles", "components")], align=True
)
"""Where a tile's numbers are in `EnergyArrays`.

`cell` is the first of its cycles and components in `fixed`, `cells` how many there are; `cycle`
counts the cycles of a conversion of the tiles before, `cycles` its own.
"""


class EnergyArrays(NamedTuple):
    """What the tiles of a layer spend, one after the other in flat arrays.

    A *term* is a component with the activities of a group that cost it energy.

    Attributes
    ----------
    fixed : float64 (all cells,)
        As in `TileEnergy`, but (components, cycles), concatenated.
    tile : SPENDER (tiles,)
        Where each tile's part begins, and how long it is.
    term_pointer : int64 (tiles, GROUPS + 1)
        Terms ``term_pointer[n, g]:term_pointer[n, g + 1]`` are those of group g of tile n.
    term : int64 (terms, 3)
        The component of each term, its first entry, and the one after its last.
    activity : int64 (entries,)
        Activities, ascending within a term.
    amount : float64 (entries,)
        J for a count of the activity.
    """

    fixed: NDArray[np.float64]
    tile: NDArray[np.void]
    term_pointer: NDArray[np.int64]
    term: NDArray[np.int64]
    activity: NDArray[np.int64]
    amount: NDArray[np.float64]

    @property
    def cells(self) -> int:
        """Energies of one conversion of all tiles."""
        return int(self.fixed.size)

    @property
    def cycles(self) -> int:
        """Cycles of one conversion of all tiles, tile by tile."""
        return int(self.tile["cycles"].sum())


def join_energy(tiles: Sequence[TileEnergy]) -> EnergyArrays:
    """Lay the energies of a layer's tiles out in flat arrays."""
    table = np.zeros(len(tiles), dtype=SPENDER)
    pointer = np.zeros((len(tiles), GROUPS + 1), dtype=np.int64)
    terms: list[tuple[int, int, int]] = []
    activity: list[int] = []
    amount: list[float] = []
    cell, cycle = 0, 0
    for place, tile in enumerate(tiles):
        ends = [len(terms)]
        for group in (_INTEGRATING, _CONVERTING, tuple(Activity)):
            for component, amounts in enumerate(tile.per_activity[list(group)].T):
                costly = np.flatnonzero(amounts)
                if costly.size:
                    first = len(activity)
                    activity += [int(group[n]) for n in costly]
                    amount += amounts[costly].tolist()
                    terms.append((component, first, len(activity)))
            ends.append(len(terms))
        cycles, components = tile.fixed.shape
        table[place] = cell, tile.fixed.size, cycle, cycles, components
        pointer[place] = ends
        cell, cycle = cell + tile.fixed.size, cycle + cycles
    return EnergyArrays(
        fixed=np.concatenate([np.zeros(0), *(tile.fixed.T.ravel() for tile in tiles)]),
        tile=table,
        term_pointer=pointer,
        term=np.array(terms, dtype=np.int64).reshape(len(terms), 3),
        activity=np.array(activity, dtype=np.int64),
        amount=np.array(amount, dtype=np.float64),
    )


@inlined
def add_energy(
    count: NDArray[np.int64],
    cycles: int,
    energy: EnergyArrays,
    entries: tuple[int, int],
    total: NDArray[np.float64],
    base: int,
    out: NDArray[np.float64],
    at: int,
) -> None:
    """Write what a component spends in some cycles, whatever the data and for a term's activities.

    The bits are those of `archsim.numeric.weighted.add_weighted`: a component's sum over activities
    is formed first, in the order of the activities, and those that are 0 throughout change no bit
    of it.

    Parameters
    ----------
    count : int64 (N_ACTIVITY, cycles or more)
        Counts of each activity, cycle by cycle.
    cycles : int
        How many cycles were counted.
    energy : EnergyArrays
        What the layer's tiles spend.
    entries : tuple of int
        The term's first entry, and the one after its last.
    total : float64 (cycles or more,)
        Scratch.
    base : int
        Where the component's cycles begin in `fixed`.
    out, at
        Out: the cycles from `at` on.
    """
    begin, end = entries
    activity, amount = energy.activity, energy.amount
    whatever, spent = energy.fixed[base : base + cycles], out[at : at + cycles]
    counted = count[activity[begin]]
    if end - begin == 1:
        for cycle in range(cycles):
            spent[cycle] = whatever[cycle] + counted[cycle] * amount[begin]
        return
    for cycle in range(cycles):
        total[cycle] = counted[cycle] * amount[begin]
    for entry in range(begin + 1, end):
        counted = count[activity[entry]]
        for cycle in range(cycles):
            total[cycle] += counted[cycle] * amount[entry]
    for cycle in range(cycles):
        spent[cycle] = whatever[cycle] + total[cycle]
