"""Run a built chip on a workload, block by block, and hand what happened to the trace."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.blas import few_blas_threads
from archsim.chip.build import Chip
from archsim.chip.flow import flow
from archsim.chip.layers.clipped import clipped_weights
from archsim.chip.layers.signal import Recorder, Signal
from archsim.clipping import Clipping
from archsim.config.load import Config
from archsim.config.run import TraceLevel
from archsim.config.tasks import Answered, TaskSection
from archsim.costs.operation import ActionCounts
from archsim.kernels.record import MatrixRecord
from archsim.metrics import Metric
from archsim.simulation.energies import Energies
from archsim.simulation.inputs import Inputs
from archsim.simulation.observer import (
    Block,
    Observer,
    Outputs,
    Plan,
    Progress,
    ShowProgress,
    trace_path,
)
from archsim.simulation.prepare import in_file, prepare
from archsim.simulation.profile import Part, Profile
from archsim.simulation.recording.choices import tell_of
from archsim.simulation.recording.cycles import Datasets, Scheduled, kept_of_tiles
from archsim.simulation.recording.groups import tiles_of
from archsim.simulation.recording.layout import last_outputs
from archsim.simulation.recording.plan import RecordingPlan, plan_recording
from archsim.simulation.recording.recorded import WriteTrace
from archsim.simulation.timing import Timing
from archsim.trace.summary import Summary
from archsim.trace.writer import TraceWriter
from archsim.workloads.sequences import Sequences

BLOCK = 32
"""Sequences that run in one call of the kernels, and between two reports of progress."""

WAVEFORM_BLOCK = 16
"""The same where waveforms of every column and cycle have to be held."""


@dataclass(frozen=True)
class RunResult:
    """What a run found.

    Attributes
    ----------
    summary : Summary
        The numbers of the report.
    answer : array (sequences, ...)
        What the chip answers for each sequence: of a classification the class, int64.
    energy : float64 (sequences, components)
        Energy of each sequence, J.
    components : tuple of str
        Names of the components.
    cycles : int64 (sequences,)
        Clock cycles of the group that each sequence ran in: its latency.
    actions : ActionCounts
        What all sequences together did.
    seconds : dict of str to float
        Wall time of the run by part (`archsim.simulation.profile.Part`), s.
    """

    summary: Summary
    answer: NDArray[Any]
    energy: NDArray[np.float64]
    components: tuple[str, ...]
    cycles: NDArray[np.int64]
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
    data: Sequences | None = None,
    observers: Iterable[Observer] = (),
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
    data : Sequences, optional
        What goes into the network in place of the workload, where `inputs` does not say.
    observers : iterable of Observer, optional
        What else watches the run.

    Returns
    -------
    RunResult
        What the run found.
    """
    profile, inputs = Profile(), inputs or Inputs(data)
    with profile.part(Part.BUILD):
        chip, sequences = prepare(loaded, inputs)
        with in_file(loaded):
            plan = plan_recording(loaded.config, chip, len(sequences))
    path = None if plan.level is TraceLevel.OFF else trace_path(loaded, out)
    with TraceWriter(path, loaded.inputs) if path else nullcontext() as writer:
        watching = [*([WriteTrace(writer)] if writer else []), *observers]
        if progress:
            watching.append(ShowProgress(progress))
        with profile.part(Part.BUILD):
            simulation = _Simulation(loaded, chip, sequences, inputs, plan=plan, profile=profile)
            begins = simulation.plan()
        with profile.part(Part.TRACE):
            for each in watching:
                each.begin(begins)
        for block in simulation.blocks(threads):
            with profile.part(Part.TRACE):
                for each in watching:
                    each.block(block)
        summary = simulation.summary(path)
        with profile.part(Part.TRACE):
            for each in watching:
                each.end(summary)
    return RunResult(
        summary,
        simulation.answer,
        simulation.spent.energy,
        simulation.spent.components,
        simulation.cycles,
        simulation.actions(),
        profile.seconds(),
    )


@dataclass(frozen=True)
class _Computed:
    """What a thread found for a block of sequences, before it is put on the clock."""

    outputs: Outputs
    recorder: Recorder
    cycles: dict[str, Datasets]
    clipped: tuple[Clipping, ...]


@dataclass(frozen=True)
class _Reusable:
    """Memory of a block that is written down, for the next one."""

    records: dict[str, MatrixRecord]
    cycles: dict[str, Datasets]


