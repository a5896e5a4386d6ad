"""Where kernels put what the tiles of a layer did: totals of every conversion, and kept cycles.

What is kept lies tile by tile: the counts of a tile one after the other, each
``(recorded sequences, conversions, cycles)``, and its energy ``(recorded sequences, conversions,
components, cycles)``. Of a conversion only the components that depend on data are written, cycle
after cycle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.energy import CONVERTING, INTEGRATING, EnergyArrays, add_energy
from archsim.numeric.jit import inlined, kernel
from archsim.vocabulary import N_ACTIVITY, Activity

if TYPE_CHECKING:
    from archsim.kernels.matrix import Matrix

KEPT = (Activity.ACTIVE_ROWS, Activity.UNDECIDED, Activity.LATCHED)
"""Counts that are kept of every cycle; the others are in the energy."""

_KEPT = len(KEPT)
_ACTIVE_ROWS, _UNDECIDED, _LATCHED = (int(activity) for activity in KEPT)


class MatrixRecord(NamedTuple):
    """What a matrix's banks did during a block of sequences.

    Attributes
    ----------
    total : int64 (sequences * conversions * tiles * N_ACTIVITY,)
        Activity summed over the cycles of each conversion; see `totals`.
    cycles_taken : int64 (sequences, conversions, banks)
        Ramp cycles of each conversion, fewer than all where it stops early.
    first, begins : int
        Numbers of the block's first sequence in the run, and of its first conversion in sequences
        of which earlier conversions were in other blocks.
    recorded : int64 (sequences,)
        Place of a sequence among those whose cycles are kept, -1 for the others.
    recordings : int
        How many are kept.
    ends : int64 (sequences,)
        Conversions of each sequence; one that is shorter than others of its block has fewer.
    counts : int32 (counts of all tiles,)
        Counts of every kept cycle; see `recorded_counts`.
    energy : float64 (energies of all tiles,)
        Energy of every kept cycle, J; see `recorded_energy`.
    waveform : int64 (recorded sequences, conversions, cycles, bank columns), or (0, ...) without
        Charge of every column at the end of every cycle, in quanta.
    """

    total: NDArray[np.int64]
    cycles_taken: NDArray[np.int64]
    first: int
    begins: int
    recorded: NDArray[np.int64]
    recordings: int
    ends: NDArray[np.int64]
    counts: NDArray[np.int32]
    energy: NDArray[np.float64]
    waveform: NDArray[np.int64]


def make_record(
    matrix: Matrix,
    recorded: NDArray[np.int64],
    *,
    first: int,
    conversions: int,
    waveforms: bool,
    reusable: MatrixRecord | None = None,
    ends: NDArray[np.int64] | None = None,
    begins: int = 0,
) -> MatrixRecord:
    """Make the record of a block of sequences, one entry of `recorded` a sequence.

    Its memory is that of a reusable one of the same matrix and size, if there is one: new memory
    costs more time than what is written to it. Sequences have all of the conversions unless `ends`
    (sequences,) says how many.
    """
    recordings = int(recorded.max(initial=-1)) + 1
    kept, sequences = recordings * conversions, recorded.size
    wave_shape = (recordings if waveforms else 0, conversions, matrix.cycles, matrix.column.size)
    whole = np.full(sequences, conversions, dtype=np.int64) if ends is None else ends
    if (
        reusable is not None
        and ends is None
        and _fits(matrix, reusable, sequences, kept, wave_shape)
    ):
        return reusable._replace(
            first=first, begins=begins, recorded=recorded, recordings=recordings, ends=whole
        )
    return MatrixRecord(
        total=np.zeros(sequences * conversions * matrix.tiles * N_ACTIVITY, dtype=np.int64),
        cycles_taken=np.zeros(
            (sequences, conversions, matrix.arrays.bank.shape[0]), dtype=np.int64
        ),
        first=first,
        begins=begins,
        recorded=recorded,
        recordings=recordings,
        ends=whole,
        counts=np.zeros(_KEPT * kept * matrix.energy.cycles, dtype=np.int32),
        energy=_whatever_the_data(matrix.energy, kept),
        waveform=np.zeros(wave_shape, dtype=np.int64),
    )


def _fits(
    matrix: Matrix, reusable: MatrixRecord, sequences: int, kept: int, wave_shape: tuple[int, ...]
) -> bool:
    """Return whether a record has the sizes of one of so many sequences and kept conversions."""
    conversions = wave_shape[1]
    return (
        reusable.cycles_taken.shape == (sequences, conversions, matrix.arrays.bank.shape[0])
        and reusable.total.size == sequences * conversions * matrix.tiles * N_ACTIVITY
        and reusable.counts.size == _KEPT * kept * matrix.energy.cycles
        and reusable.energy.size == kept * matrix.energy.cells
        and reusable.waveform.shape == wave_shape
    )


def totals(matrix: Matrix, record: MatrixRecord) -> NDArray[np.int64]:
    """Return activity summed over cycles (sequences, conversions, tiles, N_ACTIVITY), a view."""
    return record.total.reshape(*record.cycles_taken.shape[:2], matrix.tiles, N_ACTIVITY)


def _whatever_the_data(energy: EnergyArrays, kept: int) -> NDArray[np.float64]:
    """Return the energy of kept conversions of tiles that nothing drives.

    Kernels write only what depends on data, so that the rest is right for every block that the
    memory serves.
    """
    out = np.empty(kept * energy.cells)
    for tile in energy.tile:
        first, cells = int(tile["cell"]), int(tile["cells"])
        of_tile = out[kept * first : kept * (first + cells)].reshape(kept, cells)
        of_tile[:] = energy.fixed[first : first + cells]
    return out


def recorded_counts(matrix: Matrix, record: MatrixRecord, tile: int) -> NDArray[np.int32]:
    """Return a tile's counts (KEPT, recorded, conversions, cycles) of kept cycles, a view."""
    conversions = record.cycles_taken.shape[1]
    kept, mine = _KEPT * record.recordings * conversions, matrix.energy.tile[tile]
    first, cycles = kept * int(mine["cycle"]), int(mine["cycles"])
    flat = record.counts[first : first + kept * cycles]
    return flat.reshape(_KEPT, record.recordings, conversions, cycles)


