"""Published accelerators as a table, simulated designs beside them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from archsim.analysis.published import RULE, Figures, PublishedRow, SimulatedRow, label_of, times
from archsim.si import with_prefix

_LEGEND = "*: not given, computed from what is. -: not given, or no rule for its node."


def published_table(rows: list[PublishedRow], simulated: Sequence[SimulatedRow] = ()) -> Table:
    """Return a table with two lines an accelerator, and the rule below it.

    Simulated designs come first; one of the rows' node and clock has one line.
    """
    title = "simulated and published accelerators" if simulated else "published accelerators"
    table = Table(
        title=title,
        title_justify="left",
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.caption = Text(f"{_LEGEND}\n{RULE}")
    for heading in ("accelerator", "figures, bits"):
        table.add_column(heading)
    for heading in ("node", "clock", "TOPS", "TOPS/W", "mm^2", "TOPS/mm^2"):
        table.add_column(heading, justify="right", no_wrap=True)
    for design in simulated:
        own = (design.node, design.clock)
        table.add_row(
            design.name, f"simulated, {design.bits}", *_place(*own), *_cells(design.raw, ())
        )
        if own != (rows[0].node, rows[0].clock):
            to = _place(rows[0].node, rows[0].clock)
            table.add_row("", "normalised", *to, *_cells(design.normalised, ()))
        table.add_section()
    for row in rows:
        entry = row.entry
        what = ", ".join(part for part in (entry.basis, entry.bits) if part)
        own_place = _place(entry.node, entry.clock)
        table.add_row(label_of(entry), what, *own_place, *_cells(row.raw, row.derived))
        to = _place(row.node, row.clock)
        table.add_row("", "normalised", *to, *_cells(row.normalised, row.derived))
        table.add_section()
    return table


def _place(node: float, clock: float | None) -> tuple[str, str]:
    return with_prefix(node, "m"), "-" if clock is None else with_prefix(clock, "Hz")


def _cells(figures: Figures, derived: tuple[str, ...]) -> list[str]:
    values = {
        "tops": figures.tops,
        "tops_per_w": figures.tops_per_w,
        "area_m2": times(figures.area_m2, 1e6),
        "tops_per_mm2": figures.tops_per_mm2,
    }
    return [
        "-" if value is None else f"{value:.3g}{'*' if key in derived else ''}"
        for key, value in values.items()
    ]
