"""Published accelerators as a table, simulated designs beside them."""

from __future__ import annotations

from collections.abc import Sequence

from archsim.analysis.published import RULE, Figures, PublishedRow, SimulatedRow, label_of
from archsim.report.table import (
    Cell,
    Column,
    Look,
    Table,
    Value,
    number,
    quantity,
    table,
)

_LEGEND = "*: not given, computed from what is. -: not given, or no rule for its node."


def published_table(rows: list[PublishedRow], simulated: Sequence[SimulatedRow] = ()) -> Table:
    """Return a table with two lines an accelerator, and the rule below it.

    Simulated designs come first; one of the rows' node and clock has one line.
    """
    lines: list[tuple[Cell, ...] | None] = []
    for design in simulated:
        own, there = (design.node, design.clock), (rows[0].node, rows[0].clock)
        what = f"simulated, {design.bits}"
        lines.append((design.name, what, *_place(*own), *_cells(design.raw, ())))
        if own != there:
            to = _place(*there)
            lines.append((design.name, "normalised", *to, *_cells(design.normalised, ())))
        lines.append(None)
    for row in rows:
        entry = row.entry
        name = label_of(entry)
        what = ", ".join(part for part in (entry.basis, entry.bits) if part)
        own_place = _place(entry.node, entry.clock)
        lines.append((name, what, *own_place, *_cells(row.raw, row.derived)))
        to = _place(row.node, row.clock)
        lines += [(name, "normalised", *to, *_cells(row.normalised, row.derived)), None]
    headings = ("node", "clock", "TOPS", "TOPS/W", "mm^2", "TOPS/mm^2")
    columns = [
        Column("accelerator", "accelerator", once=True),
        Column("what", "figures, bits"),
        *(Column(name, name, right=True, whole=True) for name in headings),
    ]
    title = "simulated and published accelerators" if simulated else "published accelerators"
    return table(title, columns, lines, notes=(*_LEGEND.split("\n"), RULE), look=Look.OPEN)


def _place(node: float, clock: float | None) -> tuple[Value, Value]:
    return quantity(node, "m"), quantity(clock, "Hz")


def _cells(figures: Figures, derived: tuple[str, ...]) -> list[Value]:
    values = {
        "tops": (figures.tops, "1e12/s", 1.0),
        "tops_per_w": (figures.tops_per_w, "1e12/J", 1.0),
        "area_m2": (figures.area_m2, "m^2", 1e6),
        "tops_per_mm2": (figures.tops_per_mm2, "1e12/s/mm^2", 1.0),
    }
    return [
        number(value, ".3g", unit, scale=scale, after="*" if key in derived else "")
        for key, (value, unit, scale) in values.items()
    ]
