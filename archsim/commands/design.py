"""Commands for who designs circuits: ramps, costs, netlists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from archsim.console import progress_of, say, show, tell_kept
from archsim.errors import InputError
from archsim.exits import tell
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
    from archsim.api import designs, reports, studies

    if device is None:
        _refuse({"--plot": plot, "--store": store, "--workers": workers > 1})
    reports.check_picture(plot)
    wanted: dict[str, Any] = {"input_range": input_range, "g_max": g_max, "config": config}
    ramp = designs.design_ramp(function, bits, device=device, **wanted)
    if device is None:
        show(ramp, as_json=as_json)
        return
    how: dict[str, Any] = {"trials": trials, "seed": seed, "copies": copies, "calibrate": calibrate}
    executor = studies.executor(workers, store)
    with progress_of(function, "jobs") as progress:
        result = designs.program_ramp(
            function, device, bits, progress=progress, executor=executor, **wanted, **how
        )
    if store:
        tell_kept(executor, store)
    show(result, as_json=as_json, also=reports.to_json(ramp))
    if plot and result.draw:
        reports.draw(result, plot)


def _refuse(options: dict[str, object]) -> None:
    """Raise if one is given that only trials of a device have."""
    for option, given in options.items():
        if given:
            msg = f"{option}: it goes with --device only; add that or leave both"
            raise InputError(msg)


def calibrate(
    config: ConfigArgument,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="FILE", help="sequences (.npz, .h5, ...)")
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", metavar="NAME", help="split of the workload to take")
    ] = None,
    method: Annotated[str, typer.Option("--method", help="maximum, percentile or mse")] = "maximum",
    percentile: Annotated[
        float, typer.Option("--percentile", help="percent of magnitudes below the range")
    ] = 99.9,
    sequences: Annotated[
        int | None, typer.Option("--sequences", metavar="N", min=1, help="how many to take")
    ] = None,
    overrides: SetOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="configuration to write, with the ranges"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find the ranges of inputs, states and sums in data that the test does not see.

    Example: archsim calibrate vowels --split train --method mse --out ranges.yaml
    """
    from archsim.api import ranges

    if method not in {"maximum", "percentile", "mse"}:
        raise InputError(f"--method: '{method}' is not one of maximum, percentile, mse")
    if out and overrides:
        raise InputError("--out: it extends CONFIG without --set: leave one of the two out")
    found = ranges.calibrate(
        config,
        data=data,
        split=split,
        method=method,  # type: ignore[arg-type]
        percentile=percentile,
        sequences=sequences,
        set=overrides,
    )
    show(found, as_json=as_json)
    if out:
        ranges.write_calibration(found, config, out)
        tell(f"wrote {out}: archsim run {out}")


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
    from archsim.api import designs

    show(designs.components(library, node=node, supply=supply), as_json=as_json)


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
    from archsim.api import designs

    found = designs.netlist(config, out, set=overrides, rows=rows, columns=columns)
    say(f"netlist: {out}; run it with '{found.command}', which writes {found.table}")
    codes = ", ".join(map(str, found.codes))
    say(f"codes that the simulator latches in its columns: {codes}")
