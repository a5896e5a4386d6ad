"""A comparison of designs as tables, as plain data, and as a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from archsim.analysis.compare import Comparison, Design, reasons
from archsim.analysis.levels import Level
from archsim.analysis.published import Figures, SimulatedRow, normalise, to_json
from archsim.analysis.sameness import differences, other_choices, same_title, sameness
from archsim.report.published import published_table
from archsim.report.run import IDEAL, choices_table, with_prefix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_METRICS = (("tops", "TOPS"), ("tops_per_w", "TOPS/W"), ("tops_per_mm2", "TOPS/mm^2"))
_COLUMNS = (
    ("latency_s", "latency", "s"),
    ("energy_j", "energy", "J"),
    ("energy_delay", "energy-delay", "J s"),
    ("area_m2", "area (mm^2)", "mm^2"),
    ("tops", "TOPS", ""),
    ("tops_per_w", "TOPS/W", ""),
    ("tops_per_mm2", "TOPS/mm^2", ""),
)
_MARKS = "os^Dv<>ph"
_TIMESTEP = {"latency_s": "latency_per_timestep_s", "energy_j": "energy_per_timestep_j"}
_RATIOS = (*(key for key, *_ in _COLUMNS), *_TIMESTEP.values())


def comparison_to_json(comparison: Comparison) -> dict[str, Any]:
    """Return the object that ``archsim compare --json`` prints."""
    first = comparison.designs[0]
    out: dict[str, Any] = {
        "designs": [_design_to_json(design, first) for design in comparison.designs]
    }
    if comparison.published:
        out["published"] = to_json(comparison.published)
    return out


def _design_to_json(design: Design, first: Design) -> dict[str, Any]:
    same = sameness(first.summary, design.summary)
    return {
        "name": design.name,
        "node_m": design.node,
        "clock_hz": design.summary.clock_hz,
        "streams": design.summary.streams,
        "accuracy": design.summary.accuracy,
        "same_weights_as_first": same.weights,
        "same_inputs_as_first": same.inputs,
        "choices": design.summary.choices,
        "components": design.summary.components,
        "levels": [metrics.to_json() for metrics in design.levels.values()],
        "ratio_to_first": {
            str(level): {
                key: _ratio(getattr(metrics, key), getattr(first.levels[level], key))
                for key in _RATIOS
            }
            for level, metrics in design.levels.items()
        },
        "critical_path_cycles": design.path,
        "reasons": reasons(first, design) if design is not first else [],
    }


def _ratio(one: float, other: float) -> float | None:
    ratio = one / other if other else math.nan
    return None if math.isnan(ratio) else ratio


def comparison_report(comparison: Comparison) -> RenderableType:
    """Return a table with a row a level and design, the reasons, and published accelerators."""
    designs = comparison.designs
    summaries = [design.summary for design in designs]
    table = Table(
        title=f"designs on {same_title(summaries)}, one inference",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("level, design", overflow="fold")
    for _, heading, _ in _COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    for level in Level:
        _add_level(table, str(level), designs, level)
    _add_level(table, f"{Level.SYSTEM}, a timestep", designs, Level.SYSTEM, _TIMESTEP)
    lines: list[RenderableType] = [Text("x: ratio to the first design")]
    ideal = [design.name for design in designs if design.summary.ideal_converter]
    lines += [Text(f"The converters of {name} {IDEAL}") for name in ideal]
    for design in designs[1:]:
        lines.append(Text(f"\n{design.name} against {designs[0].name}", style="bold"))
        parts_of = Table.grid(padding=(0, 1))
        for reason in reasons(designs[0], design):
            parts_of.add_row(*reason.split(" ", 1))
        lines.append(Padding(parts_of, (0, 0, 0, 2)))
    if designs[1:]:
        lines.append(Text(f"percentages are of {designs[0].name}'s total; time: critical path"))
    notes = [Text(f"note: {text}") for text in differences(_names(designs), summaries)]
    parts: list[RenderableType] = [table, *notes, *lines, *_assumed(designs)]
    if comparison.published:
        parts += ["", published_table(comparison.published, _simulated(designs))]
    return Group(*parts)


def _names(designs: list[Design]) -> list[str]:
    return [design.name for design in designs]


def _assumed(designs: list[Design]) -> list[RenderableType]:
    """Say what the first design assumed, and what others assumed that it did not."""
    first, *others = designs
    told = {f"\nwhat {first.name} assumed": first.summary.choices}
    for design in others:
        own = other_choices(first.summary, design.summary)
        told[f"what {design.name} assumed otherwise"] = own
    return [choices_table(title, choices) for title, choices in told.items() if choices]


def _add_level(
    table: Table,
    title: str,
    designs: list[Design],
    level: Level,
    keys: dict[str, str] | None = None,
) -> None:
    """Add a level's rows: a line a design, and a line of ratios below all but the first."""
    shown = [(key if keys is None else keys.get(key, ""), unit) for key, _, unit in _COLUMNS]
    table.add_row(Text(title, style="bold"))
    first = designs[0].levels[level]
    for design in designs:
        metrics = design.levels[level]
        table.add_row(
            f"  {design.name}",
            *(_cell(getattr(metrics, key), unit) if key else "" for key, unit in shown),
        )
        if metrics is not first:
            ratios = [
                _ratio(getattr(metrics, key), getattr(first, key)) if key else None
                for key, _ in shown
            ]
            table.add_row("", *("" if each is None else _times(each) for each in ratios))
    table.add_section()


