"""Commands that look at what a run left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archsim.console import progress_of, say, show
from archsim.options import JsonOption, PlotOption, TraceArgument


def report(
    trace: TraceArgument,
    as_json: JsonOption = False,
) -> None:
    """Print the report of a trace.

    Example: archsim report traces/kws.h5
    """
    from archsim.api import runs

    show(runs.open_trace(trace).summary, as_json=as_json)


def timeline(
    source: Annotated[
        Path, typer.Argument(metavar="TRACE_OR_CONFIG", help="trace (.h5) or configuration")
    ],
    sequence: Annotated[
        int, typer.Option("--sequence", metavar="N", min=0, help="sequence to show, from 0")
    ] = 0,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how busy every resource is, and the critical path of a sequence.

    Example: archsim timeline traces/kws.h5
    """
    from archsim.api import looks, reports

    reports.check_picture(plot)
    with progress_of(source.stem) as progress:
        found = looks.timeline(source, sequence, progress=progress)
    show(found, as_json=as_json)
    if plot:
        reports.draw(found, plot)


def plot(
    trace: TraceArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="picture (.png, .pdf, .svg)")],
    conversion: Annotated[
        int, typer.Option("--conversion", metavar="N", help="which recorded conversion, from 0")
    ] = 0,
    tile: Annotated[
        str | None, typer.Option("--tile", metavar="NAME", help="tile [default: the first]")
    ] = None,
) -> None:
    """Draw one conversion of a trace: columns, ramps, latches, energy a cycle.

    Example: archsim plot traces/kws.h5 --out conversion.png
    """
    from archsim.api import looks, reports

    reports.check_picture(out)
    reports.draw(looks.conversion(trace, conversion, tile), out)
    say(f"picture: {out}")
