"""A comparison of designs as tables, as plain data, and as a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from archsim.analysis.compare import Comparison, Design, reasons
from archsim.analysis.levels import Level
from archsim.analysis.published import Figures, SimulatedRow, normalise, to_json
from archsim.analysis.sameness import differences, other_choices, same_title, sameness
from archsim.report.published import published_table
from archsim.report.run import IDEAL, choices_table, in_words, measured
from archsim.report.table import (
    Cell,
    Column,
    Line,
    Look,
    Part,
    Report,
    Style,
    Table,
    Value,
    number,
    quantity,
    report,
    table,
)
from archsim.si import with_prefix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_METRICS = (("tops", "TOPS"), ("tops_per_w", "TOPS/W"), ("tops_per_mm2", "TOPS/mm^2"))
_COLUMNS = (
    ("latency_s", "latency", "s"),
    ("energy_j", "energy", "J"),
    ("energy_delay", "energy-delay", "J s"),
    ("area_m2", "area (mm^2)", "mm^2"),
    ("tops", "TOPS", "1e12/s"),
    ("tops_per_w", "TOPS/W", "1e12/J"),
    ("tops_per_mm2", "TOPS/mm^2", "1e12/s/mm^2"),
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
        "metrics": {name: metric.to_json() for name, metric in design.summary.metrics.items()},
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


def comparison_report(comparison: Comparison) -> Report:
    """Return a table with a row a level and design, the reasons, and published accelerators."""
    designs = comparison.designs
    summaries = [design.summary for design in designs]
    metric = next(iter(summaries[0].metrics), None)
    columns = [
        Column("design", "level, design", fold=True),
        *(Column(key, heading, right=True, whole=True) for key, heading, *_ in _COLUMNS),
        *([Column("metric", in_words(metric), right=True, whole=True)] if metric else []),
    ]
    rows: list[tuple[Cell, ...] | None] = []
    for level in Level:
        rows += _level(str(level), designs, level, metric=metric)
    rows += _level(f"{Level.SYSTEM}, a timestep", designs, Level.SYSTEM, _TIMESTEP, metric=metric)
    title = f"designs on {same_title(summaries)}, one inference"
    parts: list[Part | str] = [table(title, columns, rows, look=Look.OPEN)]
    names = [design.name for design in designs]
    parts += [f"note: {text}" for text in differences(names, summaries)]
    parts.append("x: ratio to the first design")
    parts += _answers(designs, metric)
    ideal = [design.name for design in designs if design.summary.ideal_converter]
    parts += [f"The converters of {name} {IDEAL}" for name in ideal]
    for design in designs[1:]:
        parts.append(Line(f"\n{design.name} against {designs[0].name}", Style.STRONG))
        why = [reason.split(" ", 1) for reason in reasons(designs[0], design)]
        parts.append(table("", ["what", "change"], why, look=Look.LIST))
    if designs[1:]:
        parts.append(f"percentages are of {designs[0].name}'s total; time: critical path")
    parts += _assumed(designs)
    if comparison.published:
        parts += ["", published_table(comparison.published, _simulated(designs))]
    return report(*parts)


def _answers(designs: list[Design], metric: str | None) -> list[str]:
    """Say of each design how good its answers are, and what chance leaves open."""
    found = []
    for design in designs if metric else ():
        mine = design.summary.metrics.get(str(metric))
        if mine is not None:
            low, high = measured(mine, mine.low), measured(mine, mine.high)
            told = f"{measured(mine)} ({low} to {high})"
            reference = (
                "" if mine.reference is None else f", float {measured(mine, mine.reference)}"
            )
            found.append(f"{design.name} {told}{reference}")
    if not found:
        return []
    return [f"{in_words(str(metric))}, with 95% confidence: {'; '.join(found)}"]


def _assumed(designs: list[Design]) -> list[Table]:
    """Say what the first design assumed, and what others assumed that it did not."""
    first, *others = designs
    told = {f"\nwhat {first.name} assumed": first.summary.choices}
    for design in others:
        own = other_choices(first.summary, design.summary)
        told[f"what {design.name} assumed otherwise"] = own
    return [choices_table(title, choices) for title, choices in told.items() if choices]


def _level(
    title: str,
    designs: list[Design],
    level: Level,
    keys: dict[str, str] | None = None,
    *,
    metric: str | None,
) -> list[tuple[Cell, ...] | None]:
    """Return a level's rows: a line a design, and a line of ratios below all but the first."""
    shown = [(key if keys is None else keys.get(key, ""), unit) for key, _, unit in _COLUMNS]
    nothing = ("",) if metric else ()
    rows: list[tuple[Cell, ...] | None] = [(title, *("" for _ in shown), *nothing)]
    first = designs[0].levels[level]
    whole = level is Level.SYSTEM and keys is None
    for design in designs:
        metrics = design.levels[level]
        found = design.summary.metrics.get(metric or "")
        told = (measured(found),) if found and whole else nothing
        rows.append(
            (
                f"  {design.name}",
                *(_cell(getattr(metrics, key), unit) if key else "" for key, unit in shown),
                *told,
            )
        )
        if metrics is not first:
            ratios = [
                _ratio(getattr(metrics, key), getattr(first, key)) if key else None
                for key, _ in shown
            ]
            rows.append(("", *("" if each is None else _times(each) for each in ratios), *nothing))
    return [*rows, None]


def _times(ratio: float) -> Value:
    return Value(f"x{ratio:,.0f}" if ratio >= 1000 else f"x{ratio:.3g}", ratio)


def _cell(value: float, unit: str) -> Value:
    if unit == "mm^2":
        return number(value, ".4g", "m^2", scale=1e6)
    return quantity(value, unit) if unit in {"s", "J", "J s"} else number(value, ".4g", unit)


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
