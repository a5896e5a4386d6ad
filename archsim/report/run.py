"""The report of a run as tables for a terminal."""

from __future__ import annotations

import math
from typing import Any

from archsim.clipping import Clipping, worth_telling
from archsim.metrics import Metric
from archsim.report.table import (
    Cell,
    Column,
    Look,
    Part,
    Report,
    Table,
    Value,
    number,
    quantity,
    report,
    table,
)
from archsim.si import with_prefix
from archsim.trace.summary import Summary

IDEAL = (
    "are ideal: no quantisation, one cycle, no energy, no area; time and efficiency are bounds, "
    "not those of a chip."
)
"""What is said of converters that no chip has."""

RANDOM = "Weights or inputs are random: time and energy mean something, classes do not."
SYNTHETIC = "The sequences are synthetic: a program made them, nobody recorded them."
"""What is said of data that a program made."""

_RESOURCES = 16
"""Resources that a report lists by name."""

_NO_TRACE = "no trace was written: trace.level is off"


def square_micrometres(area: float) -> Value:
    """Return an area, given in m^2, that is read in um^2."""
    return number(area, ",.1f", "m^2", scale=1e12)


def run_report(summary: Summary) -> Report:
    """Return the report of a run: what it found, energy and area by component, utilisation."""
    parts: list[Part | str] = [
        _headline(summary),
        _by_component(summary),
        usage_table(summary.utilisation),
    ]
    told = worth_telling(summary.clipped)
    if told:
        parts.append(_clipped(told))
    if rest := [item for item in summary.clipped if item.count and item not in told]:
        parts.append(f"clipped: {'; '.join(item.counted() for item in rest)}")
    if not summary.metrics:
        parts.append(
            "Weights or inputs are random: time and energy mean something, classes do not."
        )
    elif summary.synthetic:
        parts.append(SYNTHETIC)
    if summary.ideal_converter:
        parts.append(f"The converters {IDEAL}")
    if summary.choices:
        parts.append(choices_table("what was assumed", summary.choices))
    parts.append(f"trace: {summary.trace}" if summary.trace else _NO_TRACE)
    return report(*parts)


def report_of_run(run: Any) -> Report:
    """Return the report of a run that a program holds (`archsim.Run`)."""
    return run_report(run.summary)


def run_to_json(run: Any) -> dict[str, Any]:
    """Return what ``archsim run --json`` prints of a run that a program holds."""
    data: dict[str, Any] = run.summary.to_json()
    return data


def choices_table(title: str, choices: dict[str, str]) -> Table:
    """Return a title and a line for every choice that a run made."""
    columns = [Column("about", "about", whole=True), Column("choice", "choice", fold=True)]
    return table(title, columns, choices.items(), look=Look.LIST)


def _clipped(clipped: list[Clipping]) -> Table:
    """Return what was clipped so that it can change an answer."""
    columns = [
        Column("layer", "layer"),
        Column("share", "share", right=True),
        *(Column(name, name) for name in ("what", "largest", "what to change")),
    ]
    rows = [
        (
            item.layer,
            number(item.share, ".1%"),
            item.what(),
            number(item.largest, ".3g"),
            item.remedy(),
        )
        for item in clipped
    ]
    return table("clipped", columns, rows)


def _headline(summary: Summary) -> Table:
    groups: list[list[tuple[Cell, ...]]] = [
        _metric_rows(summary),
        _time_rows(summary),
        [
            ("energy", quantity(summary.energy_j, "J"), "mean over the sequences"),
            ("energy a timestep", quantity(summary.energy_per_timestep_j, "J"), ""),
            (
                "energy-delay product",
                quantity(summary.energy_delay_j_s, "J s"),
                "energy x latency",
            ),
            ("power", quantity(summary.power_w, "W"), _over("energy", summary)),
            *_programming_rows(summary),
        ],
        [
            (
                "area",
                number(summary.area_m2, ".4g", "m^2", scale=1e6, after=" mm^2"),
                "all components below",
            ),
            ("operations", number(summary.operations, ",.10g"), "2 a multiply-accumulate"),
            (
                "throughput",
                number(summary.tops, ".4g", "1e12/s", after=" TOPS"),
                _over("operations", summary),
            ),
            (
                "energy efficiency",
                number(summary.tops_per_w, ".4g", "1e12/J", after=" TOPS/W"),
                "operations / energy",
            ),
            (
                "area efficiency",
                number(summary.tops_per_mm2, ".4g", "1e12/s/mm^2", after=" TOPS/mm^2"),
                "throughput / area",
            ),
        ],
    ]
    columns = [
        Column("quantity", "quantity"),
        Column("value", "value", right=True),
        Column("what", "what it is"),
    ]
    rows = [row for group in groups for row in (*group, None)]
    return table(f"{summary.name}, one inference", columns, rows)


def _time_rows(summary: Summary) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = [
        ("latency", quantity(summary.latency_s, "s"), _cycles(summary)),
        (
            "latency a timestep",
            quantity(summary.latency_per_timestep_s, "s"),
            _timesteps(summary),
        ),
    ]
    if summary.streams > 1:
        text = "sequences together; latency is that of all"
        rows.append(("streams", number(summary.streams, ""), text))
    return rows


