"""What is said of anything: tables and lines of text, before they are text, HTML or JSON.

A report is made once, from what was found; `archsim.report.render` shows it on a terminal, in a
notebook or to a program. A number stands in it as it is meant, in SI with its unit, and as it is
read, in a text; an interval and a source go with it where they are known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from archsim.si import with_prefix


@dataclass(frozen=True)
class Value:
    """A number in a table.

    Attributes
    ----------
    text : str
        As it is read, with its unit where the column's heading has none; the interval comes behind.
    value : float, int, bool or None
        As it is meant, in SI; None or NaN where there is none.
    unit : str
        Its SI unit; 1 of shares, ratios and counts.
    low, high : float or None
        Ends of its interval, where one is known, in the same unit.
    low_text, high_text : str
        As they are read.
    source : str or None
        Where it is from.
    """

    text: str
    value: float | None
    unit: str = "1"
    low: float | None = None
    high: float | None = None
    low_text: str = ""
    high_text: str = ""
    source: str | None = None

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return self.text
        return f"{self.text} ({self.low_text} .. {self.high_text})"

    def to_json(self) -> dict[str, Any]:
        """Return the number with what is known of it; null for what is no number."""
        out: dict[str, Any] = {"value": _plain(self.value), "unit": self.unit}
        if self.low is not None and self.high is not None:
            out |= {"low": _plain(self.low), "high": _plain(self.high)}
        return out if self.source is None else {**out, "source": self.source}


Cell = str | Value
"""A cell of a table: a text or a number."""


def quantity(
    value: float | None,
    unit: str,
    digits: int = 4,
    *,
    within: tuple[float, float] | None = None,
    source: str | None = None,
) -> Value:
    """Return a quantity that is read with a prefix, such as ``3.735 us``; a dash for none.

    Parameters
    ----------
    value : float or None
        In SI.
    unit : str
        Its SI unit.
    digits : int
        Digits that are shown.
    within : (float, float), optional
        Its interval.
    source : str, optional
        Where it is from.
    """
    return _value(value, unit, lambda number: with_prefix(number, unit, digits), within, source)


def number(
    value: float | None,
    form: str,
    unit: str = "1",
    *,
    scale: float = 1.0,
    after: str = "",
    within: tuple[float, float] | None = None,
    source: str | None = None,
) -> Value:
    """Return a number that is read in a format of Python's; a dash for none.

    Parameters
    ----------
    value : float or None
        In SI.
    form : str
        The format, such as ``.2%``.
    unit : str
        Its SI unit.
    scale : float
        What it is multiplied with to be read, 1e12 for um^2.
    after : str
        What is read behind it, such as a unit.
    within, source
        As of `quantity`.
    """

    def read(each: float) -> str:
        shown = each if scale == 1.0 else each * scale
        return f"{format(shown, form)}{after}"

    return _value(value, unit, read, within, source)


def _value(
    value: float | None,
    unit: str,
    read: Callable[[float], str],
    within: tuple[float, float] | None,
    source: str | None,
) -> Value:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return Value("-", None, unit, source=source)
    if within is None:
        return Value(read(value), value, unit, source=source)
    low, high = within
    return Value(read(value), value, unit, low, high, read(low), read(high), source)


class Look(StrEnum):
    """How a table looks on a terminal."""

    FRAMED = "framed"
    OPEN = "open"
    TIGHT = "tight"
    """As open, without space around cells."""
    LIST = "list"
    """No heading and no lines."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    key : str
        Its name for programs.
    heading : str
        What stands above it, with the unit that its numbers are read in where they do not say.
    right : bool
        Whether its cells end where it ends, as numbers do.
    once : bool
        Whether a cell that is the same as the one above is left empty when it is read.
    whole : bool
        Whether no cell is broken into lines.
    fold : bool
        Whether a long word may be broken anywhere.
    """

    key: str
    heading: str
    right: bool = False
    once: bool = False
    whole: bool = False
    fold: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    title : str
        What it shows.
    columns : tuple of Column
        Its columns.
    groups : tuple of tuple of rows
        Its rows, tuples of cells, in groups with a line between them.
    notes : tuple of str
        Lines below it that belong to it.
    look : Look
        How it looks on a terminal.
    width : int
        The least columns of a terminal that it takes.
    """

    title: str
    columns: tuple[Column, ...]
    groups: tuple[tuple[tuple[Cell, ...], ...], ...]
    notes: tuple[str, ...] = ()
    look: Look = Look.FRAMED
    width: int = 0

    def __post_init__(self) -> None:
        keys = [column.key for column in self.columns]
        if len(set(keys)) != len(keys):  # JSON has rows by key
            msg = f"table '{self.title}': its columns have keys of their own, not {keys}"
            raise ValueError(msg)

    @property
    def rows(self) -> Iterator[tuple[Cell, ...]]:
        """Its rows, whatever group they are in."""
        return (row for group in self.groups for row in group)

    def shown(self) -> Iterator[list[list[str]]]:
        """Yield the rows of each group as they are read."""
        above: list[str] = []
        for group in self.groups:
            shown = []
            for row in group:
                texts = [str(cell) for cell in row]
                begun = True  # a column that is shown once shows again below another one's change
                line = []
                for place, (column, text) in enumerate(zip(self.columns, texts, strict=True)):
                    same = begun and bool(above) and above[place] == text and column.once
                    begun = begun and (same or not column.once)
                    line.append("" if same else text)
                above = texts
                shown.append(line)
            yield shown

    def to_json(self) -> dict[str, Any]:
        """Return the table as plain data: a row is an object by the columns' keys."""
        return {
            "title": self.title,
            "columns": [{"key": c.key, "heading": c.heading} for c in self.columns],
            "rows": [
                {
                    column.key: cell.to_json() if isinstance(cell, Value) else cell
                    for column, cell in zip(self.columns, row, strict=True)
                }
                for row in self.rows
            ],
            "notes": list(self.notes),
        }


