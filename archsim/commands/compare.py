"""Commands that hold designs against each other, and the simulator against others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archsim.console import progress_of, show
from archsim.errors import InputError
from archsim.options import JsonOption, PlotOption


def compare(
    designs: Annotated[
        list[Path], typer.Argument(metavar="DESIGN...", help="traces (.h5) or configurations")
    ],
    published: Annotated[
        Path | None,
        typer.Option("--published", metavar="FILE", help="published accelerators beside them"),
    ] = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare designs on the same network: ratios at three levels, and what makes them.

    Example: archsim compare kws conventional
    """
    from archsim.api import looks, reports

    reports.check_picture(plot)
    found = looks.compare(designs, watch=progress_of, published=published)
    show(found, as_json=as_json)
    if plot:
        reports.draw(found, plot)


def bench(
    networks: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[CONFIG]...", help="configurations [default: the two networks]"),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="SECTION",
            help="speed, recording, noise, limits, file or start; repeat it for several",
        ),
    ] = None,
    growth: Annotated[
        bool, typer.Option("--growth", help="growth curves over size, timesteps, sequences, tiles")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="PEER", help="verilator, ngspice, crosssim, aihwkit"),
    ] = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the simulator's speed and hold it against its aims, or against another simulator.

    Example: archsim bench --only speed
    """
    from archsim.api import reports, studies

    if against is not None:
        if networks or only or growth or plot:
            raise InputError("--against: takes no configurations, --only, --growth or --plot")
        with progress_of(against, "cases") as progress:
            beside = studies.measure_against(against, progress)
        show(beside, as_json=as_json)
        return
    if plot and not growth:
        raise InputError("--plot: there is a picture with --growth only; add it or leave both")
    if growth:
        if networks or only:
            raise InputError("--growth: takes no configurations and no --only")
        reports.check_picture(plot)
        with progress_of("growth", "steps") as progress:
            points = studies.measure_growth(progress)
        show(points, as_json=as_json)
        if plot:
            reports.draw(points, plot)
        return
    show(studies.measure_speed(networks or (), only=only or (), watch=progress_of), as_json=as_json)
