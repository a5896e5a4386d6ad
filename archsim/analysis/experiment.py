"""The result of an experiment as a table, and its figure as a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from archsim.errors import InputError
from archsim.experiments import ExperimentResult
from archsim.outputs import OutputKind, begins_with, check_output, first_bytes, writing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 150


def _is_svg(path: Path) -> bool:
    head = first_bytes(path)
    return head.startswith(b"<?xml") and b"<svg" in head


_KINDS = {
    ".png": OutputKind("a PNG picture", begins_with(b"\x89PNG\r\n\x1a\n"), "name", "the picture"),
    ".pdf": OutputKind("a PDF picture", begins_with(b"%PDF-"), "name", "the picture"),
    ".svg": OutputKind("an SVG picture", _is_svg, "name", "the picture"),
}


def experiment_report(result: ExperimentResult) -> RenderableType:
    """Return the table of a result with its notes."""
    table = Table(title=result.title, title_justify="left")
    for column in result.columns:
        table.add_column(column.heading, justify="right" if column.form else "left")
    for row in result.rows:
        table.add_row(*(_cell(row[column.key], column.form) for column in result.columns))
    return Group(table, *(Text(note) for note in result.notes))


def _cell(value: Any, form: str) -> str:
    """Write a value; a dash where there is none."""
    return "-" if value is None else format(value, form)


def check_picture(path: Path | None) -> None:
    """Raise unless a picture can be drawn and written, before the work that it shows; None is fine.

    Raises
    ------
    InputError
        If the name does not end like a picture's, matplotlib is not installed, or the file cannot
        be written or is something else.
    """
    if path is None:
        return
    kind = _kind_of(path)
    try:
        import matplotlib.figure  # noqa: F401 - only whether it is there
    except ImportError as error:
        msg = "drawing needs matplotlib: pip install 'archsim[plot]'"
        raise InputError(msg) from error
    check_output(path, kind)


def save_figure(draw: Callable[[Figure], Any], path: Path) -> None:
    """Draw a figure and write it as PNG, PDF or SVG, by the file's name.

    Raises
    ------
    InputError
        As `check_picture` does.
    """
    check_picture(path)
    from matplotlib.figure import Figure as MatplotlibFigure

    figure = MatplotlibFigure(layout="constrained")
    draw(figure)
    with writing(path, _kind_of(path)) as draft:
        figure.savefig(draft, dpi=_DPI, format=path.suffix.lower()[1:])


def _kind_of(path: Path) -> OutputKind:
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        msg = f"{path}: a picture's name has to end in {', '.join(_KINDS)}"
        raise InputError(msg)
    return kind