def recorded_energy(matrix: Matrix, record: MatrixRecord, tile: int) -> NDArray[np.float64]:
    """Return a tile's energy (recorded, conversions, components, cycles) of kept cycles, J."""
    conversions = record.cycles_taken.shape[1]
    kept, mine = record.recordings * conversions, matrix.energy.tile[tile]
    first = kept * int(mine["cell"])
    flat = record.energy[first : first + kept * int(mine["cells"])]
    cycles, components = int(mine["cycles"]), int(mine["components"])
    return flat.reshape(record.recordings, conversions, components, cycles)


def rows_of_cycles(
    energy: NDArray[np.float64], reusable: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return what `recorded_energy` gives as rows (recorded * conversions * cycles, components).

    They lie in a reusable array of the same shape, if there is one.
    """
    recordings, conversions, components, cycles = energy.shape
    shape = recordings * conversions * cycles, components
    out = reusable if reusable is not None and reusable.shape == shape else np.empty(shape)
    _turn_round(energy.reshape(recordings * conversions, components, cycles), out)
    return out


@kernel
def _turn_round(energy: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Write energy (conversions, components, cycles) as rows, a cycle each."""
    conversions, components, cycles = energy.shape
    for conversion in range(conversions):
        mine, rows = energy[conversion], out[conversion * cycles : (conversion + 1) * cycles]
        for cycle in range(cycles):
            for component in range(components):
                rows[cycle, component] = mine[component, cycle]


@inlined
def keep_cycles(
    spent: EnergyArrays,
    record: MatrixRecord,
    tile: int,
    place: int,
    group: int,
    span: tuple[int, int],
    counts: NDArray[np.int64],
    scratch: NDArray[np.float64],
) -> None:
    """Keep some cycles of a tile's conversion: their counts, and the energy that they add.

    Parameters
    ----------
    spent : EnergyArrays
        What the layer's tiles spend.
    record : MatrixRecord
        Out.
    tile : int
        The tile.
    place : int
        Place of the conversion among those that are kept.
    group : int
        Which activities were counted: a group of `archsim.kernels.energy`.
    span : tuple of int
        The first cycle in its conversion, and how many.
    counts : int64
        Counts, a row an activity.
    scratch : float64 (cycles or more,)
        Scratch.
    """
    first, cycles = span
    mine, kept = spent.tile[tile], record.recordings * record.cycles_taken.shape[1]
    length = mine["cycles"]
    at = _KEPT * kept * mine["cycle"] + place * length + first
    if group != CONVERTING:
        _keep_counts(counts, _ACTIVE_ROWS, cycles, record.counts, at)
    if group != INTEGRATING:
        _keep_counts(counts, _UNDECIDED, cycles, record.counts, at + kept * length)
        _keep_counts(counts, _LATCHED, cycles, record.counts, at + 2 * kept * length)
    to = kept * mine["cell"] + place * mine["cells"] + first
    base = mine["cell"] + first
    for term in range(spent.term_pointer[tile, group], spent.term_pointer[tile, group + 1]):
        component = spent.term[term, 0] * length
        entries = spent.term[term, 1], spent.term[term, 2]
        add_energy(
            counts, cycles, spent, entries, scratch, base + component, record.energy, to + component
        )


@inlined
def _keep_counts(
    count: NDArray[np.int64], which: int, cycles: int, out: NDArray[np.int32], at: int
) -> None:
    counted, kept = count[which], out[at : at + cycles]
    for cycle in range(cycles):
        kept[cycle] = counted[cycle]
