"""The result of an experiment as a table, and its figure as a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from archsim.errors import InputError, TraceError
from archsim.experiments import ExperimentResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 150
_SUFFIXES = (".png", ".pdf", ".svg")


def experiment_report(result: ExperimentResult) -> RenderableType:
    """Return the table of a result with its notes."""
    table = Table(title=result.title, title_justify="left")
    for column in result.columns:
        table.add_column(column.heading, justify="right" if column.form else "left")
    for row in result.rows:
        table.add_row(*(format(row[column.key], column.form) for column in result.columns))
    return Group(table, *(Text(note) for note in result.notes))


def save_figure(draw: Callable[[Figure], Any], path: Path) -> None:
    """Draw a figure and write it as PNG, PDF or SVG, by the file's name.

    Raises
    ------
    InputError
        If matplotlib is not installed, or the file cannot be written.
    """
    if path.suffix.lower() not in _SUFFIXES:
        msg = f"{path}: a picture's name has to end in {', '.join(_SUFFIXES)}"
        raise InputError(msg)
    try:
        from matplotlib.figure import Figure as MatplotlibFigure
    except ImportError as error:
        msg = "drawing needs matplotlib: pip install 'archsim[plot]'"
        raise InputError(msg) from error
    figure = MatplotlibFigure(layout="constrained")
    draw(figure)
    try:
        figure.savefig(path, dpi=_DPI)
    except OSError as error:
        msg = f"{path}: the picture cannot be written ({error.strerror or error})"
        raise TraceError(msg) from error
