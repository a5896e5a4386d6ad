"""Commands that simulate: a project to start from, networks of others, runs, checks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archsim.console import progress_of, say, show, tell_kept, tell_notes
from archsim.exits import ExitCode, tell
from archsim.options import (
    ConfigArgument,
    JsonOption,
    OverOption,
    PlotOption,
    SetOption,
    StoreOption,
    WorkersOption,
)


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="folder to make")],
) -> None:
    """Copy a project to start from: a configuration of your own, weights, data, a script.

    Example: archsim init my-chip
    """
    from archsim.api.about import start_project

    for file in start_project(folder):
        say(f"wrote {file}")
    say(f"next: cd {folder} && archsim run chip.yaml")


def import_(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="network: safetensors, .npz, .pt, .onnx or .keras"),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="folder to write to")],
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="name of the configuration [default: FILE's]"),
    ] = None,
    timesteps: Annotated[
        int | None,
        typer.Option(
            "--timesteps", metavar="N", min=1, max=1_000_000, help="timesteps of a sequence"
        ),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--option", metavar="KEY=VALUE", help="what the file does not say, such as between=relu"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read a trained network of PyTorch, ONNX or Keras; write its weights and a configuration.

    Example: archsim import model.onnx --out my-network
    """
    from archsim.api import networks

    found = networks.import_network(
        file, out, name=name, timesteps=timesteps, options=options or ()
    )
    show(found, as_json=as_json)
    if found.refused:
        raise typer.Exit(ExitCode.WRONG_INPUT)
    if not as_json:
        say(f"next: archsim validate {found.files[0]}")


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
    """Simulate a configuration, write its trace and print its report.

    Example: archsim run kws --set adc.bits=4
    """
    from archsim.api import runs

    loaded = runs.load(config, set=overrides)
    tell_notes(loaded.notes)
    if accelergy:
        runs.check_actions_folder(accelergy, loaded)
    note = "compiling kernels: half a minute, a minute with waveforms"
    runs.when_compiling(lambda: tell(note))
    with progress_of(loaded.config.name) as progress:
        found = runs.run(loaded, out=out, progress=progress, threads=threads)
    if accelergy:
        found.write_actions(accelergy)
    show(found, as_json=as_json)
    for warning in found.warnings:
        tell(f"archsim: warning: {warning}")
    if profile:
        whole = sum(found.seconds.values())
        for part, seconds in (*found.seconds.items(), ("in all", whole)):
            tell(f"{part:8} {seconds:8.3f} s {seconds / whole:6.1%}")


def validate(config: ConfigArgument, overrides: SetOption = None) -> None:
    """Check a configuration, the files that it names and the chip, without running it.

    Example: archsim validate chip.yaml
    """
    from archsim.api import runs

    loaded = runs.load(config, set=overrides)
    tell_notes(loaded.notes)
    runs.check(loaded)
    say(f"{config}: valid (hash {loaded.hash[:12]})")


def experiment(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="experiment (YAML)")],
    workers: WorkersOption = 1,
    store: StoreOption = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run an experiment and print its table; with a store, what was done is not done again.

    Example: archsim experiment fig1c
    """
    from archsim.api import reports, studies

    reports.check_picture(plot)
    executor = studies.executor(workers, store)
    with progress_of(file.stem, "jobs") as progress:
        result = studies.experiment(file, executor=executor, progress=progress)
    if store:
        tell_kept(executor, store)
    show(result, as_json=as_json)
    if plot and result.draw:
        reports.draw(result, plot)


def sweep(
    config: ConfigArgument,
    over: OverOption = None,
    overrides: SetOption = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, max=100_000, help="chips of each: seeds 0, ...")
    ] = None,
    workers: WorkersOption = 1,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a configuration at every combination of some values and print the numbers of each.

    Example: archsim sweep kws --over adc.bits=3,4,5 --over tile.v_read=100mV,200mV
    """
    from archsim.api import runs, studies

    values = studies.values_from_text(over or ())
    loaded = runs.load(config, set=overrides)
    tell_notes(loaded.notes)
    with progress_of(loaded.config.name, "runs") as progress:
        result = studies.sweep(
            loaded, values, seeds=seeds, workers=workers, store=store, progress=progress
        )
    show(result, as_json=as_json)
    if store:
        done = sum(not point.kept for point in result.points)
        tell(f"{done} of {len(result.points)} runs were done; results are in {store}")
    if result.failed:
        tell(f"archsim: {len(result.failed)} of {len(result.points)} runs failed")
        wrong = all(point.wrong_input for point in result.failed)
        raise typer.Exit(ExitCode.WRONG_INPUT if wrong else ExitCode.FAILED)
