"""The comparison with a peer as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archsim.report.table import Column, Report, number, report, table

if TYPE_CHECKING:
    from archsim.bench.peers.against import Against


def against_report(found: Against) -> Report:
    """Return a table with a row a matrix, archsim beside a peer."""
    clocked = any(case.theirs_cycles_per_s for case in found.cases)
    rates = [("ours_rate", "ours"), ("theirs_rate", "theirs")] if clocked else []
    columns = [
        Column("matrix", "matrix"),
        Column("batch", "batch", right=True),
        Column("noise", "noise"),
        Column("ours", "ours", right=True),
        Column("theirs", "theirs", right=True),
        *(Column(key, heading, right=True) for key, heading in rates),
        Column("ratio", "times as fast", right=True),
    ]
    rows = []
    for case in found.cases:
        each = (case.ours_cycles_per_s, case.theirs_cycles_per_s) if clocked else ()
        rows.append(
            (
                f"{case.rows} x {case.columns}" + (f", {case.form}" if case.form else ""),
                number(case.batch, ""),
                "read" if case.noise else "off",
                number(case.ours_us / 1e6, ",.1f", "s", scale=1e6, after=" us"),
                number(case.theirs_us / 1e6, ",.1f", "s", scale=1e6, after=" us"),
                *(number(rate, ",.0f", "1/s", after=" /s") for rate in each),
                number(case.ratio, ",.0f" if case.ratio >= 100 else ".3g"),
            )
        )
    title = f"one timestep, archsim against {found.version}"
    notes = [f"checked first: {case.checked}" for case in found.cases]
    clock = "/s: tile-cycles a second; " if clocked else ""
    notes.append(f"{clock}medians of pairs in turn; load {found.load:.1f} on {found.cores} cores")
    if found.target:
        answer = "yes" if found.reached else "no, not always"
        notes.append(f"at least {found.target:,.0f} times as fast: {answer}")
    return report(table(title, columns, rows), *notes, found.note)