def _times(ratio: float) -> str:
    return f"x{ratio:,.0f}" if ratio >= 1000 else f"x{ratio:.3g}"


def _cell(value: float, unit: str) -> str:
    if math.isnan(value):
        return "-"
    if unit == "mm^2":
        return f"{value * 1e6:.4g}"
    return with_prefix(value, unit) if unit else f"{value:.4g}"


def _simulated(designs: list[Design]) -> list[SimulatedRow]:
    """Return the designs' full systems as rows beside published accelerators."""
    first = designs[0]
    rows = []
    for design in designs:
        system = design.levels[Level.SYSTEM]
        raw = Figures(system.tops, system.tops_per_w, system.area_m2, system.tops_per_mm2)
        clock = design.summary.clock_hz
        there = normalise(raw, design.node, clock, to=(first.node, first.summary.clock_hz))
        rows.append(SimulatedRow(design.name, design.bits, design.node, clock, raw, there))
    return rows


# ----------------------------------------------------------------- picture


def draw_comparison(figure: Figure, comparison: Comparison) -> None:
    """Draw the three metrics at the three levels, a mark a design; below, published accelerators.

    The axes are logarithmic and have no zero, so that the length of a bar would mean nothing.
    """
    from matplotlib.ticker import LogLocator

    published = bool(comparison.published)
    figure.set_size_inches(9.0, 7.6 if published else 3.4)
    heights = [1, 1.4] if published else [1]
    panels = figure.add_gridspec(len(heights), len(_METRICS), height_ratios=heights)
    axes = [figure.add_subplot(panels[0, index]) for index in range(len(_METRICS))]
    designs = comparison.designs
    width = 0.8 / len(designs)
    for axis, (key, heading) in zip(axes, _METRICS, strict=True):
        for index, design in enumerate(designs):
            values = [getattr(metrics, key) for metrics in design.levels.values()]
            places = [place + (index - (len(designs) - 1) / 2) * width for place in range(3)]
            axis.plot(places, values, _MARKS[index % len(_MARKS)], ms=7, label=design.name)
        axis.set_xlim(-0.6, 2.6)
        axis.set_xticks(range(3), ["MAC", "nonlinear", "system"])
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter("")
        axis.set_title(heading)
        axis.grid(axis="y", alpha=0.3)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=4, fontsize=8
    )
    if published:
        _draw_published(figure.add_subplot(panels[1, :]), comparison)


def _draw_published(axis: Axes, comparison: Comparison) -> None:
    """Draw area efficiency over energy efficiency, everything at the first design's node."""
    designs = comparison.designs
    places = {row.entry.name: _place(row.normalised) for row in comparison.published}
    for place in filter(None, places.values()):
        axis.plot(*place, "o", color="grey", ms=5)
    for index, row in enumerate(_simulated(designs)):
        if mine := _place(row.normalised):
            axis.plot(*mine, "D", color=f"C{index}", ms=8, label=row.name)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.margins(x=0.15, y=0.1)
    where = f"{with_prefix(designs[0].node, 'm')}, {with_prefix(designs[0].summary.clock_hz, 'Hz')}"
    axis.set_title(f"full systems; published accelerators in grey, brought to {where}", fontsize=10)
    axis.set_xlabel("TOPS/W")
    axis.set_ylabel("TOPS/mm^2")
    axis.grid(alpha=0.3)
    _label(axis, {name: place for name, place in places.items() if place})


def _place(figures: Figures) -> tuple[float, float] | None:
    if figures.tops_per_w is None or figures.tops_per_mm2 is None:
        return None
    return figures.tops_per_w, figures.tops_per_mm2


def _label(axis: Axes, places: dict[str, tuple[float, float]], size: float = 6.5) -> None:
    """Write names beside points, on the side where they cover least that is there already."""
    figure = axis.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # lays the axes out, so that points have a place in the picture
    point = 72 / figure.dpi
    at = {name: axis.transData.transform(place) * point for name, place in places.items()}
    taken = [(x - 3, y - 3, x + 3, y + 3) for x, y in at.values()]
    for name, (x, y) in at.items():
        length = 0.58 * size * len(name)
        options = []
        for right in (True, False):
            for up in (-0.35 * size, 0.4 * size, -1.1 * size):
                left = x + 5 if right else x - 5 - length
                box = (left, y + up, left + length, y + up + size)
                options.append((sum(_overlap(box, other) for other in taken), right, up, box))
        _, right, up, box = min(options, key=lambda option: option[0])
        taken.append(box)
        axis.annotate(
            name,
            places[name],
            xytext=(5 if right else -5, up),
            textcoords="offset points",
            ha="left" if right else "right",
            fontsize=size,
        )


def _overlap(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> float:
    """Return the area that two boxes (left, bottom, right, top) share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)
