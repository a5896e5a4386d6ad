"""An experiment of this package: what sequences of several lengths take."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from archsim.config.experiment import ExperimentSection
from archsim.config.load import load_config
from archsim.config.quantity import ConfigPath
from archsim.experiments.jobs import Executor, Job, Progress
from archsim.report.result import Column, ExperimentResult
from archsim.simulation.simulate import RunResult


class Timesteps(ExperimentSection):
    """Runs a configuration with several numbers of timesteps."""

    kind: Literal["timesteps"] = Field(description="experiment kind")
    config: ConfigPath = Field(description="configuration")
    timesteps: tuple[int, ...] = Field(min_length=1, description="numbers of timesteps")

    def run(self, progress: Progress, executor: Executor) -> ExperimentResult:
        """Run each, and read energy and time."""
        config = load_config(self.config, ["trace.level=off"])
        jobs = [
            Job(config.with_values({"network.timesteps": n}), what_it_took, f"{n} timesteps")
            for n in self.timesteps
        ]
        found = executor.results(jobs, progress)
        return ExperimentResult(
            title="energy and time over timesteps",
            columns=(
                Column("timesteps", "timesteps", "d"),
                Column("energy_j", "energy (J)", ".3g"),
                Column("latency_s", "latency (s)", ".3g"),
            ),
            rows=[{"timesteps": n, **row} for n, row in zip(self.timesteps, found, strict=True)],
        )


def what_it_took(result: RunResult, trace: Path) -> dict[str, Any]:
    """Read a run's numbers; plain data, so that they can be kept."""
    return {"energy_j": result.summary.energy_j, "latency_s": result.summary.latency_s}
