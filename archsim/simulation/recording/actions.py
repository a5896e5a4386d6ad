"""What a run did, action by action: counts of library parts' actions, and energies of its own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archsim.chip.bank import Tile
from archsim.chip.build import Chip, chip_library
from archsim.config.run import RunConfig
from archsim.costs.accelergy import write_tables
from archsim.costs.operation import ActionCounts
from archsim.simulation.timing import Timing


class ActionTally:
    """Adds up what a chip's tiles, units and overhead did in a run.

    Parameters
    ----------
    chip : Chip
        The chip.
    """

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self._total: dict[str, NDArray[np.float64]] = {}  # sums over runs can exceed 64 bits
        self._took_place: dict[str, NDArray[np.int64]] = {}

    def add(self, tile: Tile, total: NDArray[np.float64], took_place: NDArray[np.int64]) -> None:
        """Add a block of a tile's sequences.

        Parameters
        ----------
        tile : Tile
            The tile.
        total : float64 (sequences, activities)
            Activities of each sequence.
        took_place : int64 (sequences, cycles)
            How often each cycle of a conversion took place.
        """
        name = tile.name
        self._total[name] = self._total.get(name, np.float64(0)) + total.sum(axis=0)
        self._took_place[name] = self._took_place.get(name, np.int64(0)) + took_place.sum(axis=0)

    def result(self, timing: Timing, length: NDArray[np.int64], *, cycles: int) -> ActionCounts:
        """Return what all of a run's sequences did in all of its cycles.

        Parameters
        ----------
        timing : Timing
            Schedules of sequences by their timesteps.
        length : int64 (sequences,)
            Timesteps of each sequence.
        cycles : int
            Cycles of the run.
        """
        chip = self._chip
        out = chip.overhead.counts(None, np.array([cycles]))
        for tile in chip.tiles:
            out += tile.energy.counts(self._total[tile.name], self._took_place[tile.name])
        units = {unit.name: unit for unit in chip.units}
        done: Counter[tuple[str, str]] = Counter()
        for timesteps, sequences in zip(*np.unique(length, return_counts=True), strict=True):
            for operation in timing.alone(int(timesteps)).operations:
                if operation.resource in units:
                    done[operation.resource, operation.kind] += int(sequences)
        for (name, kind), times in done.items():
            energy = units[name].cost.energy[kind]
            took_place = np.full(energy.fixed.shape[0], times)
            out += energy.counts(None, took_place)
        return out


def write_actions(folder: Path, config: RunConfig, actions: ActionCounts) -> list[Path]:
    """Write what a run did as Accelergy's tables; see `archsim.costs.accelergy`.

    Raises
    ------
    OutputError
        If they cannot be written, or would overwrite something else.
    """
    library = chip_library(config.technology)
    return write_tables(folder, library, actions.library, own=actions.own, chip=config.name)
