"""Time of nonlinear against linear operations in a conventional design (article, Fig. 1c)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from archsim.config.quantity import ConfigPath
from archsim.experiments.base import (
    EXPERIMENTS,
    Column,
    Executor,
    ExperimentResult,
    ExperimentSection,
    Progress,
)
from archsim.experiments.jobs import Job
from archsim.simulation.inputs import Inputs
from archsim.simulation.simulate import RunResult
from archsim.trace.trace import Trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@EXPERIMENTS.register
class NonlinearShare(ExperimentSection):
    """Runs a conventional design for several sizes, numbers of processors and cycles."""

    kind: Literal["nonlinear_share"]
    config: ConfigPath = Field(description="configuration of the conventional design")
    units: tuple[int, ...] = Field(min_length=1, description="hidden units")
    processors: tuple[int, ...] = Field(min_length=1, description="parallel processors, k")
    cycles: tuple[int, ...] = Field(min_length=1, description="cycles an activation takes, N_cyc")
    published: str = Field("", description="what the article says, printed below the table")

    def run(self, progress: Progress, executor: Executor) -> ExperimentResult:
        """Read the times of both kinds of operations from the traces of short runs."""
        cases = [
            (units, count, cycles)
            for units in self.units
            for count in self.processors
            for cycles in self.cycles
        ]
        inputs = Inputs()
        jobs = [
            Job(inputs.load(self.config, _overrides(*case)), read_times, _label(*case))
            for case in cases
        ]
        rows = []
        for (units, count, cycles), (linear, nonlinear) in zip(
            cases, executor.results(jobs, progress), strict=True
        ):
            rows.append(
                {
                    "units": units,
                    "processors": count,
                    "cycles": cycles,
                    "linear_cycles": linear,
                    "nonlinear_cycles": nonlinear,
                    "ratio": nonlinear / linear,
                }
            )
        notes = ["cycles a timestep, from the trace; linear: integrate and ramp phases of the tile"]
        if self.published:
            notes.append(f"published: {self.published}")
        return ExperimentResult(
            title="nonlinear against linear operations of a conventional design",
            columns=(
                Column("units", "hidden units", "d"),
                Column("processors", "processors k", "d"),
                Column("cycles", "N_cyc", "d"),
                Column("linear_cycles", "linear (cycles)", ".0f"),
                Column("nonlinear_cycles", "nonlinear (cycles)", ".0f"),
                Column("ratio", "ratio", ".2f"),
            ),
            rows=rows,
            notes=tuple(notes),
            draw=lambda figure: _draw(figure, rows),
        )


def _label(units: int, count: int, cycles: int) -> str:
    return f"{units} units, {count} processors of {cycles} cycles"


def _overrides(units: int, count: int, cycles: int) -> list[str]:
    """Return what makes a design of a size, with so many processors of so many cycles."""
    return [
        f"network.inputs={units}",
        f"network.layers.0.units={units}",
        f"tile.rows={2 * units + 1}",
        f"tile.columns={4 * units}",
        f"digital.processors.count={count}",
        f"digital.processors.cycles={cycles}",
    ]


def read_times(result: RunResult, path: Path) -> tuple[float, float]:
    """Read the times of both kinds of operations from a run's trace."""
    del result
    return times(path)


def times(path: Path) -> tuple[float, float]:
    """Return the cycles a timestep of linear and of nonlinear operations in a trace.

    Linear are the integrate and ramp phases of the first tile, nonlinear the operations that
    activate gates on digital processors.
    """
    trace = Trace(path)
    activate = [
        end - start
        for events in trace.groups()
        for start, end, kind in zip(events.start, events.end, events.kind, strict=True)
        if kind == "activate"
    ]
    tile = next(tile for tile in trace.tiles() if tile.name == "lstm")
    linear = np.isin(tile.phase, tile.codes(("integrate", "ramp"))).sum()
    return float(linear) / len(activate), float(sum(activate)) / len(activate)


def _draw(figure: Figure, rows: list[dict[str, Any]]) -> None:
    """Draw the ratio over hidden units, a line each k and N_cyc."""
    figure.set_size_inches(6.4, 4.2)
    axis = figure.subplots()
    axis.axhspan(2, 5, color="#55a868", alpha=0.15, label="article: 2 to 5 (512 units, k = 32)")
    lines = dict.fromkeys((row["processors"], row["cycles"]) for row in rows)
    counts = list(dict.fromkeys(count for count, _ in lines))
    for count, cycles in lines:
        mine = [row for row in rows if (row["processors"], row["cycles"]) == (count, cycles)]
        axis.plot(
            [row["units"] for row in mine],
            [row["ratio"] for row in mine],
            marker="o",
            ls=("-", ":", "--", "-.")[counts.index(count) % 4],
            label=f"k = {count}, N_cyc = {cycles}",
        )
    axis.set_xscale("log", base=2)
    axis.set_yscale("log", base=2)
    axis.set_xlabel("hidden units")
    axis.set_ylabel("nonlinear / linear time")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=7)
