"""The report of a run as tables for a terminal."""

from __future__ import annotations

import math

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from archsim.clipping import Clipping, worth_telling
from archsim.si import with_prefix
from archsim.trace.summary import Summary

__all__ = ["choices_table", "run_report", "square_micrometres", "usage_table", "with_prefix"]

IDEAL = (
    "are ideal: no quantisation, one cycle, no energy, no area; time and efficiency are bounds, "
    "not those of a chip."
)
"""What is said of converters that no chip has."""

_RESOURCES = 16
"""Resources that a report lists by name."""

_NO_TRACE = "no trace was written: trace.level is off"


def square_micrometres(area: float) -> str:
    """Write an area, given in m^2, in um^2."""
    return f"{area * 1e12:,.1f}"


def run_report(summary: Summary) -> RenderableType:
    """Return the report of a run: what it found, energy and area by component, utilisation."""
    parts: list[RenderableType] = [
        _headline(summary),
        _by_component(summary),
        usage_table(summary.utilisation),
    ]
    told = worth_telling(summary.clipped)
    if told:
        parts.append(_clipped(told))
    if rest := [item for item in summary.clipped if item.count and item not in told]:
        parts.append(Text(f"clipped: {'; '.join(item.counted() for item in rest)}"))
    if not summary.metrics:
        parts.append(
            Text("Weights or inputs are random: time and energy mean something, classes do not.")
        )
    elif summary.synthetic:
        parts.append(
            Text("The speech is synthetic: spoken by a program, not recorded from people.")
        )
    if summary.ideal_converter:
        parts.append(Text(f"The converters {IDEAL}"))
    if summary.choices:
        parts.append(choices_table("what was assumed", summary.choices))
    parts.append(Text(f"trace: {summary.trace}" if summary.trace else _NO_TRACE))
    return Group(*parts)


def choices_table(title: str, choices: dict[str, str]) -> RenderableType:
    """Return a title and a line for every choice that a run made."""
    lines = Table.grid(padding=(0, 2))
    lines.add_column(no_wrap=True)
    lines.add_column(overflow="fold")
    for about, text in choices.items():
        lines.add_row(f"  {about}", text)
    return Group(Text(title, style="italic"), lines)


def _clipped(clipped: list[Clipping]) -> Table:
    """Return what was clipped so that it can change an answer."""
    table = Table(title="clipped", title_justify="left")
    table.add_column("layer")
    table.add_column("share", justify="right")
    for name in ("what", "largest", "what to change"):
        table.add_column(name)
    for item in clipped:
        largest = "-" if item.largest is None else f"{item.largest:.3g}"
        table.add_row(item.layer, f"{item.share:.1%}", item.what(), largest, item.remedy())
    return table


def _headline(summary: Summary) -> Table:
    table = Table(title=f"{summary.name}, one inference", title_justify="left")
    table.add_column("quantity")
    table.add_column("value", justify="right")
    table.add_column("what it is")
    sections = (
        _metric_rows(summary),
        _time_rows(summary),
        [
            ("energy", with_prefix(summary.energy_j, "J"), "mean over the sequences"),
            ("energy a timestep", with_prefix(summary.energy_per_timestep_j, "J"), ""),
            (
                "energy-delay product",
                with_prefix(summary.energy_delay_j_s, "J s"),
                "energy x latency",
            ),
            ("power", with_prefix(summary.power_w, "W"), _over("energy", summary)),
            *_programming_rows(summary),
        ],
        [
            ("area", f"{summary.area_m2 * 1e6:.4g} mm^2", "all components below"),
            ("operations", f"{summary.operations:,.10g}", "2 a multiply-accumulate"),
            ("throughput", f"{summary.tops:.4g} TOPS", _over("operations", summary)),
            ("energy efficiency", _number(summary.tops_per_w, "TOPS/W"), "operations / energy"),
            ("area efficiency", _number(summary.tops_per_mm2, "TOPS/mm^2"), "throughput / area"),
        ],
    )
    for rows in sections:
        for row in rows:
            table.add_row(*row)
        table.add_section()
    return table


def _number(value: float, unit: str) -> str:
    return f"{value:.4g} {unit}" if math.isfinite(value) else "-"


