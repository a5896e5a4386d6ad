"""What ways of scheduling buy: interleaved streams, double buffering, early stop of the ramp."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from archsim.config.base import Section
from archsim.config.quantity import ConfigPath
from archsim.errors import ArchsimError
from archsim.experiments.base import (
    EXPERIMENTS,
    Column,
    Executor,
    ExperimentResult,
    ExperimentSection,
    Progress,
    distinct,
)
from archsim.experiments.jobs import Job
from archsim.network.identity import content_hash
from archsim.si import with_prefix
from archsim.simulation.inputs import Inputs
from archsim.simulation.simulate import RunResult
from archsim.trace.trace import Trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_NUMBERS = ("latency_s", "tops", "energy_j", "tops_per_w", "tops_per_mm2")


class NamedConfig(Section):
    """A network on a chip."""

    name: str = Field(description="what the table calls it")
    config: ConfigPath = Field(description="its configuration")
    overrides: tuple[str, ...] = Field((), description="overrides of every run, as for --set")


class Option(Section):
    """A way of scheduling."""

    name: str = Field(description="what the table calls it")
    overrides: tuple[str, ...] = Field((), description="overrides that switch it on")


@EXPERIMENTS.register
class ScheduleOptions(ExperimentSection):
    """Runs networks with several ways of scheduling; the first one is what others are held to."""

    kind: Literal["schedule_options"]
    networks: Annotated[tuple[NamedConfig, ...], AfterValidator(distinct)] = Field(
        min_length=1, description="networks"
    )
    options: Annotated[tuple[Option, ...], AfterValidator(distinct)] = Field(
        min_length=1, description="ways of scheduling"
    )

    def run(self, progress: Progress, executor: Executor) -> ExperimentResult:
        """Run every network with every option.

        Raises
        ------
        ArchsimError
            If an option changes a code, which none may.
        """
        cases = [(network, option) for network in self.networks for option in self.options]
        inputs = Inputs()
        jobs = []
        for network, option in cases:
            overrides = [*network.overrides, "trace.level=event", *option.overrides]
            loaded = inputs.load(network.config, overrides)
            jobs.append(Job(loaded, what_it_took, f"{network.name}, {option.name}"))
        rows: list[dict[str, Any]] = []
        first: dict[str, dict[str, Any]] = {}
        for (network, option), found in zip(cases, executor.results(jobs, progress), strict=True):
            base = first.setdefault(network.name, found)
            if found["codes"] != base["codes"]:
                msg = f"'{option.name}' changes codes of '{network.name}', which no schedule may"
                raise ArchsimError(msg)
            rows.append(_row(network.name, option.name, found, base))
        return ExperimentResult(
            title="what ways of scheduling buy",
            columns=(
                Column("network", "network"),
                Column("option", "schedule"),
                Column("cycles_each", "cycles", ",.1f"),
                Column("latency", "latency", ">"),
                Column("tops", "TOPS", ".4g"),
                Column("tops_ratio", "x", ".3f"),
                Column("tops_per_w", "TOPS/W", ".4g"),
                Column("tops_per_w_ratio", "x", ".3f"),
                Column("busiest", "busiest"),
            ),
            rows=rows,
            notes=(
                "x: over the network's first row; codes are the same in all rows of a network",
                "cycles: of a group over its sequences; latency: of a whole group",
            ),
            draw=lambda figure: _draw(figure, rows),
        )


def what_it_took(result: RunResult, path: Path) -> dict[str, Any]:
    """Read a run's time and energy, what was busiest, and a digest of each layer's codes."""
    summary = result.summary
    return {
        "cycles_each": summary.cycles / summary.together,
        **{key: getattr(summary, key) for key in _NUMBERS},
        "busiest": max(summary.utilisation.items(), key=lambda item: item[1]),
        "codes": {layer: content_hash(code=code) for layer, code in Trace(path).codes().items()},
    }


def _row(network: str, option: str, found: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    name, share = found["busiest"]
    return {
        "network": network,
        "option": option,
        "cycles_each": found["cycles_each"],
        "latency_s": found["latency_s"],
        "latency": with_prefix(found["latency_s"], "s"),
        "tops": found["tops"],
        "tops_ratio": found["tops"] / base["tops"],
        "energy_j": found["energy_j"],
        "tops_per_w": found["tops_per_w"],
        "tops_per_w_ratio": found["tops_per_w"] / base["tops_per_w"],
        "tops_per_mm2_ratio": found["tops_per_mm2"] / base["tops_per_mm2"],
        "busiest": f"{name} {share:.0%}",
    }


def _draw(figure: Figure, rows: list[dict[str, Any]]) -> None:
    """Draw throughput and energy efficiency against the first option, a panel a network."""
    networks = list(dict.fromkeys(row["network"] for row in rows))
    figure.set_size_inches(4.8 * len(networks), 0.32 * len(rows) / len(networks) + 1.6)
    axes = figure.subplots(1, len(networks), squeeze=False)[0]
    for axis, network in zip(axes, networks, strict=True):
        mine = [row for row in rows if row["network"] == network]
        place = np.arange(len(mine))
        for shift, key, label in (
            (-0.2, "tops_ratio", "TOPS"),
            (0.2, "tops_per_w_ratio", "TOPS/W"),
        ):
            axis.barh(place + shift, [row[key] for row in mine], height=0.38, label=label)
        axis.set_yticks(place, [row["option"] for row in mine], fontsize=8)
        axis.invert_yaxis()
        axis.axvline(1, color="grey", lw=0.8)
        axis.set_title(network, fontsize=10)
        axis.set_xlabel("over the first row")
    axes[0].legend(fontsize=8)
