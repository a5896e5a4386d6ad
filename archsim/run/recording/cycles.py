"""What the recorded sequences of a block add to the groups of tiles.

Where no time depends on data, cycles and phases are in the trace's layout already, and what the
kernels kept goes into the file as it lies in memory. Where ramps stop early, the cycles that did
not happen are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.chip.bank import Bank, Tile
from archsim.chip.grid import Grid
from archsim.chip.program import Schedule
from archsim.kernels.record import KEPT, MatrixRecord, rows_of_cycles, tile_counts, tile_energy
from archsim.run.timing import conversion_rows
from archsim.trace.repeated import Piece, Repeated
from archsim.vocabulary import Activity

COUNTS = (
    ("active_rows", Activity.ACTIVE_ROWS, "rows driven in the cycle"),
    ("undecided_columns", Activity.UNDECIDED, "columns that compare in the cycle"),
    ("latched_columns", Activity.LATCHED, "columns that latch in the cycle"),
)
"""Datasets of counts: name, activity, long name."""

Datasets = dict[str, NDArray[Any]]
"""What a block adds to a group, by dataset, cycles or events first."""


@dataclass(frozen=True)
class Moment:
    """One sequence of a run, in time.

    Attributes
    ----------
    sequence : int
        Its number in the run.
    stream : int
        Its stream.
    base : int
        First cycle of its group, from the start of the run.
    schedule : Schedule
        Schedule of its group.
    """

    sequence: int
    stream: int
    base: int
    schedule: Schedule


def tile_times(
    grid: Grid, bank: int, tile: int, moment: Moment, *, walked: NDArray[np.int64] | None
) -> tuple[Datasets, NDArray[np.bool_]]:
    """Return a tile's cycles and phases for one sequence, and which cycles happened."""
    place = grid.banks[bank].tiles[tile]
    rows = conversion_rows(moment.schedule, grid, bank, stream=moment.stream, walked=walked)
    happened = rows.happened[:, : place.cycles]
    cycle = moment.base + rows.cycle[:, : place.cycles]
    return {
        "cycle": cycle[happened],
        "sequence": np.full(int(happened.sum()), moment.sequence),
        "phase": np.broadcast_to(place.phases, happened.shape)[happened],
    }, happened


def kept_cycles(
    grid: Grid, bank: int, tile: int, record: MatrixRecord, spare: Datasets
) -> Datasets:
    """Return counts and energy of every cycle that a tile's recorded sequences can have.

    Parameters
    ----------
    grid : Grid
        The tile's grid.
    bank, tile : int
        Number of its bank, and its own number in the bank.
    record : MatrixRecord
        What the grid did.
    spare : dict
        What an earlier call returned that is not needed any more: lends its memory. Or nothing.

    Returns
    -------
    dict
        Counts (slots * conversions * cycles,), views of the record, and ``energy``
        (slots * conversions * cycles, components), J. With waveforms also ``v_mac``
        (slots * conversions * cycles, columns), V.
    """
    number = bank * len(grid.banks[bank].tiles) + tile
    counts = tile_counts(grid.arrays, record, number)
    out: Datasets = {name: counts[KEPT.index(activity)].reshape(-1) for name, activity, _ in COUNTS}
    out["energy"] = rows_of_cycles(tile_energy(grid.arrays, record, number), spare.get("energy"))
    if record.waveform.shape[0] > 0 and grid.banks[bank].tiles[tile].design.foot is not None:
        mine = grid.banks[bank]
        first = sum(other.columns for other in grid.banks[:bank])
        charge = record.waveform[..., first : first + mine.columns].reshape(-1, mine.columns)
        out["v_mac"] = mine.column_voltage(charge).astype(np.float32)
    return out


def kept_of_tiles(
    tiles: Iterable[tuple[Grid, int, int, Tile]],
    records: Mapping[str, MatrixRecord],
    spare: Mapping[str, Datasets],
) -> dict[str, Datasets]:
    """Return `kept_cycles` of several tiles, by name, from the records of a block's grids."""
    return {
        tile.name: kept_cycles(grid, bank, number, records[grid.name], spare.get(tile.name, {}))
        for grid, bank, number, tile in tiles
    }


def tile_datasets(
    grid: Grid,
    bank: int,
    tile: int,
    *,
    kept: Datasets,
    record: MatrixRecord,
    moments: Mapping[int, Moment],
) -> Datasets:
    """Return what a block adds to a tile's group where time depends on data.

    Parameters
    ----------
    grid : Grid
        The tile's grid.
    bank, tile : int
        Number of its bank, and its own number in the bank.
    kept : dict
        Of `kept_cycles`.
    record : MatrixRecord
        What the grid did.
    moments : mapping of int to Moment
        The recorded sequences, by their place in the block.
    """
    parts = []
    for place, moment in moments.items():
        walked = record.walked[place, :, bank]
        out, happened = tile_times(grid, bank, tile, moment, walked=walked)
        first = int(record.slot[place]) * happened.size
        mine = slice(first, first + happened.size)
        out |= {name: values[mine][happened.ravel()] for name, values in kept.items()}
        if "v_mac" in kept:
            out["v_ramp"] = ramps_in(grid.banks[bank], happened)
        parts.append(out)
    return concatenated(parts)


def ramps_in(bank: Bank, happened: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the ramps' voltages in the cycles that happened (cycles, ramps), V."""
    voltage = bank.ramp_voltage()
    return np.broadcast_to(voltage, (happened.shape[0], *voltage.shape))[happened]


def repeated(make: Callable[[Moment], Datasets], moments: Sequence[Moment]) -> dict[str, Repeated]:
    """Return the datasets of several sequences, each made once a schedule and stream.

    Parameters
    ----------
    make : callable
        Returns the datasets of a moment.
    moments : sequence of Moment
        At least one; their datasets come one after the other.
    """
    made: dict[tuple[int, int], Datasets] = {}
    runs: list[tuple[Datasets, list[Moment]]] = []
    for moment in moments:
        key = id(moment.schedule), moment.stream
        if key not in made:
            made[key] = make(replace(moment, base=0, sequence=moment.stream))
        if not runs or runs[-1][0] is not made[key]:
            runs.append((made[key], []))
        runs[-1][1].append(moment)
    return {
        name: Repeated([Piece(one[name], _moved(name, one, mine)) for one, mine in runs])
        for name in runs[0][0]
    }


def _moved(name: str, one: Datasets, moments: Sequence[Moment]) -> NDArray[np.int64]:
    """Return what distinguishes a dataset of each moment from that of its stream's first one."""
    if name in {"cycle", "start_cycle", "end_cycle"}:
        return np.array([moment.base for moment in moments], dtype=np.int64)
    first = np.array([moment.sequence - moment.stream for moment in moments], dtype=np.int64)
    factors = {"sequence": 1, "waited_for": one[name].shape[0]}
    moved: NDArray[np.int64] = first * factors.get(name, 0)
    return moved


def concatenated(parts: Sequence[Datasets]) -> Datasets:
    """Join datasets of the same names."""
    names = parts[0] if parts else ()
    return {name: np.concatenate([part[name] for part in parts]) for name in names}
