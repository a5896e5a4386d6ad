"""Where kernels put what they saw: totals of every conversion, cycles of the recorded sequences."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.jit import kernel
from archsim.kernels.tile import N_ACTIVITY, TileArrays, conversion_cycles, convert_cycles


class TileRecord(NamedTuple):
    """What a tile did during a block of sequences.

    Attributes
    ----------
    total : int64 (sequences, conversions, N_ACTIVITY)
        Activity summed over the cycles of each conversion; kernels add to it, so it starts at 0.
    first : int
        Number of the block's first sequence in the run.
    slot : int64 (sequences,)
        Place of a sequence in `activity` and `waveform`, -1 where its cycles are not kept.
    activity : int64 (slots, conversions, cycles, N_ACTIVITY)
        Activity of every cycle of the recorded sequences.
    waveform : int64 (slots, conversions, cycles, columns), or no slots
        Charge of every column at the end of every cycle, in quanta.
    """

    total: NDArray[np.int64]
    first: int
    slot: NDArray[np.int64]
    activity: NDArray[np.int64]
    waveform: NDArray[np.int64]


def make_record(
    tile: TileArrays,
    slot: NDArray[np.int64],
    *,
    first: int,
    conversions: int,
    waveforms: bool,
) -> TileRecord:
    """Allocate the record of a block of sequences, one entry of `slot` a sequence."""
    slots = int(slot.max(initial=-1)) + 1
    return TileRecord(
        total=np.zeros((slot.size, conversions, N_ACTIVITY), dtype=np.int64),
        first=first,
        slot=slot,
        activity=np.zeros((slots, conversions, tile.cycles, N_ACTIVITY), dtype=np.int64),
        waveform=np.zeros(
            (slots if waveforms else 0, conversions, tile.cycles, tile.difference.shape[1]),
            dtype=np.int64,
        ),
    )


@kernel
def convert_recorded(
    tile: TileArrays,
    drive: NDArray[np.int64],
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    record: TileRecord,
    sequence: int,
    conversion: int,
) -> None:
    """Run one conversion as `convert_cycles` does and keep what `record` asks for."""
    slot = record.slot[sequence]
    if slot >= 0:
        activity = record.activity[slot, conversion]
    else:
        activity = np.empty((conversion_cycles(tile), N_ACTIVITY), dtype=np.int64)
    if slot >= 0 and record.waveform.shape[0] > 0:
        waveform = record.waveform[slot, conversion]
    else:
        waveform = np.empty((0, charge.shape[0]), dtype=np.int64)
    convert_cycles(
        tile, drive, record.first + sequence, conversion, charge, code, activity, waveform
    )
    for cycle in range(activity.shape[0]):
        for count in range(N_ACTIVITY):
            record.total[sequence, conversion, count] += activity[cycle, count]
