"""Reports as text and as HTML, for what is no terminal."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

_WIDTH = 120
"""Columns of a report as text."""

_HTML = "<pre style=\"font-family:Menlo,'DejaVu Sans Mono',consolas,monospace\">{code}</pre>"


def as_text(report: RenderableType) -> str:
    """Return a report as lines of text."""
    console = _console()
    with console.capture() as captured:
        console.print(report)
    return captured.get().rstrip()


def as_html(report: RenderableType) -> str:
    """Return a report as a piece of HTML, with its styles in it."""
    console = _console(record=True)
    console.print(report)
    return console.export_html(inline_styles=True, code_format=_HTML)


def _console(*, record: bool = False) -> Console:
    return Console(
        file=io.StringIO(),
        width=_WIDTH,
        record=record,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=False,
    )
