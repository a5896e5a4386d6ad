"""Efficiency of the NL-ADC design against a conventional one (article, Fig. 4e and 4f)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from archsim.analysis.levels import Level, LevelMetrics, level_metrics
from archsim.config.base import Section
from archsim.config.load import load_config
from archsim.config.quantity import ConfigPath
from archsim.experiments.base import Column, ExperimentResult, Progress, experiment
from archsim.simulate import run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_METRICS = ("tops", "tops_per_w", "tops_per_mm2")


class Efficiency(Section):
    """Runs two designs at several resolutions and compares them at three levels."""

    kind: Literal["efficiency"]
    config: ConfigPath = Field(description="configuration of the NL-ADC design")
    overrides: tuple[str, ...] = Field((), description="overrides of every run, as for --set")
    conventional: tuple[str, ...] = Field(
        min_length=1, description="overrides that make it a conventional design"
    )
    bits: tuple[int, ...] = Field(min_length=1, description="resolutions of the converter")
    published: str = Field("", description="what the article says, printed below the table")


@experiment("efficiency", Efficiency)
def run_efficiency(section: Efficiency, progress: Progress) -> ExperimentResult:
    """Compare NL-ADC and conventional design at equal bits, array and clock."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for done, bits in enumerate(section.bits):
            ours, accuracy = _measure(section, folder, [f"adc.bits={bits}"])
            theirs, other = _measure(section, folder, [f"adc.bits={bits}", *section.conventional])
            rows += [_row(bits, ours[level], theirs[level], accuracy, other) for level in Level]
            progress(done + 1, len(section.bits))
    notes = ["x: NL-ADC over conventional, at equal bits, array and clock"]
    if section.published:
        notes.append(f"published: {section.published}")
    return ExperimentResult(
        title="NL-ADC against a conventional design",
        columns=(
            Column("bits", "bits", "d"),
            Column("level", "level"),
            Column("tops", "TOPS", ".4g"),
            Column("tops_ratio", "x", ".2f"),
            Column("tops_per_w", "TOPS/W", ".4g"),
            Column("tops_per_w_ratio", "x", ".2f"),
            Column("tops_per_mm2", "TOPS/mm^2", ".4g"),
            Column("tops_per_mm2_ratio", "x", ".2f"),
            Column("accuracy", "accuracy", ".2%"),
            Column("accuracy_conventional", "conventional", ".2%"),
        ),
        rows=rows,
        notes=tuple(notes),
        draw=lambda figure: _draw(figure, rows),
    )


def _measure(
    section: Efficiency, folder: str, overrides: list[str]
) -> tuple[dict[Level, LevelMetrics], float]:
    path = Path(folder) / "t.h5"
    summary = run(load_config(section.config, [*section.overrides, *overrides]), path).summary
    metrics = {item.level: item for item in level_metrics(path)}
    return metrics, float("nan") if summary.accuracy is None else summary.accuracy


def _row(
    bits: int, ours: LevelMetrics, theirs: LevelMetrics, accuracy: float, conventional: float
) -> dict[str, Any]:
    row: dict[str, Any] = {"bits": bits, "level": str(ours.level)}
    for key in _METRICS:
        row[key] = getattr(ours, key)
        row[f"{key}_conventional"] = getattr(theirs, key)
        row[f"{key}_ratio"] = getattr(ours, key) / getattr(theirs, key)
    return {**row, "accuracy": accuracy, "accuracy_conventional": conventional}


def _draw(figure: Figure, rows: list[dict[str, Any]]) -> None:
    """Draw the ratios over the resolution, a panel a metric, a line a level."""
    figure.set_size_inches(9.5, 3.2)
    axes = figure.subplots(1, len(_METRICS), sharex=True)
    headings = ("throughput", "energy efficiency", "area efficiency")
    for axis, key, heading in zip(axes, _METRICS, headings, strict=True):
        for level in Level:
            mine = [row for row in rows if row["level"] == str(level)]
            axis.plot(
                [row["bits"] for row in mine],
                [row[f"{key}_ratio"] for row in mine],
                "o-",
                label=str(level),
            )
        axis.axhline(1, color="grey", lw=0.8)
        axis.set_title(heading, fontsize=10)
        axis.set_xlabel("bits")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("NL-ADC / conventional")
    axes[0].legend(fontsize=8)
