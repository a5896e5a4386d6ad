"""Monte Carlo over chips: accuracy and yield of a run, with each imperfection alone or together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from archsim.config.base import Section
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

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Case(Section):
    """One kind of chip: a name, and what is set on top of the configuration."""

    name: str = Field(min_length=1, description="row of the table")
    set: tuple[str, ...] = Field((), description="overrides, as for --set")


@EXPERIMENTS.register
class MonteCarlo(ExperimentSection):
    """Runs a configuration for many seeds, each a chip of its own."""

    kind: Literal["monte_carlo"]
    config: ConfigPath = Field(description="configuration")
    overrides: tuple[str, ...] = Field((), description="overrides of every case, as for --set")
    cases: tuple[Case, ...] = Field(min_length=1, description="kinds of chips")
    seeds: int = Field(20, ge=1, le=100_000, description="chips a case")
    margin: float = Field(
        0.01, ge=0, le=1, description="loss of accuracy against float with which a chip passes"
    )
    published: str = Field("", description="what the article says, printed below the table")

    def run(self, progress: Progress, executor: Executor) -> ExperimentResult:
        """Find mean and spread of the accuracy, and the share of chips that keep it."""
        inputs = Inputs()
        jobs = []
        for case in self.cases:
            overrides = [*self.overrides, *case.set, "trace.level=off"]
            loaded = inputs.load(self.config, overrides)
            jobs += [
                Job(loaded.with_seed(seed), accuracies, f"{case.name}, seed {seed}")
                for seed in range(self.seeds)
            ]
        found = np.array(executor.results(jobs, progress))
        rows = [
            _row(case.name, mine[:, 0], float(mine[-1, 1]), self.margin)
            for case, mine in zip(self.cases, found.reshape(-1, self.seeds, 2), strict=True)
        ]
        float_accuracy = f"the float network reaches {rows[0]['accuracy_float']:.2%}"
        passes = f"a chip passes within {self.margin:.1%} of it"
        notes = [f"{self.config.name}, {self.seeds} seeds; {float_accuracy}; {passes}"]
        if self.published:
            notes.append(f"published: {self.published}")
        return ExperimentResult(
            title="accuracy of chips",
            columns=(
                Column("case", "chip"),
                Column("mean", "mean accuracy", ".2%"),
                Column("std", "standard deviation", ".2%"),
                Column("min", "worst", ".2%"),
                Column("max", "best", ".2%"),
                Column("yield", "yield", ".0%"),
            ),
            rows=rows,
            notes=tuple(notes),
            draw=lambda figure: _draw(figure, rows),
        )


def accuracies(result: RunResult, path: Path) -> tuple[float, float]:
    """Read a run's accuracy and that of the float network; 0 where there is none."""
    del path
    return result.summary.accuracy or 0.0, result.summary.accuracy_float or 0.0


def _row(
    name: str, accuracy: np.ndarray[Any, Any], reference: float, margin: float
) -> dict[str, Any]:
    return {
        "case": name,
        "mean": float(accuracy.mean()),
        "std": float(accuracy.std(ddof=1)) if accuracy.size > 1 else 0.0,
        "min": float(accuracy.min()),
        "max": float(accuracy.max()),
        "yield": float((accuracy >= reference - margin).mean()),
        "accuracy": accuracy.tolist(),
        "accuracy_float": reference,
    }


def _draw(figure: Figure, rows: list[dict[str, Any]]) -> None:
    """Draw every chip as a dot, a row a case."""
    figure.set_size_inches(7.0, 0.8 + 0.4 * len(rows))
    axis = figure.subplots()
    for place, row in enumerate(reversed(rows)):
        accuracy = np.array(row["accuracy"]) * 100
        spread = np.linspace(-0.18, 0.18, accuracy.size) if accuracy.size > 1 else np.zeros(1)
        axis.plot(accuracy, place + spread, "o", ms=3, alpha=0.6, color="#4c72b0")
        axis.plot([row["mean"] * 100], [place], "|", ms=16, mew=2, color="#c44e52")
    axis.axvline(rows[0]["accuracy_float"] * 100, ls="--", lw=1, color="grey", label="float")
    axis.set_yticks(range(len(rows)), [row["case"] for row in reversed(rows)])
    axis.set_xlabel("accuracy (%); bar: mean")
    axis.grid(axis="x", alpha=0.3)
    axis.legend(fontsize=8)
