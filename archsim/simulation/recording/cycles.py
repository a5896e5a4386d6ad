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
from archsim.chip.mapped_matrix import MappedMatrix
from archsim.chip.program import Schedule
from archsim.kernels.record import (
    KEPT,
    MatrixRecord,
    recorded_counts,
    recorded_energy,
    rows_of_cycles,
)
from archsim.simulation.timing import conversion_rows
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
class Scheduled:
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
    first_event : int
        Number of its group's first event in the run.
    """

    sequence: int
    stream: int
    base: int
    schedule: Schedule
    first_event: int


def tile_times(
    matrix: MappedMatrix,
    bank: int,
    tile: int,
    placed: Scheduled,
    *,
    cycles_taken: NDArray[np.int64] | None,
) -> tuple[Datasets, NDArray[np.bool_]]:
    """Return a tile's cycles and phases for one sequence, and which cycles took place."""
    place = matrix.banks[bank].tiles[tile]
    rows = conversion_rows(
        placed.schedule, matrix, bank, stream=placed.stream, cycles_taken=cycles_taken
    )
    took_place = rows.took_place[:, : place.cycles]
    cycle = placed.base + rows.cycle[:, : place.cycles]
    return {
        "cycle": cycle[took_place],
        "sequence": np.full(int(took_place.sum()), placed.sequence),
        "phase": np.broadcast_to(place.phases, took_place.shape)[took_place],
    }, took_place


def kept_cycles(
    matrix: MappedMatrix, bank: int, tile: int, record: MatrixRecord, reusable: Datasets
) -> Datasets:
    """Return counts and energy of every cycle that a tile's recorded sequences can have.

    Parameters
    ----------
    matrix : MappedMatrix
        The tile's matrix.
    bank, tile : int
        Number of its bank, and its own number in the bank.
    record : MatrixRecord
        What the matrix did.
    reusable : dict
        What an earlier call returned that is not needed any more: lends its memory. Or nothing.

    Returns
    -------
    dict
        Counts (recorded sequences * conversions * cycles,), views of the record, and ``energy``
        (recorded sequences * conversions * cycles, components), J. With waveforms also ``v_mac``
        (recorded sequences * conversions * cycles, columns), V.
    """
    number = bank * len(matrix.banks[bank].tiles) + tile
    counts = recorded_counts(matrix.arrays, record, number)
    out: Datasets = {name: counts[KEPT.index(activity)].reshape(-1) for name, activity, _ in COUNTS}
    out["energy"] = rows_of_cycles(
        recorded_energy(matrix.arrays, record, number), reusable.get("energy")
    )
    if record.waveform.shape[0] > 0 and matrix.banks[bank].tiles[tile].design.periphery is not None:
        mine = matrix.banks[bank]
        first = sum(other.columns for other in matrix.banks[:bank])
        charge = record.waveform[..., first : first + mine.columns].reshape(-1, mine.columns)
        out["v_mac"] = mine.column_voltage(charge).astype(np.float32)
    return out


def kept_of_tiles(
    tiles: Iterable[tuple[MappedMatrix, int, int, Tile]],
    records: Mapping[str, MatrixRecord],
    reusable: Mapping[str, Datasets],
) -> dict[str, Datasets]:
    """Return `kept_cycles` of several tiles, by name, from the records of a block's matrices."""
    return {
        tile.name: kept_cycles(
            matrix, bank, number, records[matrix.name], reusable.get(tile.name, {})
        )
        for matrix, bank, number, tile in tiles
    }


def tile_datasets(
    matrix: MappedMatrix,
    bank: int,
    tile: int,
    *,
    kept: Datasets,
    record: MatrixRecord,
    scheduled: Mapping[int, Scheduled],
) -> Datasets:
    """Return what a block adds to a tile's group where time depends on data.

    Parameters
    ----------
    matrix : MappedMatrix
        The tile's matrix.
    bank, tile : int
        Number of its bank, and its own number in the bank.
    kept : dict
        Of `kept_cycles`.
    record : MatrixRecord
        What the matrix did.
    scheduled : mapping of int to Scheduled
        The recorded sequences, by their place in the block.
    """
    parts = []
    for place, placed in scheduled.items():
        cycles_taken = record.cycles_taken[place, :, bank]
        out, took_place = tile_times(matrix, bank, tile, placed, cycles_taken=cycles_taken)
        cycles, conversions = took_place.shape[1], record.cycles_taken.shape[1]
        first = int(record.recorded[place]) * conversions * cycles
        mine = slice(first, first + took_place.size)
        out |= {name: values[mine][took_place.ravel()] for name, values in kept.items()}
        if "v_mac" in kept:
            out["v_ramp"] = ramps_in(matrix.banks[bank], took_place)
        parts.append(out)
    return concatenated(parts)


def ramps_in(bank: Bank, took_place: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the ramps' voltages in the cycles that took place (cycles, ramps), V."""
    voltage = bank.ramp_voltage()
    return np.broadcast_to(voltage, (took_place.shape[0], *voltage.shape))[took_place]


def repeated(
    make: Callable[[Scheduled], Datasets], scheduled: Sequence[Scheduled]
) -> dict[str, Repeated]:
    """Return the datasets of several sequences, each made once a schedule and stream.

    Parameters
    ----------
    make : callable
        Returns the datasets of a placed.
    scheduled : sequence of Scheduled
        At least one; their datasets come one after the other.
    """
    made: dict[tuple[int, int], Datasets] = {}
    runs: list[tuple[Datasets, list[Scheduled]]] = []
    for placed in scheduled:
        key = id(placed.schedule), placed.stream
        if key not in made:
            made[key] = make(replace(placed, base=0, sequence=placed.stream, first_event=0))
        if not runs or runs[-1][0] is not made[key]:
            runs.append((made[key], []))
        runs[-1][1].append(placed)
    return {
        name: Repeated([Piece(one[name], _moved(name, mine)) for one, mine in runs])
        for name in runs[0][0]
    }


def _moved(name: str, scheduled: Sequence[Scheduled]) -> NDArray[np.int64]:
    """Return what distinguishes a dataset of each placed from that of its stream's first one."""
    if name in {"cycle", "start_cycle", "end_cycle"}:
        moved = [placed.base for placed in scheduled]
    elif name == "sequence":
        moved = [placed.sequence - placed.stream for placed in scheduled]
    elif name in {"event", "waited_for"}:
        moved = [placed.first_event for placed in scheduled]
    else:
        moved = [0] * len(scheduled)
    return np.array(moved, dtype=np.int64)


def concatenated(parts: Sequence[Datasets]) -> Datasets:
    """Join datasets of the same names."""
    names = parts[0] if parts else ()
    return {name: np.concatenate([part[name] for part in parts]) for name in names}
