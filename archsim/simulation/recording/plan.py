"""What a run records: checked against the chip and the workload before anything runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.chip.build import Chip
from archsim.config.run import CHIP, RunConfig, TraceLevel
from archsim.errors import DesignError
from archsim.listing import listed


@dataclass(frozen=True)
class RecordingPlan:
    """What a run records.

    Attributes
    ----------
    level : TraceLevel
        How much.
    sequences : tuple of int
        Sequences whose cycles are recorded, ascending; empty below level ``cycle``.
    names : frozenset of str
        Tiles and units whose cycles are recorded.
    waveforms : bool
        Whether ramps and column voltages are recorded.
    """

    level: TraceLevel
    sequences: tuple[int, ...]
    names: frozenset[str]
    waveforms: bool

    def recordings(self, first: int, count: int) -> NDArray[np.int64]:
        """Return, for a block of sequences, each one's place in its record, -1 for none."""
        recorded = np.full(count, -1, dtype=np.int64)
        mine = [n - first for n in self.sequences if first <= n < first + count]
        recorded[mine] = np.arange(len(mine))
        return recorded


def plan_recording(config: RunConfig, chip: Chip, sequences: int) -> RecordingPlan:
    """Check the trace section against the chip and the workload.

    Raises
    ------
    DesignError
        If it names a sequence, tile or unit that there is not.
    """
    trace = config.trace
    if trace.level is not TraceLevel.CYCLE:
        return RecordingPlan(trace.level, (), frozenset(), waveforms=False)
    known = [*(tile.name for tile in chip.tiles), *(unit.name for unit in chip.units), CHIP]
    wanted = known if trace.tiles == "all" else list(trace.tiles)
    for name in wanted:
        if name not in known:
            msg = f"trace.tiles: the chip has no tile or unit '{name}'; it has {listed(known)}"
            raise DesignError(msg)
    chosen = range(sequences) if trace.sequences == "all" else sorted(set(trace.sequences))
    for sequence in chosen:
        if sequence >= sequences:
            msg = (
                f"trace.sequences: there is no sequence {sequence}; the run has {sequences}, "
                "counted from 0"
            )
            raise DesignError(msg)
    return RecordingPlan(trace.level, tuple(chosen), frozenset(wanted), trace.waveforms)
