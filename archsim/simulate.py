"""Run a built chip on a workload, block by block, and hand what happened to the trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim import __version__
from archsim.chip.build import Chip, build_chip, total
from archsim.chip.layers.base import Recorder
from archsim.config.load import LoadedConfig, load_config
from archsim.config.run import RunConfig, TraceLevel
from archsim.errors import ConfigError, DesignError
from archsim.recording import (
    RecordingPlan,
    answers,
    layout,
    plan_recording,
    tile_datasets,
    unit_components,
    unit_energy,
)
from archsim.trace.layout import Group, Scale, Variable, strings
from archsim.trace.summary import Summary
from archsim.trace.writer import TraceWriter
from archsim.workloads.base import has_labels, load_workload
from archsim.workloads.features import FeatureSet

BLOCK = 16
"""Sequences that run between two reports of progress."""

Progress = Callable[[int, int], None]
Outputs = dict[str, dict[str, NDArray[Any]]]
"""What layers computed, by layer and dataset."""


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
    """

    summary: Summary
    label: NDArray[np.int64]
    energy: NDArray[np.float64]
    components: tuple[str, ...]


def prepare(loaded: LoadedConfig) -> tuple[Chip, FeatureSet]:
    """Build a run's chip and load its workload.

    Raises
    ------
    ConfigError, WorkloadError
        If they do not fit each other, or a file cannot be used; names the configuration file.
    """
    with in_file(loaded):
        data = load_workload(loaded.config)
        return build_chip(loaded.config), data


def run(
    loaded: LoadedConfig,
    out: Path | None = None,
    *,
    progress: Progress | None = None,
    threads: int = 1,
) -> RunResult:
    """Simulate a run and write its trace.

    Parameters
    ----------
    loaded : LoadedConfig
        The configuration.
    out : Path, optional
        Trace to write; ``traces/<name>.h5`` by default. Nothing is written at level ``off``.
    progress : callable, optional
        Called with the number of sequences done and the number in all.
    threads : int, optional
        Blocks of sequences that run at the same time; results are the same bits with any number.

    Returns
    -------
    RunResult
        What the run found.
    """
    chip, data = prepare(loaded)
    config = loaded.config
    with in_file(loaded):
        plan = plan_recording(config, chip, len(data))
    path = None
    if plan.level is not TraceLevel.OFF:
        path = out or Path("traces") / f"{config.name}.h5"
    with TraceWriter(path) if path else nullcontext() as writer:
        simulation = _Simulation(chip, data, plan, writer)
        if writer:
            writer.define(_attributes(loaded), simulation.layout())
        for done in simulation.blocks(threads):
            if progress:
                progress(done, len(data))
        summary = simulation.summary(loaded, path)
        if writer:
            simulation.finish(summary)
    return RunResult(summary, simulation.label, simulation.energy, simulation.components)


def traced(path: Path, folder: Path) -> Path:
    """Return a trace as it is; of a configuration, run it and return the trace in `folder`."""
    if path.suffix not in {".yaml", ".yml"}:
        return path
    out = folder / f"{len(list(folder.iterdir()))}.h5"
    run(load_config(path), out)
    return out


@contextmanager
def in_file(loaded: LoadedConfig) -> Iterator[None]:
    """Put the configuration's name before what is wrong with its chip."""
    try:
        yield
    except DesignError as error:
        raise ConfigError(f"{loaded.path}: {error}") from error