class _Simulation:
    """State of one run between blocks."""

    def __init__(
        self,
        loaded: Config,
        chip: Chip,
        data: Sequences,
        inputs: Inputs,
        *,
        plan: RecordingPlan,
        profile: Profile,
    ) -> None:
        self.chip = chip
        self._loaded = loaded
        self._task = loaded.config.task
        self._profile = profile
        self._data = data
        self._plan = plan
        self._timing = Timing(chip, data.length)
        self._inputs = inputs
        self._signal = inputs.signal(chip, data)
        once = (
            chip.clipped_inputs(data.given),
            *clipped_weights(chip.matrices, chip.config.tile.weight_percentile),
        )
        self._clipped = {item.name: item for item in once}
        self._told = tell_of(chip, data, inputs)
        self.spent = Energies(chip, self._timing, data.length)
        self._reusable: deque[_Reusable] = deque()
        self.cycles = np.zeros(len(data), dtype=np.int64)
        self._clock = 0
        self._events = 0
        self._groups = 0
        self._busy = dict.fromkeys(chip.schedule.resources, 0)
        nothing = self._run_block(0, 0)
        self._clipped.update({item.name: item for item in nothing.clipped})
        self._outputs = nothing.outputs
        self.answer, self._marks = _room(self._task, self._last(nothing.outputs), data)

    def _last(self, outputs: Outputs) -> NDArray[Any]:
        """Return what answers are read from."""
        return last_outputs(outputs[self.chip.layers[-1].name])

    def plan(self) -> Plan:
        """Return what the run is about to do."""
        return Plan(
            config=self._loaded,
            chip=self.chip,
            data=self._data,
            recording=self._plan,
            timing=self._timing,
            told=self._told,
            components=self.spent.components,
            outputs=self._outputs,
            answer=self.answer,
            places=tuple(self._clipped.values()),
            scored=self._inputs.is_scored(self._loaded.config, self._data),
        )

    def blocks(self, threads: int) -> Iterator[Block]:
        """Run block after block; yield what is found.

        Threads compute blocks ahead, at most two each, while this one takes them in order.
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
                yield self._take(first, size, block)
                self._reusable.append(_Reusable(block.recorder.records, block.cycles))

    def _take(self, first: int, size: int, block: _Computed) -> Block:
        """Put a block on the clock, and note its answers and energy."""
        outputs, recorder = block.outputs, block.recorder
        here = slice(first, first + size)
        found = self._task.answered(self._last(outputs), self._data.part(here))
        self.answer[here], self._marks[here] = found.answer, found.marks
        scheduled = self._advance(first, size, recorder)
        self.spent.add(scheduled, recorder)
        for item in block.clipped:
            before = self._clipped.get(item.name)
            self._clipped[item.name] = item if before is None else before + item
        return Block(
            first=first,
            of=len(self._data),
            outputs=outputs,
            answer=self.answer[here],
            energy=self.spent.energy[here],
            scheduled=scheduled,
            recorder=recorder,
            cycles=block.cycles,
        )

    def _advance(self, first: int, size: int, recorder: Recorder) -> list[Scheduled]:
        """Put a block's groups on the clock, one after the other."""
        scheduled = []
        for start in range(0, size, self._timing.streams):
            schedule = self._timing.of_group(recorder.records, first + start, start)
            count = min(self._timing.streams, size - start)
            scheduled += [
                Scheduled(first + start + stream, stream, self._clock, schedule, self._events)
                for stream in range(count)
            ]
            self.cycles[first + start : first + start + count] = schedule.cycles
            self._clock += schedule.cycles
            self._events += len(schedule.operations)
            self._groups += 1
            for name, cycles in zip(schedule.resources, schedule.busy().tolist(), strict=True):
                self._busy[name] += cycles
        return scheduled

    def _run_block(self, first: int, size: int) -> _Computed:
        here = slice(first, first + size)
        signal = self._signal.part(here)
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
        cycles = {}
        if recordings.max(initial=-1) >= 0:
            recorded = [item for item in tiles_of(self.chip) if item[3].name in self._plan.names]
            cycles = kept_of_tiles(recorded, recorder.records, reusable.cycles)
        return _Computed(outputs, recorder, cycles, tuple(clipped))

    def _reusable_or_nothing(self) -> _Reusable:
        """Take memory that no block needs any more; several threads do."""
        try:
            return self._reusable.pop()
        except IndexError:
            return _Reusable({}, {})

    def actions(self) -> ActionCounts:
        """Return what the whole run did."""
        return self.spent.actions(self._clock)

    def summary(self, path: Path | None) -> Summary:
        """Sum up the run."""
        chip, data, loaded = self.chip, self._data, self._loaded
        mean = self.spent.energy.mean(axis=0)
        return Summary(
            name=loaded.config.name,
            config_hash=loaded.hash,
            clock_hz=loaded.config.technology.clock,
            total_cycles=self._clock,
            groups=self._groups,
            streams=self._timing.streams,
            sequences=len(data),
            timesteps=loaded.config.network.timesteps,
            operations=_whole(np.mean([chip.operations_of(n) for n in data.length.tolist()])),
            mean_timesteps=_whole(data.length.mean()),
            energy_by_component=dict(zip(self.spent.components, mean.tolist(), strict=True)),
            area_by_component=chip.area_by_component(),
            leakage_by_component=chip.leakage_by_component(),
            utilisation={name: cycles / self._clock for name, cycles in self._busy.items()},
            programming_pulses=sum(tile.programming_pulses for tile in chip.tiles),
            programming_energy_j=sum(tile.programming_energy for tile in chip.tiles),
            synthetic=data.synthetic,
            trace=str(path) if path else None,
            clipped=tuple(self._clipped.values()),
            ideal_converter=not loaded.config.adc.of_kind.buildable,
            network_hash=self._told.network_hash,
            workload_hash=self._told.workload_hash,
            choices=self._told.choices,
            components=self._told.components,
            metrics=self._metrics(),
        )

    def _metrics(self) -> dict[str, Metric]:
        """Return how good the answers are, where anything says so."""
        if not self._inputs.is_scored(self._loaded.config, self._data):
            return {}
        there = self._inputs.float_answers(self.chip, self._data)
        return self._task.compared(Answered(self.answer, self._marks), there)


def _room(task: TaskSection, outputs: NDArray[Any], data: Sequences) -> tuple[NDArray[Any], ...]:
    """Return room for the answers and marks of all sequences."""
    one = task.answered(np.zeros((1, *outputs.shape[1:]), dtype=outputs.dtype), data.part(slice(1)))
    return tuple(
        np.zeros((len(data), *each.shape[1:]), dtype=each.dtype) for each in (one.answer, one.marks)
    )


def _whole(mean: float | np.floating[Any]) -> float:
    """Return a mean, as a whole number where it is one."""
    return int(mean) if float(mean).is_integer() else float(mean)
