"""The result of an experiment as a table, and its figure as a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsim.errors import InputError
from archsim.outputs import OutputKind, begins_with, check_output, first_bytes, writing
from archsim.report.result import Column as ResultColumn
from archsim.report.result import ExperimentResult
from archsim.report.table import Cell, Column, Report, number, report, table
from archsim.shown import shown

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


def experiment_report(result: ExperimentResult) -> Report:
    """Return the table of a result with its notes."""
    columns = [Column(c.key, c.heading, right=bool(c.form)) for c in result.columns]
    rows = [[_cell(row[c.key], c) for c in result.columns] for row in result.rows]
    return report(table(result.title, columns, rows), *result.notes)


def _cell(value: Any, column: ResultColumn) -> Cell:
    """Return a value; a dash where there is none."""
    if not column.form:
        return "-" if value is None else str(value)
    return number(value, column.form, column.unit)


def sweep_report(result: Any) -> Report:
    """Return the table of a sweep (`archsim.experiments.sweep.SweepResult`)."""
    return experiment_report(result.table())


def draw_result(figure: Figure, result: ExperimentResult) -> None:
    """Draw the figure of a result.

    Raises
    ------
    InputError
        If it has none.
    """
    if result.draw is None:
        msg = f"{result.title}: there is no figure of it"
        raise InputError(msg)
    result.draw(figure)


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
    from matplotlib import rc_context
    from matplotlib.figure import Figure as MatplotlibFigure

    figure = MatplotlibFigure(layout="constrained")
    with rc_context({"text.parse_math": False}):  # a name with a $ in it is no formula
        draw(figure)
    _show_names_as_they_are(figure)
    with writing(path, _kind_of(path)) as draft:
        figure.savefig(draft, dpi=_DPI, format=path.suffix.lower()[1:])


def _show_names_as_they_are(figure: Figure) -> None:
    """Keep matplotlib from reading names as formulas, and control characters out of a picture.

    Only a tick's number may be a formula: a power of ten.
    """
    from matplotlib.text import Text as FigureText
    from matplotlib.ticker import FixedFormatter, FuncFormatter

    for text in figure.findobj(FigureText):
        text.set_text(shown(text.get_text()))
    for axis in (item for axes in figure.axes for item in (axes.xaxis, axes.yaxis)):
        named = axis.get_major_formatter()
        if isinstance(named, FixedFormatter | FuncFormatter):
            axis.set_major_formatter(_shown_by(named))
        else:
            for label in axis.get_ticklabels(which="both"):
                label.set_parse_math(True)


def _shown_by(formatter: Any) -> Callable[[float, Any], str]:
    return lambda value, position: shown(formatter(value, position))


def _kind_of(path: Path) -> OutputKind:
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        msg = f"{path}: a picture's name has to end in {', '.join(_KINDS)}"
        raise InputError(msg)
    return kind
