"""The command line: commands over the rooms, with no logic of their own.

Nothing heavy is imported before a command needs it, so that ``--help`` answers at once. How a
command ends is in `archsim.exits`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from archsim import __version__
from archsim.console import progress_of, say, show, tell_notes
from archsim.errors import InputError
from archsim.exits import run_and_exit, tell
from archsim.notes import when_noted
from archsim.options import ConfigArgument, JsonOption, PlotOption, SetOption, TraceArgument

app = typer.Typer(
    name="archsim",
    help="Simulate analog in-memory-computing chips for recurrent networks, cycle by cycle.",
    epilog="Exit codes: 0 done, 2 the input is wrong, 130 interrupted, 1 anything else.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich doubles the time that --help takes
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"archsim {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="print the version and exit"
        ),
    ] = False,
) -> None:
    """Simulate analog in-memory-computing chips for recurrent networks, cycle by cycle."""


@app.command()
def run(
    config: ConfigArgument,
    overrides: SetOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="trace to write [default: traces/<name>.h5]"),
    ] = None,
    threads: Annotated[int, typer.Option("--threads", min=1, help="threads to compute with")] = 1,
    accelergy: Annotated[
        Path | None,
        typer.Option("--accelergy", metavar="FOLDER", help="folder for Accelergy's tables"),
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="say on stderr where the wall time went")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Simulate a configuration, write its trace and print its report."""
    from archsim.clipping import worth_telling
    from archsim.config.load import load_config
    from archsim.costs.accelergy import check_folder

    loaded = load_config(config, overrides or ())
    tell_notes(loaded.notes)
    from archsim.numeric.jit import when_compiling
    from archsim.run.recording.actions import write_actions
    from archsim.run.simulate import run as simulate

    if accelergy:
        check_folder(accelergy, inputs=loaded.inputs)
    note = "compiling kernels: half a minute, a minute with waveforms"
    when_compiling(lambda: tell(note))
    with progress_of(loaded.config.name) as progress:
        result = simulate(loaded, out, progress=progress, threads=threads)
    if accelergy:
        write_actions(accelergy, loaded.config, result.actions)
    _show_summary(result.summary, as_json=as_json)
    for item in worth_telling(result.summary.clipped):
        tell(f"archsim: warning: {item.sentence()}")
    if profile:
        whole = sum(result.seconds.values())
        for part, seconds in (*result.seconds.items(), ("in all", whole)):
            tell(f"{part:8} {seconds:8.3f} s {seconds / whole:6.1%}")


@app.command()
def report(
    trace: TraceArgument,
    as_json: JsonOption = False,
) -> None:
    """Print the report of a trace."""
    from archsim.trace.reader import read_summary

    _show_summary(read_summary(trace), as_json=as_json)


@app.command()
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
    """Draw one conversion of a trace: columns, ramps, latches, energy a cycle."""
    from archsim.analysis.waveform import draw_conversion, read_conversion
    from archsim.report.experiment import check_picture, save_figure

    check_picture(out)
    save_figure(draw_conversion(read_conversion(trace, conversion, tile)), out)
    say(f"picture: {out}")


@app.command()
def spice(
    config: ConfigArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="netlist to write (.cir)")],
    overrides: SetOption = None,
    rows: Annotated[
        int | None, typer.Option("--rows", help="wordlines to take [default: 8]")
    ] = None,
    columns: Annotated[
        int | None, typer.Option("--columns", help="columns to take [default: 4]")
    ] = None,
) -> None:
    """Write an ngspice netlist of a corner of the first tile at its first conversion."""
    from archsim.config.load import load_config
    from archsim.run.prepare import in_file, prepare
    from archsim.spice.excerpt import first_conversion
    from archsim.spice.netlist import check_netlist, command_of, table_path, write_netlist

    loaded = load_config(config, overrides or ())
    check_netlist(out, inputs=loaded.inputs)
    chip, data = prepare(loaded)
    with in_file(loaded):
        part = first_conversion(chip, data, rows=rows, columns=columns)
    write_netlist(part, out, inputs=loaded.inputs)
    codes = ", ".join(str(code) for code in part.code)
    say(f"netlist: {out}; run it with '{command_of(out)}', which writes {table_path(out)}")
    say(f"codes that the simulator latches in its columns: {codes}")


@app.command()
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
    """Compare designs on the same network: ratios at three levels, and what makes them."""
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


@app.command()
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
    """Show how busy every resource is, and the critical path of a sequence."""
    from archsim.analysis.gantt import draw_timeline
    from archsim.experiments.side_by_side import timeline_of
    from archsim.report.experiment import check_picture, save_figure
    from archsim.report.timeline import timeline_report

    check_picture(plot)
    with progress_of(source.stem) as progress:
        found = timeline_of(source, sequence, progress)
    show(timeline_report(found), found.to_json(), as_json=as_json)
    if plot:
        save_figure(lambda figure: draw_timeline(figure, found), plot)


