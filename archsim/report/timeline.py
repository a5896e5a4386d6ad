"""A timeline as tables: how busy every resource is, and the critical path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from archsim.analysis.timeline import IDLE, PathPart, Timeline
from archsim.report.run import usage_table
from archsim.report.table import (
    Cell,
    Column,
    Line,
    Part,
    Report,
    Style,
    Table,
    number,
    report,
    table,
)
from archsim.si import with_prefix


def timeline_report(timeline: Timeline) -> Report:
    """Return the two tables of a timeline."""
    summary = timeline.summary
    which = ", ".join(map(str, _shortened(timeline.sequences)))
    many = len(timeline.sequences) > 1
    title = (
        f"{summary.name}, sequence{'s' if many else ''} {which}"
        f"{' together' if many else ''}: {timeline.cycles:,} cycles, "
        f"{with_prefix(timeline.cycles / summary.clock_hz, 's')}"
    )
    parts: list[Part | str] = [
        Line(title, Style.STRONG),
        _path_table(timeline.path, timeline.cycles),
        usage_table(
            {item.resource: item.share for item in timeline.usage},
            {item.resource: (item.busy_cycles, item.operations) for item in timeline.usage},
        ),
    ]
    if any(step.event < 0 for step in timeline.steps):
        parts.append(f"{IDLE}: nothing on the path works; the resource is the one that waits")
    return report(*parts)


def _shortened(numbers: Sequence[int]) -> list[Any]:
    return list(numbers) if len(numbers) <= 6 else [*numbers[:2], "...", numbers[-1]]


def _path_table(path: Iterable[PathPart], total: int) -> Table:
    rows: list[tuple[Cell, ...] | None] = [
        (
            part.resource,
            part.kind,
            number(part.cycles, ","),
            number(part.share, ".1%"),
            number(part.count, ","),
        )
        for part in path
    ]
    rows += [None, ("all", "", number(total, ","), number(1.0, ".1%"), "")]
    columns = [
        Column("resource", "resource"),
        Column("kind", "kind"),
        *(Column(name, name, right=True) for name in ("cycles", "share", "times")),
    ]
    return table("critical path, by what works on it", columns, rows)