def _time_rows(summary: Summary) -> list[tuple[str, str, str]]:
    rows = [
        ("latency", with_prefix(summary.latency_s, "s"), _cycles(summary)),
        (
            "latency a timestep",
            with_prefix(summary.latency_per_timestep_s, "s"),
            _timesteps(summary),
        ),
    ]
    if summary.streams > 1:
        text = "sequences together; latency is that of all"
        rows.append(("streams", str(summary.streams), text))
    return rows


def _timesteps(summary: Summary) -> str:
    """Say how many timesteps a sequence has."""
    if summary.mean_timesteps == summary.timesteps:
        return f"of {summary.timesteps:,}"
    return f"of {summary.mean_timesteps:,.4g} on average, {summary.timesteps:,} at most"


def _over(what: str, summary: Summary) -> str:
    """Say what is divided by the latency."""
    return f"{f'{summary.together:.4g} x ' if summary.together > 1 else ''}{what} / latency"


def _metric_rows(summary: Summary) -> list[tuple[str, str, str]]:
    """Say how good the answers are, with what chance leaves open, and those of the float network.

    Metrics between 0 and 1 are shares.
    """
    if not summary.metrics:
        return [("accuracy", "-", "not measured: the weights or the inputs are random")]
    rows = []
    for name, metric in summary.metrics.items():
        low, high = measured(metric.low), measured(metric.high)
        text = f"{metric.count:,} answers of the chip; {low} to {high} with 95% confidence"
        rows.append((name, measured(metric.value), text))
        if metric.reference is not None:
            text = "the same sequences, network in float64"
            rows.append((f"{name}, float", measured(metric.reference), text))
    return rows


def measured(value: float) -> str:
    """Write a metric: as a share where it can be one."""
    return f"{value:.2%}" if 0 <= value <= 1 else f"{value:.4g}"


def _programming_rows(summary: Summary) -> list[tuple[str, str, str]]:
    if not summary.programming_pulses:
        return []
    text = f"{summary.programming_pulses:,} pulses, once"
    return [("programming", with_prefix(summary.programming_energy_j, "J"), text)]


def _cycles(summary: Summary) -> str:
    mean = "" if summary.cycles.is_integer() else "on average "
    return f"{mean}{summary.cycles:,.10g} cycles at {with_prefix(summary.clock_hz, 'Hz')}"


def _by_component(summary: Summary) -> Table:
    table = Table(title="by component", title_justify="left")
    table.add_column("component")
    for name in ("energy", "share", "area (um^2)", "share"):
        table.add_column(name, justify="right")
    names = dict.fromkeys([*summary.energy_by_component, *summary.area_by_component])
    order = sorted(names, key=lambda name: -summary.energy_by_component.get(name, 0.0))
    for name in order:
        energy = summary.energy_by_component.get(name, 0.0)
        area = summary.area_by_component.get(name, 0.0)
        table.add_row(
            name,
            with_prefix(energy, "J"),
            _share(energy, summary.energy_j),
            square_micrometres(area),
            _share(area, summary.area_m2),
        )
    table.add_section()
    table.add_row(
        "total",
        with_prefix(summary.energy_j, "J"),
        "100.0%",
        square_micrometres(summary.area_m2),
        "100.0%",
    )
    return table


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def usage_table(share: dict[str, float], counts: dict[str, tuple[int, int]] | None = None) -> Table:
    """Return a table of how busy resources are, the busiest first; the last of many in one row.

    Parameters
    ----------
    share : dict of str to float
        Share of the cycles in which each resource is busy.
    counts : dict of str to (int, int), optional
        Its busy cycles and operations.
    """
    table = Table(title="utilisation", title_justify="left")
    table.add_column("resource")
    table.add_column("busy", justify="right")
    table.add_column("")
    for name in ("busy cycles", "operations") if counts else ():
        table.add_column(name, justify="right")
    ordered = sorted(share, key=lambda name: -share[name])
    shown = ordered if len(ordered) <= _RESOURCES + 1 else ordered[:_RESOURCES]
    for name in shown:
        numbers = [f"{number:,}" for number in counts[name]] if counts else []
        table.add_row(name, f"{share[name]:.1%}", _bar(share[name]), *numbers)
    if rest := ordered[len(shown) :]:
        low, high = f"{share[rest[-1]]:.1%}", f"{share[rest[0]]:.1%}"
        table.add_row(f"{len(rest)} others", low if low == high else f"{low} to {high}", "")
    return table


def _bar(share: float) -> str:
    return "#" * max(round(share * 20), 1 if share > 0 else 0)
