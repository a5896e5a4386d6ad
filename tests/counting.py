"""Records compared, and energies that count: what tiles spend is the number of what happened.

Kernels keep three counts of every cycle and put the others into its energy. With an energy of 1 for
each count of each activity, one component an activity, all five can be read from the energy again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.bank import BankArrays
from archsim.kernels.energy import TileEnergy
from archsim.kernels.matrix import Matrix
from archsim.kernels.record import KEPT, MatrixRecord, recorded_counts, recorded_energy
from archsim.vocabulary import N_ACTIVITY

GARBAGE = -7


def counting_energies(banks: Sequence[BankArrays]) -> list[TileEnergy]:
    """Return energies for all tiles of a layer, every one of which is at work in all cycles."""
    return [
        TileEnergy(np.zeros((bank.cycles, N_ACTIVITY)), np.eye(N_ACTIVITY))
        for bank in banks
        for _ in range(bank.row_pointer.size - 1)
    ]


def spoil_record(record: MatrixRecord) -> None:
    """Fill what kernels have to write in any case with what they would never write."""
    for array in (record.total, record.cycles_taken, record.waveform):
        array[:] = GARBAGE


def is_untouched(record: MatrixRecord) -> bool:
    """Say whether nothing was written to a record with counting energies since `spoil_record`."""
    spoilt = (record.total, record.cycles_taken, record.waveform)
    kept = (record.counts, record.energy)
    return all(bool((array == GARBAGE).all()) for array in spoilt) and not any(
        array.any() for array in kept
    )


def activity_of(matrix: Matrix, record: MatrixRecord) -> NDArray[np.int64]:
    """Return what a layer with counting energies did in every kept cycle.

    The kept counts have to say the same.

    Returns
    -------
    int64 (recorded sequences, conversions, cycles, tiles, N_ACTIVITY)
        Counts.
    """
    tiles = [_activity_of_tile(matrix, record, tile) for tile in range(matrix.tiles)]
    return np.stack(tiles, axis=3)


def _activity_of_tile(matrix: Matrix, record: MatrixRecord, tile: int) -> NDArray[Any]:
    energy = recorded_energy(matrix, record, tile).swapaxes(2, 3)
    counts = recorded_counts(matrix, record, tile)
    shape = record.recordings, record.cycles_taken.shape[1], matrix.cycles
    assert energy.shape == (*shape, N_ACTIVITY)
    assert counts.shape == (len(KEPT), *shape)
    activity = energy.astype(np.int64)
    assert (activity == energy).all(), "energies are whole numbers"
    for count, kind in zip(counts, KEPT, strict=True):
        np.testing.assert_array_equal(count, activity[..., kind])
    return activity


def bits_of(array: Any) -> NDArray[Any]:
    """Return an array that equals another one only if it has the same bits."""
    array = np.asarray(array)
    return array.view(np.int64) if array.dtype == np.float64 else array


def assert_same_record(record: MatrixRecord, expected: MatrixRecord) -> None:
    for name in MatrixRecord._fields:
        mine, its = getattr(record, name), getattr(expected, name)
        np.testing.assert_array_equal(bits_of(mine), bits_of(its), err_msg=name)
