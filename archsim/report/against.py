"""The comparison with a peer as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from archsim.bench.peers.against import Against


def against_report(found: Against) -> RenderableType:
    """Return a table with a row a matrix, archsim beside a peer."""
    clocked = any(case.theirs_cycles_per_s for case in found.cases)
    table = Table(title=f"one timestep, archsim against {found.version}", title_justify="left")
    for name in ("matrix", "batch", "noise"):
        table.add_column(name, justify="right" if name == "batch" else "left")
    for name in ("ours", "theirs", *(["ours", "theirs"] if clocked else []), "times as fast"):
        table.add_column(name, justify="right")
    for case in found.cases:
        rates = (case.ours_cycles_per_s, case.theirs_cycles_per_s) if clocked else ()
        table.add_row(
            f"{case.rows} x {case.columns}" + (f", {case.form}" if case.form else ""),
            str(case.batch),
            "read" if case.noise else "off",
            f"{case.ours_us:,.1f} us",
            f"{case.theirs_us:,.1f} us",
            *("-" if rate is None else f"{rate:,.0f} /s" for rate in rates),
            f"{case.ratio:,.0f}" if case.ratio >= 100 else f"{case.ratio:.3g}",
        )
    notes = [f"checked first: {case.checked}" for case in found.cases]
    clock = "/s: tile-cycles a second; " if clocked else ""
    notes.append(f"{clock}medians of pairs in turn; load {found.load:.1f} on {found.cores} cores")
    if found.target:
        answer = "yes" if found.reached else "no, not always"
        notes.append(f"at least {found.target:,.0f} times as fast: {answer}")
    return Group(table, *(Text(note) for note in (*notes, found.note)))