def _timesteps(summary: Summary) -> str:
    """Say how many timesteps a sequence has."""
    if summary.mean_timesteps == summary.timesteps:
        return f"of {summary.timesteps:,}"
    return f"of {summary.mean_timesteps:,.4g} on average, {summary.timesteps:,} at most"


def _over(what: str, summary: Summary) -> str:
    """Say what is divided by the latency."""
    return f"{f'{summary.together:.4g} x ' if summary.together > 1 else ''}{what} / latency"


def _metric_rows(summary: Summary) -> list[tuple[Cell, ...]]:
    """Say how good the answers are, with what chance leaves open, and the float network's."""
    if not summary.metrics:
        return [("accuracy", "-", "not measured: the weights or the inputs are random")]
    rows: list[tuple[Cell, ...]] = []
    for name, metric in summary.metrics.items():
        text = f"{metric.count:,} answers of the chip, 95% confidence"
        rows.append((in_words(name), measured(metric, interval=True), text))
        if metric.reference is not None:
            text = "the same sequences, network in float64"
            reference = measured(metric, metric.reference)
            rows.append((f"{in_words(name)}, float", reference, text))
    return rows


def in_words(metric: str) -> str:
    """Return the name of a metric as it is read."""
    return metric.replace("_", " ")


def measured(metric: Metric, value: float | None = None, *, interval: bool = False) -> Value:
    """Return a metric, or another value of it, read in percent where it is a share.

    Parameters
    ----------
    metric : Metric
        The metric.
    value : float, optional
        A value in place of its own.
    interval : bool
        Whether its interval goes with it.
    """
    within = None if not interval or math.isnan(metric.low) else (metric.low, metric.high)
    form = ".2%" if metric.share else ".4g"
    return number(metric.value if value is None else value, form, within=within)


def _programming_rows(summary: Summary) -> list[tuple[Cell, ...]]:
    if not summary.programming_pulses:
        return []
    text = f"{summary.programming_pulses:,} pulses, once"
    return [("programming", quantity(summary.programming_energy_j, "J"), text)]


def _cycles(summary: Summary) -> str:
    mean = "" if summary.cycles.is_integer() else "on average "
    return f"{mean}{summary.cycles:,.10g} cycles at {with_prefix(summary.clock_hz, 'Hz')}"


def _by_component(summary: Summary) -> Table:
    names = dict.fromkeys([*summary.energy_by_component, *summary.area_by_component])
    order = sorted(names, key=lambda name: -summary.energy_by_component.get(name, 0.0))

    def row(name: str, energy: float, area: float) -> tuple[Cell, ...]:
        return (
            name,
            quantity(energy, "J"),
            _share(energy, summary.energy_j),
            square_micrometres(area),
            _share(area, summary.area_m2),
        )

    rows: list[tuple[Cell, ...] | None] = [
        row(
            name,
            summary.energy_by_component.get(name, 0.0),
            summary.area_by_component.get(name, 0.0),
        )
        for name in order
    ]
    whole = number(1.0, ".1%")
    total = (
        *("total", quantity(summary.energy_j, "J"), whole),
        *(square_micrometres(summary.area_m2), whole),
    )
    columns = [
        Column("component", "component"),
        Column("energy", "energy", right=True),
        Column("energy_share", "share", right=True),
        Column("area", "area (um^2)", right=True),
        Column("area_share", "share", right=True),
    ]
    return table("by component", columns, [*rows, None, total])


def _share(part: float, whole: float) -> Value:
    return number(part / whole if whole else None, ".1%")


def usage_table(share: dict[str, float], counts: dict[str, tuple[int, int]] | None = None) -> Table:
    """Return a table of how busy resources are, the busiest first; the last of many in one row.

    Parameters
    ----------
    share : dict of str to float
        Share of the cycles in which each resource is busy.
    counts : dict of str to (int, int), optional
        Its busy cycles and operations.
    """
    more = ("busy cycles", "operations") if counts else ()
    ordered = sorted(share, key=lambda name: -share[name])
    shown = ordered if len(ordered) <= _RESOURCES + 1 else ordered[:_RESOURCES]
    rows: list[tuple[Cell, ...]] = [
        (
            name,
            number(share[name], ".1%"),
            _bar(share[name]),
            *(number(count, ",") for count in (counts[name] if counts else ())),
        )
        for name in shown
    ]
    if rest := ordered[len(shown) :]:
        low, high = f"{share[rest[-1]]:.1%}", f"{share[rest[0]]:.1%}"
        text = low if low == high else f"{low} to {high}"
        rows.append((f"{len(rest)} others", text, "", *("" for _ in more)))
    columns = [
        Column("resource", "resource"),
        Column("busy", "busy", right=True),
        Column("bar", ""),
        *(Column(name, name, right=True) for name in more),
    ]
    return table("utilisation", columns, rows)


def _bar(share: float) -> str:
    return "#" * max(round(share * 20), 1 if share > 0 else 0)
