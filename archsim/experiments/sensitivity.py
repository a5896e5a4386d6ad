"""How far a comparison hangs on each cost: every part's cost changed alone, in both designs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from archsim.chip.build import Chip
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
from archsim.simulation.prepare import prepare
from archsim.simulation.simulate import RunResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_METRICS = ("tops_per_w", "tops_per_mm2")
_NOTE = (
    "energy, area and leakage of the part are multiplied in both designs; what moves one of the "
    "two ratios most comes first; throughput hangs on no cost"
)
_WITHOUT_ACTION = ("crossbar_cell", "feedback_capacitor")


@EXPERIMENTS.register
class Sensitivity(ExperimentSection):
    """Changes the cost of one part of the library after the other in two designs."""

    kind: Literal["sensitivity"]
    config: ConfigPath = Field(description="configuration of the NL-ADC design")
    overrides: tuple[str, ...] = Field((), description="overrides of every run, as for --set")
    baseline: tuple[str, ...] = Field(
        min_length=1, description="overrides that make the design it is compared with"
    )
    factors: tuple[float, ...] = Field(
        (0.5, 2.0), min_length=1, description="what each cost is multiplied by"
    )

    def run(self, progress: Progress, executor: Executor) -> ExperimentResult:
        """Compare both designs at every cost; a part's energy, area and leakage change together."""
        inputs = Inputs()
        designs: tuple[tuple[str, ...], ...] = ((), self.baseline)
        parts = sorted({part for design in designs for part in _parts(self, design, inputs)})
        cases = [(None, 1.0), *((part, factor) for part in parts for factor in self.factors)]
        jobs = [_job(self, design, case, inputs) for case in cases for design in designs]
        numbers = iter(executor.results(jobs, progress))
        rows: list[dict[str, Any]] = []
        for (part, factor), ours, theirs in zip(cases, numbers, numbers, strict=True):
            ratio = {key: ours[key] / theirs[key] for key in _METRICS}
            rows.append(
                {
                    "part": part or "as in the library",
                    "factor": factor,
                    **{f"{key}_nladc": ours[key] for key in _METRICS},
                    **{f"{key}_ratio": ratio[key] for key in _METRICS},
                }
            )
        first, *others = rows
        others.sort(key=lambda row: -_change(row, first))
        return ExperimentResult(
            title="what the comparison hangs on",
            columns=(
                Column("part", "part of the library"),
                Column("factor", "cost x", "g"),
                Column("tops_per_w_nladc", "NL-ADC TOPS/W", ".4g"),
                Column("tops_per_w_ratio", "over baseline", ".3f"),
                Column("tops_per_mm2_nladc", "NL-ADC TOPS/mm^2", ".4g"),
                Column("tops_per_mm2_ratio", "over baseline", ".3f"),
            ),
            rows=[first, *others],
            notes=(
                _NOTE,
                f"baseline: {', '.join(self.baseline)}",
            ),
            draw=lambda figure: _draw(figure, first, others),
        )


def _change(row: dict[str, Any], first: dict[str, Any]) -> float:
    """Return the larger relative change of the two ratios."""
    return max(abs(float(row[f"{key}_ratio"] / first[f"{key}_ratio"]) - 1) for key in _METRICS)


def _parts(section: Sensitivity, design: tuple[str, ...], inputs: Inputs) -> set[str]:
    """Return the library's parts that a design's costs come from."""
    chip, _ = prepare(inputs.load(section.config, [*section.overrides, *design]), inputs)
    return {part for part, _ in _actions(chip)} | set(_WITHOUT_ACTION)


def _actions(chip: Chip) -> set[tuple[str, str]]:
    tables = [tile.energy for tile in chip.tiles]
    tables += [table for unit in chip.units for table in unit.cost.energy.values()]
    return {key for table in (*tables, chip.overhead) for key in table.actions.keys}


def _job(
    section: Sensitivity, design: tuple[str, ...], case: tuple[str | None, float], inputs: Inputs
) -> Job:
    """Return the run of a design with the cost of a part changed."""
    part, factor = case
    overrides = [*section.overrides, "trace.level=off", *design]
    if part is not None:
        overrides.append(f"technology.cost_factors={{{part}: {factor:g}}}")
    return Job(inputs.load(section.config, overrides), numbers_of, f"{part} x {factor:g}")


def numbers_of(result: RunResult, path: Path) -> dict[str, float]:
    """Read the single numbers of a run's summary."""
    del path
    return dict(result.summary.numbers())


def _draw(figure: Figure, first: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Draw how far each part moves the two ratios, the largest on top."""
    parts = list(dict.fromkeys(row["part"] for row in rows))[:14]
    figure.set_size_inches(9.0, 0.26 * len(parts) + 1.4)
    axes = figure.subplots(1, len(_METRICS), sharey=True)
    headings = ("energy efficiency", "area efficiency")
    for axis, key, heading in zip(axes, _METRICS, headings, strict=True):
        for row in rows:
            if row["part"] in parts:
                change = row[f"{key}_ratio"] - first[f"{key}_ratio"]
                colour = "C0" if row["factor"] < 1 else "C1"
                axis.barh(
                    parts.index(row["part"]), change, left=first[f"{key}_ratio"], color=colour
                )
        axis.axvline(first[f"{key}_ratio"], color="black", lw=0.8)
        axis.set_xlabel(f"{heading}, NL-ADC / baseline")
    axes[0].set_yticks(range(len(parts)), parts, fontsize=8)
    axes[0].invert_yaxis()
    figure.suptitle("cost of one part halved (blue) and doubled (orange)", fontsize=10)