@app.command()
def validate(config: ConfigArgument, overrides: SetOption = None) -> None:
    """Check a configuration, the files that it names and the chip, without running it."""
    from archsim.config.load import load_config
    from archsim.run.prepare import check

    loaded = load_config(config, overrides or ())
    tell_notes(loaded.notes)
    check(loaded)
    say(f"{config}: valid (hash {loaded.hash[:12]})")


@app.command()
def schema() -> None:
    """Print the JSON Schema of configurations, for editors."""
    from archsim.config.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


@app.command()
def adc(
    function: Annotated[
        str, typer.Argument(metavar="FUNCTION", help="sigmoid, tanh, identity, ...")
    ],
    bits: Annotated[int, typer.Option("--bits", min=1, max=10, help="resolution")] = 5,
    input_range: Annotated[
        tuple[float, float] | None,
        typer.Option("--range", metavar="LOW HIGH", help="input range of an unbounded function"),
    ] = None,
    g_max: Annotated[
        str | None,
        typer.Option("--g-max", help="conductance of the largest ramp cell [default: 150 uS]"),
    ] = None,
    device: Annotated[
        Path | None,
        typer.Option("--device", metavar="FILE", help="device file: program the ramp into it"),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="configuration whose activations to know"),
    ] = None,
    trials: Annotated[int, typer.Option("--trials", min=1, help="ramps to program")] = 100,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**63 - 1, help="seed of the devices' errors")
    ] = 0,
    copies: Annotated[int, typer.Option("--copies", min=1, max=64, help="use the best of")] = 1,
    calibrate: Annotated[
        bool | None,
        typer.Option("--calibrate/--no-calibrate", help="show one of the two [default: both]"),
    ] = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Design the ramp of a function; with a device, program it many times and measure it."""
    from archsim.experiments.converter import Wanted, design, trials_of
    from archsim.report.converter import ramp_report, ramp_to_json
    from archsim.report.experiment import check_picture, experiment_report, save_figure

    wanted = Wanted(function, bits, input_range, g_max, device, config)
    if device is None:
        if plot:
            raise InputError("--plot: there is a picture with --device only; add it or leave both")
        ramp = design(wanted)
        show(ramp_report(ramp), ramp_to_json(ramp), as_json=as_json)
        return
    check_picture(plot)
    ramp = design(wanted)
    modes = (False, True) if calibrate is None else (calibrate,)
    with progress_of(function, "modes") as progress:
        result = trials_of(wanted, ramp, (trials, seed, copies), modes=modes, progress=progress)
    show(experiment_report(result), {**ramp_to_json(ramp), **result.to_json()}, as_json=as_json)
    if plot and result.draw:
        save_figure(result.draw, plot)


@app.command()
def experiment(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="experiment (YAML)")],
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run an experiment of configs/experiments/ and print its table."""
    from archsim.experiments import load_experiment, run_experiment
    from archsim.report.experiment import check_picture, experiment_report, save_figure

    check_picture(plot)
    section = load_experiment(file)
    with progress_of(file.stem, "steps") as progress:
        result = run_experiment(section, progress)
    show(experiment_report(result), result.to_json(), as_json=as_json)
    if plot and result.draw:
        save_figure(result.draw, plot)


@app.command()
def components(
    library: Annotated[
        Path | None,
        typer.Option("--library", metavar="FILE", help="component library [default: CMOS, 16 nm]"),
    ] = None,
    node: Annotated[
        str | None, typer.Option("--node", metavar="NODE", help="scale to it, for example 28nm")
    ] = None,
    supply: Annotated[
        str | None, typer.Option("--supply", metavar="V", help="scale to it, for example 0.9V")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what every component costs, at which node, and where each number comes from."""
    from archsim.report.components import (
        components_report,
        components_to_json,
        library_from_text,
    )
    from archsim.shipped import shipped

    library = library or shipped("components/cmos-16nm.yaml")
    costs = library_from_text(library, node=node, supply=supply)
    show(components_report(costs), components_to_json(costs), as_json=as_json)


@app.command()
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
    """Measure the simulator's speed and hold it against its aims, or against another simulator."""
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


def _show_summary(summary: Any, *, as_json: bool) -> None:
    from archsim.report.run import run_report

    show(run_report(summary), summary.to_json(), as_json=as_json)


def main() -> NoReturn:
    """Run the command line and exit; no traceback reaches the user."""
    when_noted(lambda text: tell(f"note: {text}"))
    run_and_exit(lambda: app(standalone_mode=False))
