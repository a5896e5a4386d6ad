"""Efficiency of the NL-ADC design against conventional ones (article, Figs. 4e, 4f and 5)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from archsim.analysis.compare import Design, read_designs, reasons
from archsim.analysis.levels import Level
from archsim.config.base import Section
from archsim.config.quantity import ConfigPath
from archsim.experiments.base import (
    Column,
    Executor,
    ExperimentResult,
    Progress,
    distinct,
    experiment,
)
from archsim.simulation.inputs import Inputs
from archsim.simulation.simulate import run
from archsim.trace.trace import Trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_METRICS = ("tops", "tops_per_w", "tops_per_mm2")
_HEADINGS = ("throughput", "energy efficiency", "area efficiency")


class Baseline(Section):
    """A design that the NL-ADC one is compared with."""

    name: str = Field(description="what the table calls it")
    overrides: tuple[str, ...] = Field(
        min_length=1, description="overrides that make it, as for --set"
    )
    bits: tuple[int, ...] = Field((), description="resolutions to run it at; all by default")


class Efficiency(Section):
    """Runs designs at several resolutions and compares them at three levels."""

    kind: Literal["efficiency"]
    config: ConfigPath = Field(description="configuration of the NL-ADC design")
    overrides: tuple[str, ...] = Field((), description="overrides of every run, as for --set")
    baselines: Annotated[tuple[Baseline, ...], AfterValidator(distinct)] = Field(
        min_length=1, description="designs to compare with"
    )
    bits: tuple[int, ...] = Field(min_length=1, description="resolutions of the converter")
    published: tuple[str, ...] = Field((), description="what the article says, below the table")


@experiment("efficiency", Efficiency)
def run_efficiency(section: Efficiency, progress: Progress, executor: Executor) -> ExperimentResult:
    """Compare the designs at equal bits, array and clock."""
    del executor  # all of a resolution's traces are read together
    rows: list[dict[str, Any]] = []
    notes = ["x: NL-ADC over the other design, at equal bits, array and clock"]
    inputs = Inputs()
    with tempfile.TemporaryDirectory() as folder:
        for done, bits in enumerate(section.bits):
            names, designs = _measure(section, Path(folder), bits, inputs)
            rows += [
                _row(bits, name, designs[0], design, level)
                for name, design in zip(names, designs, strict=True)
                for level in Level
            ]
            if not done:
                notes.append(f"library: {designs[0].summary.choices['library']}")
            notes += [
                f"{bits} bits, {name}: {design.summary.choices['converter']}"
                for name, design in zip(names, designs, strict=True)
            ]
            notes += [
                f"{bits} bits, {name} against NL-ADC: {reason}"
                for name, design in zip(names[1:], designs[1:], strict=True)
                for reason in reasons(designs[0], design)
            ]
            progress(done + 1, len(section.bits))
    if all(row["accuracy"] is None for row in rows):
        notes.append("accuracy is not measured: the weights or the inputs are random")
    notes += [f"published: {line}" for line in section.published]
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


def _measure(
    section: Efficiency, folder: Path, bits: int, inputs: Inputs
) -> tuple[list[str], list[Design]]:
    """Run the NL-ADC design and those baselines that have this resolution."""
    baselines = [item for item in section.baselines if not item.bits or bits in item.bits]
    cases = [("NL-ADC", ()), *((item.name, item.overrides) for item in baselines)]
    paths = []
    for index, (_, overrides) in enumerate(cases):
        paths.append(folder / f"{bits}-{index}.h5")
        changes = [*section.overrides, f"adc.bits={bits}", *overrides]
        run(inputs.load(section.config, changes), paths[-1], inputs=inputs)
    designs = read_designs([Trace(path) for path in paths])
    for path in paths:
        path.unlink()
    return [name for name, _ in cases], designs


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
    names = [name for name in dict.fromkeys(row["design"] for row in rows) if name != "NL-ADC"]
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
