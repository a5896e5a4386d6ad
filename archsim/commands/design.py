"""Commands for who designs circuits: ramps, costs, netlists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archsim.console import progress_of, say, show, tell_kept
from archsim.errors import InputError
from archsim.options import (
    ConfigArgument,
    JsonOption,
    PlotOption,
    SetOption,
    StoreOption,
    WorkersOption,
)


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
    workers: WorkersOption = 1,
    store: StoreOption = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Design the ramp of a function; with a device, program it many times and measure it.

    Example: archsim adc tanh --device yang2025-taox
    """
    from archsim.experiments.converter import Wanted, design, trials_of
    from archsim.experiments.jobs import Executor, Store
    from archsim.experiments.ramp_trials import How
    from archsim.report.converter import ramp_report, ramp_to_json
    from archsim.report.experiment import check_picture, experiment_report, save_figure

    wanted = Wanted(function, bits, input_range, g_max, device, config)
    if device is None:
        _refuse({"--plot": plot, "--store": store, "--workers": workers > 1})
        ramp = design(wanted)
        show(ramp_report(ramp), ramp_to_json(ramp), as_json=as_json)
        return
    check_picture(plot)
    ramp = design(wanted)
    modes = (False, True) if calibrate is None else (calibrate,)
    executor = Executor(workers, Store(store) if store else None)
    how = How(trials, seed, copies)
    with progress_of(function, "jobs") as progress:
        result = trials_of(wanted, how, modes=modes, executor=executor, progress=progress)
    if store:
        tell_kept(executor, store)
    show(experiment_report(result), {**ramp_to_json(ramp), **result.to_json()}, as_json=as_json)
    if plot and result.draw:
        save_figure(result.draw, plot)


def _refuse(options: dict[str, object]) -> None:
    """Raise if one is given that only trials of a device have."""
    for option, given in options.items():
        if given:
            msg = f"{option}: it goes with --device only; add that or leave both"
            raise InputError(msg)


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
    """Show what every component costs, at which node, and where each number comes from.

    Example: archsim components --node "28 nm"
    """
    from archsim.report.components import (
        components_report,
        components_to_json,
        library_from_text,
    )
    from archsim.shipped import shipped

    library = library or shipped("components/cmos-16nm.yaml")
    costs = library_from_text(library, node=node, supply=supply)
    show(components_report(costs), components_to_json(costs), as_json=as_json)


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
    """Write an ngspice netlist of a corner of the first tile at its first conversion.

    Example: archsim spice kws --out tile.cir
    """
    from archsim.config.load import load_config
    from archsim.simulation.prepare import in_file, prepare
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
