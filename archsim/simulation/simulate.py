"""Run a built chip on a workload, block by block, and hand what happened to the trace."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim import __version__
from archsim.blas import few_blas_threads
from archsim.chip.build import Chip, total
from archsim.chip.flow import flow
from archsim.chip.layers.base import Recorder, Signal
from archsim.clipping import Clipping
from archsim.config.load import Config
from archsim.config.run import RunConfig, TraceLevel
from archsim.costs.operation import ActionCounts
from archsim.kernels.record import MatrixRecord, totals
from archsim.simulation.inputs import Inputs
from archsim.simulation.prepare import in_file, prepare
from archsim.simulation.profile import Part, Profile
from archsim.simulation.recording.actions import ActionTally
from archsim.simulation.recording.choices import tell_of
from archsim.simulation.recording.cycles import Datasets, Scheduled, kept_of_tiles
from archsim.simulation.recording.groups import tiles_of, unit_components, unit_energy
from archsim.simulation.recording.layout import answers, layout, summary_group
from archsim.simulation.recording.plan import RecordingPlan, plan_recording
from archsim.simulation.recording.recorded import Outputs, RecordedRun
from archsim.simulation.timing import Timing, cycles_that_took_place
from archsim.trace.layout import Group
from archsim.trace.summary import Summary
from archsim.trace.writer import TraceWriter
from archsim.workloads.base import has_labels
from archsim.workloads.features import FeatureSet

BLOCK = 32
"""Sequences that run in one call of the kernels, and between two reports of progress."""

WAVEFORM_BLOCK = 16
"""The same where waveforms of every column and cycle have to be held."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RunResult:
    """What a run found.

    Attributes
    ----------
    summary : Summary
        The numbers of the report.
    label : int64 (sequences,)
        Class that the chip found for each sequence.
    energy : float64 (sequences, components)
        Energy of each sequence, J.
    components : tuple of str
        Names of the components.
    actions : ActionCounts
        What all sequences together did.
    seconds : dict of str to float
        Wall time of the run by part (`archsim.simulation.profile.Part`), s.
    """

    summary: Summary
    label: NDArray[np.int64]
    energy: NDArray[np.float64]
    components: tuple[str, ...]
    actions: ActionCounts
    seconds: dict[str, float]


@few_blas_threads()
def run(
    loaded: Config,
    out: Path | None = None,
    *,
    progress: Progress | None = None,
    threads: int = 1,
    inputs: Inputs | None = None,
) -> RunResult:
    """Simulate a run and write its trace.

    Parameters
    ----------
    loaded : Config
        The configuration.
    out : Path, optional
        Trace to write; ``traces/<name>.h5`` by default. Nothing is written at level ``off``.
    progress : callable, optional
        Called with the number of sequences done and the number in all.
    threads : int, optional
        Blocks of sequences that run at the same time; results are the same bits with any number.
    inputs : Inputs, optional
        What other runs of the same network or data share with this one; files are then read once.

    Returns
    -------
    RunResult
        What the run found.
    """
    profile = Profile()
    config, inputs = loaded.config, inputs or Inputs()
    with profile.part(Part.BUILD):
        chip, data = prepare(loaded, inputs)
        with in_file(loaded):
            plan = plan_recording(config, chip, len(data))
    path = None
    if plan.level is not TraceLevel.OFF:
        path = out or Path("traces") / f"{config.name}.h5"
    with TraceWriter(path, loaded.inputs) if path else nullcontext() as writer:
        with profile.part(Part.BUILD):
            simulation = _Simulation(chip, data, inputs, plan, writer=writer, profile=profile)
        if writer:
            with profile.part(Part.TRACE):
                known = {**_attributes(loaded), **simulation.told.attributes()}
                writer.define(known, simulation.layout())
        for done in simulation.blocks(threads):
            if progress:
                progress(done, len(data))
        summary = simulation.summary(loaded, path)
        if writer:
            with profile.part(Part.TRACE):
                simulation.finish(summary)
    return RunResult(
        summary,
        simulation.label,
        simulation.energy,
        simulation.components,
        simulation.actions(),
        profile.seconds(),
    )


