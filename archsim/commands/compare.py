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
    from archsim.experiments.side_by_side import compare as compare_designs
    from archsim.report.comparison import (
        comparison_report,
        comparison_to_json,
        draw_comparison,
    )
    from archsim.report.experiment import check_picture, save_figure

    check_picture(plot)
    found = compare_designs(designs, watch=progress_of, published=published)
    show(comparison_report(found), comparison_to_json(found), as_json=as_json)
    if plot:
        save_figure(lambda figure: draw_comparison(figure, found), plot)


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
    if against is not None:
        if networks or only or growth or plot:
            raise InputError("--against: takes no configurations, --only, --growth or --plot")
        from archsim.bench.peers.against import measure_against
        from archsim.report.against import against_report

        with progress_of(against, "cases") as progress:
            found = measure_against(against, progress)
        show(against_report(found), found.to_json(), as_json=as_json)
        return
    if plot and not growth:
        raise InputError("--plot: there is a picture with --growth only; add it or leave both")
    if growth:
        if networks or only:
            raise InputError("--growth: takes no configurations and no --only")
        from archsim.bench.growth import growth as curves
        from archsim.report.experiment import check_picture, save_figure
        from archsim.report.growth import draw_growth, growth_report, growth_to_json

        if plot:
            check_picture(plot)
        with progress_of("growth", "steps") as progress:
            points = curves(progress)
        show(growth_report(points), growth_to_json(points), as_json=as_json)
        if plot:
            save_figure(lambda figure: draw_growth(figure, points), plot)
        return
    from archsim.bench.sections import NETWORKS, measure, sections_of
    from archsim.report.speed import bench_report

    result = measure(networks or NETWORKS, sections_of(only or ()), progress_of)
    show(bench_report(result), result.to_json(), as_json=as_json)
