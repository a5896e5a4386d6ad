"""Efficiency of the NL-ADC design against conventional ones (article, Figs. 4e, 4f and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator

from archsim.analysis.compare import Design, reasons
from archsim.analysis.levels import Level
from archsim.analysis.sameness import check_counts, check_structures
from archsim.config.base import Section
from archsim.config.quantity import ConfigPath
from archsim.experiments.base import (
    EXPERIMENTS,
    Column,
    Executor,
    ExperimentResult,
    ExperimentSection,
    Job,
    Progress,
    distinct,
)
from archsim.experiments.designs import design_of, read_design
from archsim.network.identity import network_structure
from archsim.simulation.inputs import Inputs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OURS = "NL-ADC"
"""What the table calls the design that others are compared with."""

_WHOLE = ("trace.level=cycle", "trace.tiles=all")
_METRICS = ("tops", "tops_per_w", "tops_per_mm2")
_HEADINGS = ("throughput", "energy efficiency", "area efficiency")


class Baseline(Section):
    """A design that the NL-ADC one is compared with."""

    name: str = Field(description="what the table calls it; not NL-ADC, which the other one is")
    overrides: tuple[str, ...] = Field(
        min_length=1, description="overrides that make it, as for --set"
    )
    bits: tuple[int, ...] = Field((), description="resolutions to run it at; all by default")

    @field_validator("name")
    @classmethod
    def _another(cls, name: str) -> str:
        if name == OURS:
            msg = f"'{OURS}' is what the table calls the other design: choose another name"
            raise ValueError(msg)
        return name


@EXPERIMENTS.register
class Efficiency(ExperimentSection):
    """Runs designs at several resolutions and compares them at three levels."""

    kind: Literal["efficiency"]
    config: ConfigPath = Field(description="configuration of the NL-ADC design")
    overrides: tuple[str, ...] = Field((), description="overrides of every run, as for --set")
    baselines: Annotated[tuple[Baseline, ...], AfterValidator(distinct)] = Field(
        min_length=1, description="designs to compare with"
    )
    bits: tuple[int, ...] = Field(min_length=1, description="resolutions of the converter")
    published: tuple[str, ...] = Field((), description="what the article says, below the table")

    def run(self, progress: Progress, executor: Executor) -> ExperimentResult:
        """Compare the designs at equal bits, array and clock.

        Raises
        ------
        InputError
            If an override makes another network.
        """
        inputs = Inputs()
        cases = [(bits, self._jobs(bits, inputs)) for bits in self.bits]
        for _, jobs in cases:
            check_structures([(job.label, _structure(job)) for job in jobs.values()])
        every = [job for _, jobs in cases for job in jobs.values()]
        found = iter(executor.results(every, progress))
        rows: list[dict[str, Any]] = []
        notes = ["x: NL-ADC over the other design, at equal bits, array and clock"]
        for bits, jobs in cases:
            designs = {name: design_of(next(found)) for name in jobs}
            ours = designs[OURS]
            check_counts([(name, design.summary) for name, design in designs.items()])
            rows += [
                _row(bits, name, ours, design, level)
                for name, design in designs.items()
                for level in Level
            ]
            if len(notes) == 1:
                notes.append(f"library: {ours.summary.choices['library']}")
            notes += _notes(bits, designs)
        if all(row["accuracy"] is None for row in rows):
            notes.append("accuracy is not measured: the weights or the inputs are random")
        notes += [f"published: {line}" for line in self.published]
        return ExperimentResult(
            title="NL-ADC against conventional designs",
            columns=(
                Column("bits", "bits", "d"),
                Column("design", "design"),
                Column("level", "level"),
                *(
                    column
                    for key, heading in zip(_METRICS, ("TOPS", "TOPS/W", "TOPS/mm^2"), strict=True)
                    for column in (Column(key, heading, ".4g"), Column(f"{key}_ratio", "x", ".2f"))
                ),
                Column("accuracy", "accuracy", ".2%"),
            ),
            rows=rows,
            notes=tuple(notes),
            draw=lambda figure: _draw(figure, rows),
        )

    def _jobs(self, bits: int, inputs: Inputs) -> dict[str, Job]:
        """Return the runs of our design and of those baselines that have a resolution."""
        baselines = [item for item in self.baselines if not item.bits or bits in item.bits]
        designs = {OURS: (), **{item.name: item.overrides for item in baselines}}
        jobs = {}
        for name, own in designs.items():
            overrides = [*_WHOLE, *self.overrides, f"adc.bits={bits}", *own]
            loaded = inputs.load(self.config, overrides)
            jobs[name] = Job(loaded, read_design, f"{bits} bits, {name}")
        return jobs


def _structure(job: Job) -> dict[str, Any]:
    return network_structure(job.config.config.model_dump(mode="json"))


def _notes(bits: int, designs: dict[str, Design]) -> list[str]:
    """Say what converters the designs of a resolution have, and what makes the difference."""
    converters = [
        f"{bits} bits, {name}: {design.summary.choices['converter']}"
        for name, design in designs.items()
    ]
    return converters + [
        f"{bits} bits, {name} against {OURS}: {reason}"
        for name, design in designs.items()
        if name != OURS
        for reason in reasons(designs[OURS], design)
    ]


def _row(bits: int, name: str, ours: Design, design: Design, level: Level) -> dict[str, Any]:
    mine, theirs = ours.levels[level], design.levels[level]
    row: dict[str, Any] = {"bits": bits, "design": name, "level": str(level)}
    for key in _METRICS:
        row[key] = getattr(theirs, key)
        row[f"{key}_ratio"] = getattr(mine, key) / getattr(theirs, key)
    return {**row, "accuracy": design.summary.accuracy}


def _draw(figure: Figure, rows: list[dict[str, Any]]) -> None:
    """Draw the ratios over the resolution, a panel a metric, a line a level and baseline."""
    figure.set_size_inches(9.5, 4.0)
    axes = figure.subplots(1, len(_METRICS), sharex=True)
    names = [name for name in dict.fromkeys(row["design"] for row in rows) if name != OURS]
    for axis, key, heading in zip(axes, _METRICS, _HEADINGS, strict=True):
        for index, name in enumerate(names):
            for colour, level in zip(("C0", "C1", "C2"), Level, strict=True):
                mine = [row for row in rows if row["design"] == name and row["level"] == str(level)]
                axis.plot(
                    [row["bits"] for row in mine],
                    [row[f"{key}_ratio"] for row in mine],
                    "osv^"[index % 4] + ("-", ":", "--", "-.")[index % 4],
                    color=colour,
                    label=f"{level}, {name}",
                )
        axis.axhline(1, color="grey", lw=0.8)
        axis.set_title(heading, fontsize=10)
        axis.set_xlabel("bits")
        axis.set_yscale("log", base=2)
        axis.yaxis.set_major_formatter("{x:g}")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("NL-ADC / conventional")
    lines = axes[0].get_legend_handles_labels()
    figure.legend(*lines, fontsize=7, ncols=len(names), loc="outside lower center")
