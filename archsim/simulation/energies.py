"""What the sequences of a run spend, component by component."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from archsim.chip.build import Chip
from archsim.chip.layers.signal import Recorder
from archsim.chip.program import Schedule
from archsim.chip.totals import total
from archsim.costs.operation import ActionCounts
from archsim.kernels.record import totals
from archsim.simulation.recording.actions import ActionTally
from archsim.simulation.recording.cycles import Scheduled
from archsim.simulation.recording.groups import tiles_of, unit_components, unit_energy
from archsim.simulation.timing import Timing, cycles_that_took_place


class Energies:
    """Adds up the energy of a run's sequences.

    Parameters
    ----------
    chip : Chip
        The chip.
    timing : Timing
        When sequences run.
    length : int64 (sequences,)
        Timesteps of each sequence.

    Attributes
    ----------
    components : tuple of str
        Names of the components.
    energy : float64 (sequences, components)
        Energy of each sequence, J.
    """

    def __init__(self, chip: Chip, timing: Timing, length: NDArray[np.int64]) -> None:
        self._chip, self._timing, self._length = chip, timing, length
        self._fixed = {
            timesteps: _unit_energy(chip, timing.alone(timesteps))
            for timesteps in map(int, np.unique(length))
        }
        self.components = tuple(
            dict.fromkeys(
                [
                    *(name for fixed in self._fixed.values() for name in fixed),
                    *chip.overhead.components,
                    *(name for tile in chip.tiles for name in tile.energy.components),
                ]
            )
        )
        self.energy = np.zeros((length.size, len(self.components)))
        self._actions = ActionTally(chip)

    def add(self, scheduled: list[Scheduled], recorder: Recorder) -> None:
        """Add what a block's sequences spend; those of a group share what the chip spends."""
        first = scheduled[0].sequence
        block = self.energy[first : first + len(scheduled)]
        length = self._length[first : first + len(scheduled)]
        for timesteps, fixed in self._fixed.items():
            for name, joules in fixed.items():
                block[length == timesteps, self.components.index(name)] += joules
        together = Counter(placed.base for placed in scheduled)
        share = np.array([placed.schedule.cycles / together[placed.base] for placed in scheduled])
        overhead = self._chip.overhead
        for name, joules in zip(overhead.components, overhead.fixed[0], strict=True):
            block[:, self.components.index(name)] += joules * share
        for matrix, bank, number, tile in tiles_of(self._chip):
            record = recorder.records[matrix.name]
            index = bank * len(matrix.banks[bank].tiles) + number
            took_place = cycles_that_took_place(matrix, record, bank)[:, : tile.cycles]
            # Sums over long sequences can exceed 64 bits; below 2**53 these are as exact.
            activity = totals(matrix.arrays, record)[:, :, index]
            total_activity = activity.sum(axis=1, dtype=np.float64)
            self._actions.add(tile, total_activity, took_place)
            energy = tile.energy.of_totals(total_activity, took_place)
            columns = [self.components.index(name) for name in tile.energy.components]
            block[:, columns] += energy

    def actions(self, cycles: int) -> ActionCounts:
        """Return what the whole run did in so many cycles."""
        return self._actions.result(self._timing, self._length, cycles=cycles)


def _unit_energy(chip: Chip, schedule: Schedule) -> dict[str, float]:
    """Return the energy that digital units spend on one sequence, by component."""
    parts = []
    units = {unit.name: unit for unit in chip.units}
    for operation in schedule.operations:
        if operation.resource in units:
            unit = units[operation.resource]
            joules = unit_energy(unit, operation.kind).sum(axis=0)
            parts.append(dict(zip(unit_components(unit), joules.tolist(), strict=True)))
    return total(parts)