def _attributes(loaded: Config) -> dict[str, Any]:
    return {
        "archsim_version": __version__,
        "config": loaded.yaml,
        "config_hash": loaded.hash,
        "seed": np.int64(loaded.config.seed),
        "clock_hz": loaded.config.technology.clock,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@dataclass(frozen=True)
class _Block:
    """What a thread found for a block of sequences: all that is left is to write it down."""

    outputs: Outputs
    recorder: Recorder
    kept: dict[str, Datasets]
    clipped: tuple[Clipping, ...]


@dataclass(frozen=True)
class _Reusable:
    """Memory of a block that is written down, for the next one."""

    records: dict[str, MatrixRecord]
    kept: dict[str, Datasets]


class _Simulation:
    """State of one run between blocks."""

    def __init__(
        self,
        chip: Chip,
        data: FeatureSet,
        inputs: Inputs,
        plan: RecordingPlan,
        *,
        writer: TraceWriter | None,
        profile: Profile,
    ) -> None:
        self.chip = chip
        self._profile = profile
        self._data = data
        self._plan = plan
        self._timing = Timing(chip, len(data))
        self._inputs = inputs
        self._signal = inputs.signal(chip, data)
        self._clipped = {item.name: item for item in (chip.clipped_inputs(data.features),)}
        self._fixed = _unit_energy(chip)
        self.told = tell_of(chip, data, inputs)
        self.components = tuple(
            dict.fromkeys(
                [
                    *self._fixed,
                    *chip.overhead.components,
                    *(name for tile in chip.tiles for name in tile.energy.components),
                ]
            )
        )
        self.label = np.full(len(data), -1, dtype=np.int64)
        self.energy = np.zeros((len(data), len(self.components)))
        self._written = RecordedRun(chip, plan, self._timing, writer) if writer else None
        self._actions = ActionTally(chip)
        self._reusable: deque[_Reusable] = deque()
        self._clock = 0
        self._groups = 0
        self._busy = np.zeros(len(chip.schedule.resources), dtype=np.int64)

    def layout(self) -> list[Group]:
        """Describe the trace's groups."""
        nothing = self._run_block(0, 0)
        self._clipped.update({item.name: item for item in nothing.clipped})
        groups = layout(
            self.chip,
            self._plan,
            self._timing,
            sequences=len(self._data),
            outputs=nothing.outputs,
            target=self._data.labels,
        )
        places = tuple(self._clipped.values())
        return [*groups, summary_group(self.chip, self.components, len(self._data), places)]

    def blocks(self, threads: int) -> Iterator[int]:
        """Run block after block; yield the number of sequences done.

        Threads compute blocks ahead, at most two each, while this one writes them down in order.
        """
        count = len(self._data)
        longest = min(BLOCK, WAVEFORM_BLOCK) if self._plan.waveforms else BLOCK
        length = -(-longest // self._timing.streams) * self._timing.streams
        spans = [(first, min(length, count - first)) for first in range(0, count, length)]
        with ThreadPoolExecutor(threads) as pool:
            ahead = [pool.submit(self._run_block, *span) for span in spans[: 2 * threads]]
            for index, (first, size) in enumerate(spans):
                with self._profile.part(Part.KERNELS):
                    block = ahead.pop(0).result()
                if index + 2 * threads < len(spans):
                    ahead.append(pool.submit(self._run_block, *spans[index + 2 * threads]))
                self._take(first, size, block)
                yield first + size

    def _take(self, first: int, size: int, block: _Block) -> None:
        """Note a block's answers and energy, and write it down."""
        outputs, recorder = block.outputs, block.recorder
        answer = answers(outputs[self.chip.layers[-1].name])
        label = answer[:, -1].argmax(axis=1)
        self.label[first : first + size] = label
        scheduled = self._advance(first, size, recorder)
        self._add_energies(scheduled, recorder)
        for item in block.clipped:
            before = self._clipped.get(item.name)
            self._clipped[item.name] = item if before is None else before + item
        if self._written:
            with self._profile.part(Part.TRACE):
                self._written.write(
                    first, outputs, recorder, kept=block.kept, scheduled=scheduled, label=label
                )
        self._reusable.append(_Reusable(recorder.records, block.kept))

    def _advance(self, first: int, size: int, recorder: Recorder) -> list[Scheduled]:
        """Put a block's groups on the clock, one after the other."""
        scheduled = []
        for start in range(0, size, self._timing.streams):
            schedule = self._timing.of_group(recorder.records, first + start, start)
            count = min(self._timing.streams, size - start)
            scheduled += [
                Scheduled(first + start + stream, stream, self._clock, schedule)
                for stream in range(count)
            ]
            self._clock += schedule.cycles
            self._groups += 1
            self._busy += schedule.busy()
        return scheduled

    def _run_block(self, first: int, size: int) -> _Block:
        signal = type(self._signal)(
            self._signal.drive[first : first + size], self._signal.fixed[first : first + size]
        )
        recordings = self._plan.recordings(first, size)
        reusable = self._reusable_or_nothing()
        recorder = Recorder(recordings, first, self._plan.waveforms, reusable.records)
        outputs: Outputs = {}
        clipped: list[Clipping] = []

        def run(number: int, taken: Signal) -> Signal:
            layer = self.chip.layers[number]
            result = layer.run(taken, recorder)
            outputs[layer.name] = result.outputs
            clipped.extend(result.clipped)
            return result.signal

        flow(self.chip.config.network, signal, run, Signal.side_by_side)
        kept = {}
        if self._written and recordings.max(initial=-1) >= 0:
            recorded = [item for item in tiles_of(self.chip) if item[3].name in self._plan.names]
            kept = kept_of_tiles(recorded, recorder.records, reusable.kept)
        return _Block(outputs, recorder, kept, tuple(clipped))

    def _reusable_or_nothing(self) -> _Reusable:
        """Take memory that no block needs any more; several threads do."""
        try:
            return self._reusable.pop()
        except IndexError:
            return _Reusable({}, {})

    def _add_energies(self, scheduled: list[Scheduled], recorder: Recorder) -> None:
        """Add up the energy of a block's sequences; those of a group share what the chip spends."""
        first = scheduled[0].sequence
        block = self.energy[first : first + len(scheduled)]
        for name, joules in self._fixed.items():
            block[:, self.components.index(name)] += joules
        together = Counter(placed.base for placed in scheduled)
        share = np.array([placed.schedule.cycles / together[placed.base] for placed in scheduled])
        overhead = self.chip.overhead
        for name, joules in zip(overhead.components, overhead.fixed[0], strict=True):
            block[:, self.components.index(name)] += joules * share
        for matrix, bank, number, tile in tiles_of(self.chip):
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

    def actions(self) -> ActionCounts:
        """Return what the whole run did."""
        return self._actions.result(sequences=len(self._data), cycles=self._clock)

    def summary(self, loaded: Config, path: Path | None) -> Summary:
        """Sum up the run."""
        chip, data = self.chip, self._data
        mean = self.energy.mean(axis=0)
        share = (self._busy / self._clock).tolist()
        return Summary(
            name=loaded.config.name,
            config_hash=loaded.hash,
            clock_hz=loaded.config.technology.clock,
            total_cycles=self._clock,
            groups=self._groups,
            streams=self._timing.streams,
            sequences=len(data),
            timesteps=loaded.config.network.timesteps,
            operations=chip.operations,
            energy_by_component=dict(zip(self.components, mean.tolist(), strict=True)),
            area_by_component=chip.area_by_component(),
            leakage_by_component=chip.leakage_by_component(),
            utilisation=dict(zip(chip.schedule.resources, share, strict=True)),
            accuracy=_accuracy(self.label, data, loaded.config),
            accuracy_float=_accuracy(self._inputs.float_labels(chip, data), data, loaded.config),
            programming_pulses=sum(tile.programming_pulses for tile in chip.tiles),
            programming_energy_j=sum(tile.programming_energy for tile in chip.tiles),
            synthetic=data.synthetic,
            trace=str(path) if path else None,
            clipped=tuple(self._clipped.values()),
            ideal_converter=not loaded.config.adc.of_kind.buildable,
            network_hash=self.told.network_hash,
            workload_hash=self.told.workload_hash,
            choices=self.told.choices,
            components=self.told.components,
        )

    def finish(self, summary: Summary) -> None:
        """Fill in /summary and mark the trace complete."""
        assert self._written is not None
        self._written.finish(summary, self.energy)


def _accuracy(label: NDArray[np.int64], data: FeatureSet, config: RunConfig) -> float | None:
    """Return the share of right classes, None where there are no labels."""
    return float((label == data.labels).mean()) if has_labels(config) else None


def _unit_energy(chip: Chip) -> dict[str, float]:
    """Return the energy that digital units spend on one sequence, by component."""
    parts = []
    units = {unit.name: unit for unit in chip.units}
    for operation in chip.schedule.operations:
        if operation.stream == 0 and operation.resource in units:
            unit = units[operation.resource]
            joules = unit_energy(unit, operation.kind).sum(axis=0)
            parts.append(dict(zip(unit_components(unit), joules.tolist(), strict=True)))
    return total(parts)