def table(
    title: str,
    columns: Sequence[Column | str],
    rows: Iterable[Sequence[Cell] | None],
    *,
    notes: Sequence[str] = (),
    look: Look = Look.FRAMED,
    width: int = 0,
) -> Table:
    """Return a table.

    Parameters
    ----------
    title : str
        What it shows.
    columns : sequence of Column or str
        Its columns; a heading alone is one of texts, whose key it is.
    rows : iterable of sequences of cells
        Its rows; None begins another group.
    notes, look, width
        As of `Table`.
    """
    groups: list[list[tuple[Cell, ...]]] = [[]]
    for row in rows:
        if row is None:
            groups.append([])
        else:
            groups[-1].append(tuple(row))
    return Table(
        title=title,
        columns=tuple(c if isinstance(c, Column) else Column(c, c) for c in columns),
        groups=tuple(tuple(group) for group in groups if group),
        notes=tuple(notes),
        look=look,
        width=width,
    )


class Style(StrEnum):
    """How a line looks."""

    PLAIN = "plain"
    STRONG = "strong"
    SLANTED = "slanted"


@dataclass(frozen=True)
class Line:
    """A line of text, or a paragraph.

    Attributes
    ----------
    text : str
        The text.
    style : Style
        How it looks.
    """

    text: str
    style: Style = Style.PLAIN


Part = Table | Line


@dataclass(frozen=True)
class Report:
    """What is said of something, from top to bottom; it prints as text, and notebooks show it.

    Attributes
    ----------
    parts : tuple of Table or Line
        Its parts.

    Examples
    --------
    >>> from archsim.report.table import report, table
    >>> found = report(table("bits", ["bits", "accuracy"], [("4", "95 %"), ("5", "96 %")]), "done")
    >>> [each.title for each in found.tables], found.to_json()["lines"]
    (['bits'], ['done'])
    """

    parts: tuple[Part, ...] = field(default_factory=tuple)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Its tables."""
        return tuple(part for part in self.parts if isinstance(part, Table))

    def __str__(self) -> str:
        from archsim.report.render import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from archsim.report.render import as_html

        return as_html(self)

    def to_json(self) -> dict[str, Any]:
        """Return its tables and its lines as plain data."""
        lines = [part.text for part in self.parts if isinstance(part, Line) and part.text.strip()]
        return {"tables": [each.to_json() for each in self.tables], "lines": lines}


def report(*parts: Part | str) -> Report:
    """Return a report of some parts; a text is a plain line."""
    return Report(tuple(Line(part) if isinstance(part, str) else part for part in parts))


def _plain(value: float | None) -> float | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
