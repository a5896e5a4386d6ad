"""Writing a run down, block by block."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.chip.build import Chip
from archsim.chip.layers.base import Recorder
from archsim.config.run import CHIP, TraceLevel
from archsim.simulation.recording.cycles import Datasets, Scheduled, concatenated, tile_datasets
from archsim.simulation.recording.groups import (
    chip_datasets,
    event_datasets,
    first_of_groups,
    tiles_of,
    unit_datasets,
)
from archsim.simulation.recording.layout import answers
from archsim.simulation.recording.plan import RecordingPlan
from archsim.simulation.timing import Timing
from archsim.trace.summary import Summary
from archsim.trace.writer import TraceWriter

_TIMES_OF_EVENTS = ("start_cycle", "end_cycle", "waited_for")

Outputs = dict[str, dict[str, NDArray[Any]]]
"""What layers computed, by layer and dataset."""


class RecordedRun:
    """A run's trace while it is written."""

    def __init__(
        self, chip: Chip, plan: RecordingPlan, timing: Timing, writer: TraceWriter
    ) -> None:
        self._chip = chip
        self._plan = plan
        self._timing = timing
        self._writer = writer
        self._cursor: dict[str, int] = {}

    def write(
        self,
        first: int,
        outputs: Outputs,
        recorder: Recorder,
        *,
        kept: Mapping[str, Datasets],
        scheduled: list[Scheduled],
        label: NDArray[np.int64],
    ) -> None:
        """Write a block: what layers computed, and what tiles did for the recorded sequences.

        Parameters
        ----------
        first : int
            Number of the block's first sequence.
        outputs : dict
            What layers computed.
        recorder : Recorder
            What matrices did.
        kept : mapping of str to dict
            `kept_of_tiles` of the tiles whose cycles are recorded, empty where none are.
        scheduled : list of Scheduled
            The block's sequences, in time.
        label : int64 (sequences,)
            Their labels.
        """
        self._write_outputs(first, outputs, label)
        if not self._timing.fixed and self._plan.level in {TraceLevel.EVENT, TraceLevel.CYCLE}:
            parts = [event_datasets(placed) for placed in scheduled]
            times = concatenated(parts)
            self._append("events", {name: times[name] for name in _TIMES_OF_EVENTS})
        recorded = {
            place: placed for place, placed in enumerate(scheduled) if recorder.recorded[place] >= 0
        }
        if recorded:
            self._write_cycles(recorder, kept, recorded)
        self._writer.advance(first + len(scheduled))

    def _write_outputs(self, first: int, outputs: Outputs, label: NDArray[np.int64]) -> None:
        last = self._chip.layers[-1].name
        full = self._plan.level in {TraceLevel.EVENT, TraceLevel.CYCLE}
        for layer, arrays in outputs.items():
            for name, values in arrays.items():
                if full or (layer == last and values is answers(arrays)):
                    self._writer.write(f"outputs/{layer}/{name}", first, values)
        self._writer.write(f"outputs/{last}/label", first, label)

    def _write_cycles(
        self, recorder: Recorder, kept: Mapping[str, Datasets], recorded: dict[int, Scheduled]
    ) -> None:
        names = self._plan.names
        for matrix, bank, number, tile in tiles_of(self._chip):
            if tile.name in kept:
                data = kept[tile.name]
                if not self._timing.fixed:
                    record = recorder.records[matrix.name]
                    data = tile_datasets(
                        matrix, bank, number, kept=data, record=record, scheduled=recorded
                    )
                self._append(f"tiles/{tile.name}", data)
        if self._timing.fixed:
            return
        scheduled = list(recorded.values())
        for unit in self._chip.units:
            if unit.name in names:
                parts = [unit_datasets(unit, placed) for placed in scheduled]
                self._append(f"units/{unit.name}", concatenated(parts))
        if CHIP in names:
            parts = [chip_datasets(self._chip, placed) for placed in first_of_groups(scheduled)]
            self._append(f"units/{CHIP}", concatenated(parts))

    def _append(self, group: str, data: dict[str, NDArray[Any]]) -> None:
        """Write datasets behind what a group has already.

        Cycles, phases and sequences are in the layout already where no time depends on data.
        """
        place = self._cursor.get(group, 0)
        for name, values in data.items():
            if not (self._timing.fixed and name in {"cycle", "sequence", "phase", "v_ramp"}):
                self._writer.write(f"{group}/{name}", place, values)
        self._cursor[group] = place + next(iter(data.values())).shape[0]

    def finish(self, summary: Summary, energy: NDArray[np.float64]) -> None:
        """Cut what was laid out for ramps that stopped, fill in /summary, mark it complete."""
        if not self._timing.fixed:
            for group, length in self._cursor.items():
                if group != "events":
                    self._writer.cut(group, length)
        for name, values in (
            ("energy_by_component", list(summary.energy_by_component.values())),
            ("area_by_component", list(summary.area_by_component.values())),
            ("leakage_by_component", list(summary.leakage_by_component.values())),
            ("utilisation", list(summary.utilisation.values())),
            ("energy_by_sequence", energy),
            ("clipped", [item.count for item in summary.clipped]),
            ("clipped_of", [item.of for item in summary.clipped]),
            ("clipped_lost", [item.lost for item in summary.clipped]),
            ("clipped_largest", [_or_nan(item.largest) for item in summary.clipped]),
        ):
            self._writer.write(f"summary/{name}", 0, np.array(values))
        numbers = {
            **summary.numbers(),
            "name": summary.name,
            "synthetic": summary.synthetic,
            "ideal_converter": summary.ideal_converter,
        }
        self._writer.finish({"summary": numbers})


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
