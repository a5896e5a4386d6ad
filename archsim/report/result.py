"""The result of an experiment: rows, what its columns are, and its figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Column:
    """A column of a result: key of the rows, heading with its unit, format of its numbers."""

    key: str
    heading: str
    form: str = ""

    @property
    def unit(self) -> str:
        """Unit of its numbers, which stands at the end of the heading in brackets; 1 without."""
        _, bracket, rest = self.heading.rpartition(" (")
        return rest.removesuffix(")") if bracket and rest.endswith(")") else "1"


@dataclass(frozen=True)
class ExperimentResult:
    """What an experiment found.

    Attributes
    ----------
    title : str
        Heading of the table.
    columns : tuple of Column
        Columns of the table.
    rows : list of dict
        Rows, by the columns' keys; may hold more than is shown.
    notes : tuple of str
        Lines below the table.
    draw : callable, optional
        Draws the figure.
    """

    title: str
    columns: tuple[Column, ...]
    rows: list[dict[str, Any]]
    notes: tuple[str, ...] = ()
    draw: Callable[[Figure], None] | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``archsim experiment --json`` prints."""
        return {"title": self.title, "rows": self.rows, "notes": list(self.notes)}
