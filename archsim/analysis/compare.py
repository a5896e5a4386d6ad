"""Designs side by side: metrics at three levels, ratios to the first, and what makes the ratio."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from archsim.analysis.levels import Level, LevelMetrics, level_metrics
from archsim.analysis.report import with_prefix
from archsim.errors import InputError
from archsim.trace.reader import read_summary
from archsim.trace.summary import Summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_METRICS = (("tops", "TOPS"), ("tops_per_w", "TOPS/W"), ("tops_per_mm2", "TOPS/mm^2"))


@dataclass(frozen=True)
class Design:
    """One design of a comparison: its name, its summary, its metrics at three levels."""

    name: str
    summary: Summary
    levels: dict[Level, LevelMetrics]


def read_designs(traces: list[Path]) -> list[Design]:
    """Read the traces of a comparison; equal names get a number.

    Raises
    ------
    InputError
        If the networks differ, so that a comparison would mean nothing.
    """
    designs: list[Design] = []
    for path in traces:
        summary = read_summary(path)
        taken = [design.name for design in designs]
        name = summary.name if summary.name not in taken else f"{summary.name} ({len(taken) + 1})"
        levels = {metrics.level: metrics for metrics in level_metrics(path)}
        designs.append(Design(name, summary, levels))
    for design in designs[1:]:
        if design.summary.operations != designs[0].summary.operations:
            msg = (
                f"'{design.name}' has {design.summary.operations:,} operations an inference and "
                f"'{designs[0].name}' {designs[0].summary.operations:,}: compare equal networks"
            )
            raise InputError(msg)
    return designs


def comparison_to_json(designs: list[Design]) -> dict[str, Any]:
    """Return the object that ``archsim compare --json`` prints."""
    first = designs[0]
    return {
        "designs": [
            {
                "name": design.name,
                "accuracy": design.summary.accuracy,
                "levels": [metrics.to_json() for metrics in design.levels.values()],
                "ratio_to_first": {
                    str(level): {
                        key: getattr(metrics, key) / getattr(first.levels[level], key)
                        for key, _ in _METRICS
                    }
                    for level, metrics in design.levels.items()
                },
                "reasons": reasons(first, design) if design is not first else [],
            }
            for design in designs
        ]
    }


def comparison_report(designs: list[Design]) -> RenderableType:
    """Return a table with a row a design and level, and the reasons below it."""
    table = Table(title="designs, one inference", title_justify="left")
    table.add_column("design")
    table.add_column("level")
    for name in ("latency", "energy", "area (mm^2)"):
        table.add_column(name, justify="right")
    for _, heading in _METRICS:
        table.add_column(heading, justify="right")
        table.add_column("x", justify="right")
    for design in designs:
        for level, metrics in design.levels.items():
            table.add_row(*_row(design, level, metrics, designs[0]))
        table.add_section()
    lines = [
        Text(f"{design.name} against {designs[0].name}: {reason}")
        for design in designs[1:]
        for reason in reasons(designs[0], design)
    ]
    return Group(table, Text("x: ratio to the first design"), *lines)


def _row(design: Design, level: Level, metrics: LevelMetrics, first: Design) -> list[str]:
    cells = [
        design.name if level is Level.MAC else "",
        str(level),
        with_prefix(metrics.latency_s, "s"),
        with_prefix(metrics.energy_j, "J"),
        f"{metrics.area_m2 * 1e6:.4g}",
    ]
    for key, _ in _METRICS:
        value = getattr(metrics, key)
        cells += [f"{value:.4g}", f"{value / getattr(first.levels[level], key):.3g}"]
    return cells


def reasons(first: Design, other: Design) -> list[str]:
    """Say which component makes most of the difference in energy and area, and what in time."""
    out = []
    for what, unit, mine, theirs in (
        (
            "energy",
            "J",
            other.summary.energy_by_component,
            first.summary.energy_by_component,
        ),
        ("area", "m^2", other.summary.area_by_component, first.summary.area_by_component),
    ):
        out.append(_largest_change(what, unit, mine, theirs))
    cycles = other.summary.cycles - first.summary.cycles
    parts = {
        level: other.levels[level].cycles - first.levels[level].cycles
        for level in (Level.MAC, Level.NONLINEAR)
    }
    most = max(parts, key=lambda level: abs(parts[level]))
    out.append(f"time {cycles:+,} cycles, of which {most} {parts[most]:+,}")
    return out


def _largest_change(what: str, unit: str, mine: dict[str, float], theirs: dict[str, float]) -> str:
    change = {
        name: mine.get(name, 0.0) - theirs.get(name, 0.0)
        for name in dict.fromkeys([*mine, *theirs])
    }
    name = max(change, key=lambda key: abs(change[key]))
    total = sum(change.values())

    def signed(value: float) -> str:
        if unit == "m^2":
            return f"{value * 1e12:+,.0f} um^2"
        return ("+" if value >= 0 else "-") + with_prefix(abs(value), unit)

    return f"{what} {signed(total)}, most by {name} ({signed(change[name])})"


def draw_comparison(figure: Figure, designs: list[Design]) -> None:
    """Draw the three metrics at the three levels, a bar a design."""
    figure.set_size_inches(9.0, 3.4)
    axes = figure.subplots(1, len(_METRICS))
    width = 0.8 / len(designs)
    for axis, (key, heading) in zip(axes, _METRICS, strict=True):
        for index, design in enumerate(designs):
            values = [getattr(metrics, key) for metrics in design.levels.values()]
            places = [place + (index - (len(designs) - 1) / 2) * width for place in range(3)]
            axis.bar(places, values, width=width, label=design.name)
        axis.set_xticks(range(3), ["MAC", "nonlinear", "system"])
        axis.set_yscale("log")
        axis.set_title(heading)
        axis.grid(axis="y", alpha=0.3)
    axes[0].legend(fontsize=7)
