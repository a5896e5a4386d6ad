"""What commands print: reports on stdout, progress on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from archsim.exits import check_interrupt, tell
from archsim.shown import shown

if TYPE_CHECKING:
    from archsim.report.table import Report

_WIDTH = 120
"""Columns of a report that goes to a file or a pipe."""
_TYPICAL = 80
"""Columns of a terminal that does not tell, or tells what cannot be."""
_LEAST = 20
"""Columns below which no table can be read."""


def show(found: Any, *, as_json: bool, also: dict[str, Any] | None = None) -> None:
    """Print what is said of something that archsim found, or one JSON object and nothing else.

    Names in a report are shown as they are: no markup, and escapes for control characters.

    Parameters
    ----------
    found : object
        What was found (`archsim.api.reports.report_of`).
    as_json : bool
        Whether a program reads it; the report's tables go with its data under ``tables``.
    also : dict, optional
        What else a program gets.
    """
    from archsim.api.reports import report_of, to_json

    report = report_of(found)
    if as_json:
        data = {**(also or {}), **to_json(found), "tables": report.to_json()["tables"]}
        typer.echo(json.dumps(data))
        return
    show_report(report)


def show_report(report: Report) -> None:
    """Print a report."""
    from rich.console import Console

    from archsim.report.render import on_terminal

    console = Console(width=_width(sys.stdout), highlight=False, markup=False, emoji=False)
    console.print(_Escaped(on_terminal(report)))


def _width(stream: Any) -> int:
    """Return how many columns a report takes.

    ``COLUMNS=0``, which some remote terminals set, would leave no place for anything.
    """
    if stream is None or not stream.isatty():
        return _WIDTH
    told = os.environ.get("COLUMNS", "")
    wide = [int(told)] if told.isdecimal() else []
    with suppress(OSError):
        wide.append(os.get_terminal_size(stream.fileno()).columns)
    return next((columns for columns in wide if columns >= _LEAST), _TYPICAL)


def tell_notes(notes: Iterable[str]) -> None:
    """Write on stderr what is no error but worth knowing."""
    for note in notes:
        tell(f"note: {note}")


def tell_kept(executor: Any, store: Path) -> None:
    """Write on stderr how many jobs of an executor were done, the others being in the store."""
    tell(f"{executor.computed} of {executor.asked} jobs were done; results are in {store}")


def say(text: str) -> None:
    """Print a line on stdout; control characters come out as escapes."""
    typer.echo(shown(text))


@dataclass(frozen=True)
class _Escaped:
    """A report whose text cannot steer the terminal; rich's own colours are no text."""

    report: Any

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        for segment in console.render(self.report, options):
            yield segment if segment.control else segment._replace(text=shown(segment.text))


@contextmanager
def progress_of(name: str, what: str = "sequences") -> Iterator[Callable[[int, int], None]]:
    """Show progress on stderr: a bar on a terminal, a line every tenth of the way elsewhere."""
    if sys.stderr is not None and sys.stderr.isatty():
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import Progress as Bar

        console = Console(stderr=True, width=_width(sys.stderr))
        with Bar(console=console, transient=True) as bar:
            task = bar.add_task(escape(shown(name)))

            def draw(done: int, of: int) -> None:
                check_interrupt()
                bar.update(task, completed=done, total=of)

            yield draw
        return
    told = 0

    def tell_tenths(done: int, of: int) -> None:
        nonlocal told
        check_interrupt()
        if done * 10 // of > told or done == of:
            told = done * 10 // of
            tell(f"{name}: {done} of {of} {what}")

    yield tell_tenths