def _attributes(loaded: LoadedConfig) -> dict[str, Any]:
    return {
        "archsim_version": __version__,
        "config": loaded.yaml,
        "config_hash": loaded.hash,
        "seed": np.int64(loaded.config.seed),
        "clock_hz": loaded.config.technology.clock,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


class _Simulation:
    """State of one run between blocks."""

    def __init__(
        self, chip: Chip, data: FeatureSet, plan: RecordingPlan, writer: TraceWriter | None
    ) -> None:
        self.chip = chip
        self._data = data
        self._plan = plan
        self._writer = writer
        self._signal = chip.encode(data.features)
        self._fixed = _fixed_energy(chip)
        self.components = tuple(
            dict.fromkeys(
                [*self._fixed, *(name for tile in chip.tiles for name in tile.energy.components)]
            )
        )
        self.label = np.full(len(data), -1, dtype=np.int64)
        self.energy = np.zeros((len(data), len(self.components)))
        self._cursor = {tile.name: 0 for tile in chip.tiles}

    def layout(self) -> list[Group]:
        """Describe the trace's groups."""
        groups = layout(
            self.chip,
            self._plan,
            sequences=len(self._data),
            outputs=self._run_block(0, 0)[0],
            target=self._data.labels,
        )
        return [*groups, _summary_group(self.chip, self.components, len(self._data))]

    def blocks(self, threads: int) -> Iterator[int]:
        """Run block after block; yield the number of sequences done.

        Threads compute blocks ahead, at most two each, while this one writes them down in order.
        """
        count = len(self._data)
        spans = [(first, min(BLOCK, count - first)) for first in range(0, count, BLOCK)]
        with ThreadPoolExecutor(threads) as pool:
            ahead = [pool.submit(self._run_block, *span) for span in spans[: 2 * threads]]
            for index, (first, size) in enumerate(spans):
                outputs, recorder = ahead.pop(0).result()
                if index + 2 * threads < len(spans):
                    ahead.append(pool.submit(self._run_block, *spans[index + 2 * threads]))
                self._take(first, size, outputs, recorder)
                yield first + size

    def _take(self, first: int, size: int, outputs: Outputs, recorder: Recorder) -> None:
        """Note a block's answers and energy, and write it down."""
        answer = answers(outputs[self.chip.layers[-1].name])
        self.label[first : first + size] = answer[:, -1].argmax(axis=1)
        self._charge(first, size, recorder)
        if self._writer:
            self._write(self._writer, first, size, outputs, recorder)
            self._writer.advance(first + size)

    def _run_block(self, first: int, size: int) -> tuple[Outputs, Recorder]:
        signal = type(self._signal)(
            self._signal.drive[first : first + size], self._signal.fixed[first : first + size]
        )
        recorder = Recorder(self._plan.slots(first, size), first, self._plan.waveforms)
        outputs = {}
        for layer in self.chip.layers:
            result = layer.run(signal, recorder)
            outputs[layer.name] = result.outputs
            signal = result.signal
        return outputs, recorder

    def _charge(self, first: int, size: int, recorder: Recorder) -> None:
        """Add up the energy of a block's sequences."""
        block = self.energy[first : first + size]
        for name, joules in self._fixed.items():
            block[:, self.components.index(name)] += joules
        for tile in self.chip.tiles:
            record = recorder.records[tile.name]
            energy = tile.energy.of_totals(record.total.sum(axis=1), record.total.shape[1])
            columns = [self.components.index(name) for name in tile.energy.components]
            block[:, columns] += energy

    def _write(
        self,
        writer: TraceWriter,
        first: int,
        size: int,
        outputs: Outputs,
        recorder: Recorder,
    ) -> None:
        last = self.chip.layers[-1].name
        full = self._plan.level in {TraceLevel.EVENT, TraceLevel.CYCLE}
        for layer, arrays in outputs.items():
            for name, values in arrays.items():
                if full or (layer == last and values is answers(arrays)):
                    writer.write(f"outputs/{layer}/{name}", first, values)
        writer.write(f"outputs/{last}/label", first, self.label[first : first + size])
        for tile in self.chip.tiles:
            record = recorder.records[tile.name]
            if tile.name in self._plan.names and record.activity.shape[0] > 0:
                datasets = tile_datasets(tile, record)
                for name, values in datasets.items():
                    writer.write(f"tiles/{tile.name}/{name}", self._cursor[tile.name], values)
                self._cursor[tile.name] += datasets["energy"].shape[0]

    def summary(self, loaded: LoadedConfig, path: Path | None) -> Summary:
        """Sum up the run."""
        chip, data = self.chip, self._data
        mean = self.energy.mean(axis=0)
        return Summary(
            name=loaded.config.name,
            config_hash=loaded.hash,
            clock_hz=loaded.config.technology.clock,
            cycles=chip.schedule.cycles,
            sequences=len(data),
            operations=chip.operations,
            energy_by_component=dict(zip(self.components, mean.tolist(), strict=True)),
            area_by_component=chip.area_by_component(),
            leakage_by_component=chip.leakage_by_component(),
            utilisation=_utilisation(chip),
            accuracy=_accuracy(self.label, data, loaded.config),
            accuracy_float=_accuracy(float_labels(chip, data), data, loaded.config),
            programming_pulses=sum(tile.programming_pulses for tile in chip.tiles),
            programming_energy_j=sum(tile.programming_energy for tile in chip.tiles),
            synthetic=data.synthetic,
            trace=str(path) if path else None,
        )

    def finish(self, summary: Summary) -> None:
        """Fill in /summary and mark the trace complete."""
        assert self._writer is not None
        for name, values in (
            ("energy_by_component", list(summary.energy_by_component.values())),
            ("area_by_component", list(summary.area_by_component.values())),
            ("leakage_by_component", list(summary.leakage_by_component.values())),
            ("utilisation", list(summary.utilisation.values())),
            ("energy_by_sequence", self.energy),
        ):
            self._writer.write(f"summary/{name}", 0, np.array(values))
        numbers = {**summary.numbers(), "name": summary.name, "synthetic": summary.synthetic}
        self._writer.finish({"summary": numbers})


def _accuracy(label: NDArray[np.int64], data: FeatureSet, config: RunConfig) -> float | None:
    """Return the share of right classes, None where there are no labels."""
    return float((label == data.labels).mean()) if has_labels(config) else None


def float_labels(chip: Chip, data: FeatureSet) -> NDArray[np.int64]:
    """Return the classes that the float64 network finds (sequences,)."""
    x = data.features.astype(np.float64)
    for layer in chip.layers:
        x = layer.run_float(x)
    return np.asarray(x[:, -1].argmax(axis=1))


def _fixed_energy(chip: Chip) -> dict[str, float]:
    """Return the energy of one sequence that no data decides, by component: units, every cycle."""
    parts = []
    units = {unit.name: unit for unit in chip.units}
    for operation in chip.schedule.operations:
        if operation.resource in units:
            unit = units[operation.resource]
            joules = unit_energy(unit, operation.kind).sum(axis=0)
            parts.append(dict(zip(unit_components(unit), joules.tolist(), strict=True)))
    each = chip.overhead.fixed[0] * chip.schedule.cycles
    parts.append(dict(zip(chip.overhead.components, each.tolist(), strict=True)))
    return total(parts)


def _utilisation(chip: Chip) -> dict[str, float]:
    """Return the share of a sequence's cycles in which each tile and unit is busy."""
    schedule = chip.schedule
    busy = schedule.end - schedule.start
    names = [*(tile.name for tile in chip.tiles), *(unit.name for unit in chip.units)]
    return {name: float(busy[schedule.on(name)].sum() / schedule.cycles) for name in names}


def _summary_group(chip: Chip, components: tuple[str, ...], sequences: int) -> Group:
    """Describe /summary; its numbers are NaN until the run has ended."""
    area, leakage = list(chip.area_by_component()), list(chip.leakage_by_component())
    nan = np.float64("nan")
    numbers: dict[str, Any] = {
        **dict.fromkeys(("latency_s", "energy_j", "power_w", "area_m2", "tops"), nan),
        **dict.fromkeys(("tops_per_w", "tops_per_mm2", "accuracy", "accuracy_float"), nan),
        **dict.fromkeys(("cycles", "total_cycles", "operations", "sequences"), np.int64(-1)),
        "programming_pulses": np.int64(-1),
        "programming_energy_j": nan,
        "name": chip.config.name,
        "synthetic": np.bool_(False),
    }
    energy, size, power = "component", "area_component", "leakage_component"
    return Group(
        "summary",
        (
            Scale(energy, strings(components), "component that spends energy"),
            Scale(size, strings(area), "component that takes area"),
            Scale(power, strings(leakage), "component that leaks"),
            Scale("resource", strings(_utilisation(chip)), "tile or unit"),
            Scale("sequence", np.arange(sequences), "sequence of the workload"),
        ),
        (
            Variable("energy_by_component", (energy,), "f8", "J", "mean energy of one inference"),
            Variable("area_by_component", (size,), "f8", "m2", "area"),
            Variable("leakage_by_component", (power,), "f8", "W", "leakage"),
            Variable("utilisation", ("resource",), "f8", "1", "share of busy cycles"),
            Variable(
                "energy_by_sequence", ("sequence", energy), "f8", "J", "energy of each inference"
            ),
        ),
        numbers,
    )
