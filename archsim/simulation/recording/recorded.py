"""Writing a run down, block by block: the observer that makes the trace."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim import __version__
from archsim.config.load import Config
from archsim.config.run import CHIP, TraceLevel
from archsim.simulation.observer import Block, Outputs, Plan
from archsim.simulation.recording.cycles import Datasets, Scheduled, concatenated, tile_datasets
from archsim.simulation.recording.groups import (
    chip_datasets,
    event_datasets,
    first_of_groups,
    tiles_of,
    unit_datasets,
)
from archsim.simulation.recording.layout import Written, last_outputs, layout, summary_group
from archsim.trace.summary import Summary
from archsim.trace.writer import TraceWriter

_TIMES_OF_EVENTS = ("start_cycle", "end_cycle", "waited_for")


class WriteTrace:
    """Writes a run's trace: an `archsim.simulation.observer.Observer`.

    Parameters
    ----------
    writer : TraceWriter
        The trace, entered.
    """

    def __init__(self, writer: TraceWriter) -> None:
        self._writer = writer
        self._cursor: dict[str, int] = {}

    def begin(self, plan: Plan, /) -> None:
        """Lay the trace out."""
        self._chip, self._plan, self._timing = plan.chip, plan.recording, plan.timing
        task, sequences = plan.config.config.task, len(plan.data)
        self._answers = task.dataset
        self._length = plan.data.length
        groups = layout(
            plan.chip,
            plan.recording,
            plan.timing,
            sequences=sequences,
            outputs=plan.outputs,
            answers=Written(task.dataset, plan.answer, plan.data.target),
        )
        summary = summary_group(
            plan.chip,
            plan.components,
            plan.data.length,
            places=plan.places,
            metrics=task.metrics if plan.scored else (),
        )
        known = {**_attributes(plan.config), **plan.told.attributes()}
        self._writer.define(known, [*groups, summary])

    def block(self, block: Block, /) -> None:
        """Write a block: what layers computed, and what tiles did for the recorded sequences."""
        scheduled = block.scheduled
        length = self._length[block.first : block.done]
        self._write_outputs(block.first, _with_ends(block.outputs, length), block.answer)
        self._writer.write("summary/energy_by_sequence", block.first, block.energy)
        cycles = np.array([placed.schedule.cycles for placed in scheduled])
        self._writer.write("summary/cycles_by_sequence", block.first, cycles)
        if not self._timing.fixed and self._plan.level in {TraceLevel.EVENT, TraceLevel.CYCLE}:
            parts = [event_datasets(placed) for placed in scheduled]
            times = concatenated(parts)
            self._append("events", {name: times[name] for name in _TIMES_OF_EVENTS})
        of_recorder = block.recorder.recorded
        recorded = {
            place: placed for place, placed in enumerate(scheduled) if of_recorder[place] >= 0
        }
        if recorded:
            self._write_cycles(block, recorded)
        self._writer.advance(block.done)

    def _write_outputs(self, first: int, outputs: Outputs, answer: NDArray[Any]) -> None:
        last = self._chip.layers[-1].name
        full = self._plan.level in {TraceLevel.EVENT, TraceLevel.CYCLE}
        for layer, arrays in outputs.items():
            for name, values in arrays.items():
                if full or (layer == last and values is last_outputs(arrays)):
                    self._writer.write(f"outputs/{layer}/{name}", first, values)
        if self._answers is not None:
            self._writer.write(f"outputs/{last}/{self._answers.name}", first, answer)

    def _write_cycles(self, block: Block, recorded: dict[int, Scheduled]) -> None:
        names, kept, recorder = self._plan.names, block.cycles, block.recorder
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

    def _append(self, group: str, data: Datasets) -> None:
        """Write datasets behind what a group has already.

        Cycles, phases and sequences are in the layout already where no time depends on data.
        """
        place = self._cursor.get(group, 0)
        for name, values in data.items():
            if not (self._timing.fixed and name in {"cycle", "sequence", "phase", "v_ramp"}):
                self._writer.write(f"{group}/{name}", place, values)
        self._cursor[group] = place + next(iter(data.values())).shape[0]

    def end(self, summary: Summary, /) -> None:
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
            ("clipped", [item.count for item in summary.clipped]),
            ("clipped_of", [item.of for item in summary.clipped]),
            ("clipped_lost", [item.lost for item in summary.clipped]),
            ("clipped_largest", [_or_nan(item.largest) for item in summary.clipped]),
            *_measured(summary),
        ):
            self._writer.write(f"summary/{name}", 0, np.array(values))
        numbers = {
            **summary.numbers(),
            "name": summary.name,
            "synthetic": summary.synthetic,
            "ideal_converter": summary.ideal_converter,
        }
        self._writer.finish({"summary": numbers})


def _with_ends(outputs: Outputs, length: NDArray[np.int64]) -> Outputs:
    """Return outputs with NaN behind the ends of sequences, 0 for codes."""
    longest = max(array.shape[1] for arrays in outputs.values() for array in arrays.values())
    behind = np.arange(longest) >= length[:, None]
    if not behind.any():
        return outputs

    def ended(array: NDArray[Any]) -> NDArray[Any]:
        if array.shape[1] != longest:
            return array
        nothing = math.nan if array.dtype.kind == "f" else 0
        return np.where(behind[:, :, None], array.dtype.type(nothing), array)

    return {
        layer: {name: ended(array) for name, array in arrays.items()}
        for layer, arrays in outputs.items()
    }


def _measured(summary: Summary) -> list[tuple[str, list[float]]]:
    """Return what was measured of the answers, dataset by dataset."""
    found = summary.metrics.values()
    if not found:
        return []
    return [
        ("metric_value", [metric.value for metric in found]),
        ("metric_low", [metric.low for metric in found]),
        ("metric_high", [metric.high for metric in found]),
        ("metric_reference", [_or_nan(metric.reference) for metric in found]),
        ("metric_count", [metric.count for metric in found]),
        ("metric_share", [metric.share for metric in found]),
    ]


def _attributes(loaded: Config) -> dict[str, Any]:
    return {
        "archsim_version": __version__,
        "config": loaded.yaml,
        "config_hash": loaded.hash,
        "seed": np.int64(loaded.config.seed),
        "clock_hz": loaded.config.technology.clock,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
