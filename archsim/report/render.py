"""Reports on a terminal, as text and as HTML."""

from __future__ import annotations

import io
from html import escape
from typing import Any

from archsim.report.table import Line, Look, Report, Style, Table
from archsim.shown import shown

_WIDTH = 120
"""Columns of a report as text."""

_STYLES = {Style.PLAIN: "", Style.STRONG: "bold", Style.SLANTED: "italic"}
_TAGS = {Style.PLAIN: "p", Style.STRONG: "h4", Style.SLANTED: "p"}


def on_terminal(report: Report) -> Any:
    """Return what rich prints of a report."""
    from rich.console import Group

    return Group(*(each for part in report.parts for each in _rich(part)))


def as_text(report: Report, width: int = _WIDTH) -> str:
    """Return a report as lines of text.

    Parameters
    ----------
    report : Report
        The report.
    width : int
        Columns that it takes.
    """
    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=False,
    )
    with console.capture() as captured:
        console.print(on_terminal(report))
    return captured.get().rstrip()


def as_html(report: Report) -> str:
    """Return a report as a piece of HTML: its tables and lines, without styles of its own."""
    return "\n".join(_html_line(p) if isinstance(p, Line) else _html(p) for p in report.parts)


# ----------------------------------------------------------------- rich


def _rich(part: Table | Line) -> list[Any]:
    from rich.text import Text

    if isinstance(part, Line):
        return [Text(part.text, style=_STYLES[part.style])]
    if part.look is Look.LIST:
        title = [Text(part.title, style="italic")] if part.title else []
        return [*title, _list(part)]
    return [_table(part)]


def _table(part: Table) -> Any:
    from rich.box import HEAVY_HEAD, SIMPLE_HEAD
    from rich.table import Table as RichTable
    from rich.text import Text

    framed, padding = part.look is Look.FRAMED, 0 if part.look is Look.TIGHT else (0, 1, 0, 0)
    table = RichTable(
        title=part.title,
        title_justify="left",
        caption_justify="left",
        box=HEAVY_HEAD if framed else SIMPLE_HEAD,
        padding=(0, 1) if framed else padding,
        min_width=part.width or None,
    )
    if part.notes:
        table.caption = Text("\n".join(part.notes))
    for column in part.columns:
        table.add_column(
            column.heading,
            justify="right" if column.right else "left",
            no_wrap=column.whole,
            overflow="fold" if column.fold else "ellipsis",
        )
    for group in part.shown():
        for row in group:
            table.add_row(*(Text(cell) for cell in row))
        table.add_section()
    return table


def _list(part: Table) -> Any:
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable.grid(padding=(0, 2))
    for place, column in enumerate(part.columns):
        fold = place == len(part.columns) - 1 or column.fold
        table.add_column(no_wrap=column.whole, overflow="fold" if fold else "ellipsis")
    for group in part.shown():
        for first, *others in group:
            table.add_row(Text(f"  {first}"), *map(Text, others))
    return table


# ----------------------------------------------------------------- HTML


def _html_line(line: Line) -> str:
    tag = _TAGS[line.style]
    text = escape(shown(line.text.strip("\n"))).replace("\n", "<br>")
    return f"<{tag}>{text}</{tag}>" if text else ""


def _html(part: Table) -> str:
    out = ["<table>"]
    if part.title:
        out.append(f"<caption>{escape(shown(part.title))}</caption>")
    if part.look is not Look.LIST:
        heads = "".join(_cell("th", column.heading, column.right) for column in part.columns)
        out.append(f"<thead><tr>{heads}</tr></thead>")
    for group in part.shown():
        out.append("<tbody>")
        for row in group:
            cells = zip(row, part.columns, strict=True)
            out.append(f"<tr>{''.join(_cell('td', text, c.right) for text, c in cells)}</tr>")
        out.append("</tbody>")
    if part.notes:
        notes = "<br>".join(escape(shown(note)) for note in part.notes)
        out.append(f'<tfoot><tr><td colspan="{len(part.columns)}">{notes}</td></tr></tfoot>')
    return "\n".join([*out, "</table>"])


def _cell(tag: str, text: str, right: bool) -> str:
    side = "right" if right else "left"
    return f'<{tag} style="text-align:{side}">{escape(shown(text))}</{tag}>'
