"""When the sequences of a run happen: the schedule of every group, one group after the other.

A group is one sequence a stream. Where nothing about time depends on data, one schedule is replayed
for every group whose sequences are as long; where ramps stop early, the event loop runs again for
each, with the lengths that the kernels found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.chip.build import Chip
from archsim.chip.mapped_matrix import MappedMatrix
from archsim.chip.program import Schedule
from archsim.kernels.record import MatrixRecord


@dataclass(frozen=True)
class _Ends:
    """The operations that end a matrix's conversions: their indices, banks and conversions."""

    operation: NDArray[np.int64]
    stream: NDArray[np.int64]
    bank: NDArray[np.int64]
    conversion: NDArray[np.int64]


class Timing:
    """Schedules of the groups of a run.

    Attributes
    ----------
    streams : int
        Sequences of a group; the last one may have fewer.
    sequences : int
        Sequences of the run.
    fixed : bool
        Whether no time depends on data: sequences are all as long as they can be, and ramps run to
        their ends.
    """

    def __init__(self, chip: Chip, length: NDArray[np.int64]) -> None:
        self.streams = chip.config.streams
        self.sequences = length.size
        whole = bool((length == chip.config.network.timesteps).all())
        self.fixed = whole and not chip.config.adc.early_stop
        self._length = length
        self._chip = chip
        self._matrices = {matrix.name: matrix for matrix in chip.matrices}
        self._planned: dict[tuple[int, ...], tuple[Schedule, dict[str, _Ends]]] = {}

    def planned(self, first: int = 0) -> Schedule:
        """Return the schedule of the group of sequence `first` if every ramp runs to its end."""
        return self._plan(first)[0]

    def alone(self, timesteps: int) -> Schedule:
        """Return the schedule of one sequence of so many timesteps that has the chip to itself."""
        return self._planned_of((timesteps,))[0]

    def _plan(self, first: int) -> tuple[Schedule, dict[str, _Ends]]:
        lengths = self._length[first : first + self.streams].tolist()
        return self._planned_of(tuple(lengths) or (self._chip.config.network.timesteps,))

    def _planned_of(self, lengths: tuple[int, ...]) -> tuple[Schedule, dict[str, _Ends]]:
        if lengths not in self._planned:
            whole = (self._chip.config.network.timesteps,) * self.streams
            same = lengths == whole
            schedule = self._chip.schedule if same else self._chip.schedule_of(lengths)
            ends = {name: _ends(schedule, matrix) for name, matrix in self._matrices.items()}
            self._planned[lengths] = schedule, ends
        return self._planned[lengths]

    def of_group(self, records: Mapping[str, MatrixRecord], first: int, place: int) -> Schedule:
        """Return the schedule of a group.

        Parameters
        ----------
        records : mapping of str to MatrixRecord
            What the matrices did in a block of sequences.
        first : int
            The group's first sequence, by its number in the run.
        place : int
            The same by its place in the records.
        """
        planned, all_ends = self._plan(first)
        if not self._chip.config.adc.early_stop:
            return planned
        duration = planned.end - planned.start
        for name, ends in all_ends.items():
            cycles_taken = records[name].cycles_taken[
                place + ends.stream, ends.conversion, ends.bank
            ]
            duration[ends.operation] -= (
                self._matrices[name].banks[0].arrays.convert_cycles - cycles_taken
            )
        return planned.with_durations(duration)


def _ends(schedule: Schedule, matrix: MappedMatrix) -> _Ends:
    start = matrix.banks[0].integrate_end if matrix.double_buffer else 0
    found = [
        (index, operation.stream, operation.part[1], operation.part[2])
        for index, operation in enumerate(schedule.operations)
        if operation.part is not None
        and operation.part[0] == matrix.name
        and operation.part[3] == start
    ]
    columns = np.array(found, dtype=np.int64).reshape(len(found), 4).T
    return _Ends(*columns)


@dataclass(frozen=True)
class Rows:
    """The cycles in which a bank works for one sequence.

    Attributes
    ----------
    cycle : int64 (conversions, cycles)
        Clock cycle, from the group's first, of every cycle of every conversion.
    took_place : bool (conversions, cycles)
        Whether it took place: cycles after an early stop of the ramp did not.
    """

    cycle: NDArray[np.int64]
    took_place: NDArray[np.bool_]


def conversion_rows(
    schedule: Schedule,
    matrix: MappedMatrix,
    bank: int,
    *,
    stream: int,
    cycles_taken: NDArray[np.int64] | None = None,
) -> Rows:
    """Return when a bank converts for the sequence of one stream.

    Parameters
    ----------
    schedule : Schedule
        The group's schedule.
    matrix : MappedMatrix
        The bank's matrix.
    bank : int
        Its number there.
    stream : int
        The stream.
    cycles_taken : int64 (conversions or more,), optional
        Ramp cycles of each conversion; all by default.
    """
    parts = sorted(
        (operation.part[2], operation.part[3], int(schedule.start[index]))
        for index, operation in enumerate(schedule.operations)
        if operation.part is not None
        and operation.part[:2] == (matrix.name, bank)
        and operation.stream == stream
    )
    arrays = matrix.banks[0].arrays
    conversions = parts[-1][0] + 1
    place = np.arange(arrays.cycles)
    cycle = np.empty((conversions, arrays.cycles), dtype=np.int64)
    for conversion, begin, start in parts:
        cycle[conversion, begin:] = start + place[begin:] - begin
    if cycles_taken is None:
        return Rows(cycle, np.ones(cycle.shape, dtype=np.bool_))
    ramp = arrays.reset_cycles + arrays.integrate_cycles
    taken = cycles_taken[:conversions, None]
    skipped = arrays.convert_cycles - taken
    after = place[None, :] >= ramp + arrays.convert_cycles
    took_place = after | (place[None, :] < ramp + taken)
    return Rows(cycle - after * skipped, took_place)


def cycles_that_took_place(
    matrix: MappedMatrix, record: MatrixRecord, bank: int
) -> NDArray[np.int64]:
    """Return how often each cycle of a conversion took place (sequences, cycles) in a bank."""
    arrays, cycles_taken = matrix.banks[0].arrays, record.cycles_taken[:, :, bank]
    place = np.arange(arrays.cycles) - arrays.reset_cycles - arrays.integrate_cycles
    in_ramp = (place >= 0) & (place < arrays.convert_cycles)
    count = np.repeat(record.ends[:, None], arrays.cycles, axis=1)
    if arrays.early_stop:
        for index in np.flatnonzero(in_ramp):
            count[:, index] = (cycles_taken > place[index]).sum(axis=1)
    return count
