"""Growth curves as a table and as a picture."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from archsim.bench.growth import Point, exponent
from archsim.report.table import Cell, Column, Report, number, quantity, report, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def growth_report(points: list[Point]) -> Report:
    """Return a table with a row a point of every curve, and the power with which time grows."""
    rows: list[tuple[Cell, ...] | None] = []
    notes = []
    for name, curve in _curves(points).items():
        first = curve[0]
        for point in curve:
            timed = not math.isnan(point.seconds)
            relative = point.seconds / first.seconds / point.work
            rows.append(
                (
                    name,
                    number(point.value, ","),
                    number(point.work, ",.1f"),
                    quantity(point.seconds, "s"),
                    number(relative, ".2f"),
                    "-" if timed else number(point.peak_mib, ",.0f", "MiB", after=" MiB"),
                )
            )
        rows.append(None)
        if curve[-1].work > 1 and not math.isnan(first.seconds):
            notes.append(f"{name}: time grows with work to the power {exponent(curve):.2f}")
    notes.append("work: rows x columns, timesteps or sequences, over that of the first point")
    headings = ("value", "work", "time", "time / work", "memory")
    columns = [
        Column("varied", "varied", once=True),
        *(Column(name, name, right=True) for name in headings),
    ]
    return report(table("growth of time and memory", columns, rows), *notes)


def growth_to_json(points: list[Point]) -> dict[str, Any]:
    """Return the object that ``archsim bench --growth --json`` prints."""

    def known(value: Any) -> Any:
        return None if isinstance(value, float) and math.isnan(value) else value

    rows = [{key: known(value) for key, value in asdict(point).items()} for point in points]
    return {"points": rows}


def _curves(points: list[Point]) -> dict[str, list[Point]]:
    out: dict[str, list[Point]] = {}
    for point in points:
        out.setdefault(point.curve, []).append(point)
    return out


def draw_growth(figure: Figure, points: list[Point]) -> None:
    """Draw time over work, a line a curve, and what linear growth would be."""
    figure.set_size_inches(5.6, 4.0)
    axis = figure.subplots()
    largest = 1.0
    for name, curve in _curves(points).items():
        if curve[-1].work > 1 and not math.isnan(curve[0].seconds):
            work = [point.work for point in curve]
            time = [point.seconds / curve[0].seconds for point in curve]
            axis.plot(work, time, "o-", label=name)
            largest = max(largest, work[-1])
    axis.plot([1, largest], [1, largest], color="grey", lw=0.8, label="linear")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("work (rows x columns, timesteps or sequences), relative")
    axis.set_ylabel("time, relative")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
