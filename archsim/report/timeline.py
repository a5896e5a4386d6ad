"""A timeline as tables: how busy every resource is, and the critical path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from archsim.analysis.timeline import IDLE, PathPart, Timeline
from archsim.report.run import usage_table
from archsim.si import with_prefix


def timeline_report(timeline: Timeline) -> RenderableType:
    """Return the two tables of a timeline."""
    summary = timeline.summary
    which = ", ".join(map(str, _shortened(timeline.sequences)))
    many = len(timeline.sequences) > 1
    title = (
        f"{summary.name}, sequence{'s' if many else ''} {which}"
        f"{' together' if many else ''}: {timeline.cycles:,} cycles, "
        f"{with_prefix(timeline.cycles / summary.clock_hz, 's')}"
    )
    parts: list[RenderableType] = [
        Text(title, style="bold"),
        _path_table(timeline.path, timeline.cycles),
        usage_table(
            {item.resource: item.share for item in timeline.usage},
            {item.resource: (item.busy_cycles, item.operations) for item in timeline.usage},
        ),
    ]
    if any(step.event < 0 for step in timeline.steps):
        parts.append(Text(f"{IDLE}: nothing on the path works; the resource is the one that waits"))
    return Group(*parts)


def _shortened(numbers: Sequence[int]) -> list[Any]:
    return list(numbers) if len(numbers) <= 6 else [*numbers[:2], "...", numbers[-1]]


def _path_table(path: Iterable[PathPart], total: int) -> Table:
    table = Table(title="critical path, by what works on it", title_justify="left")
    for name in ("resource", "kind"):
        table.add_column(name)
    for name in ("cycles", "share", "times"):
        table.add_column(name, justify="right")
    for part in path:
        cells = (f"{part.cycles:,}", f"{part.share:.1%}", f"{part.count:,}")
        table.add_row(part.resource, part.kind, *cells)
    table.add_section()
    table.add_row("all", "", f"{total:,}", "100.0%", "")
    return table
