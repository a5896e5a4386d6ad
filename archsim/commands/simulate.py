"""Commands that simulate: a project to start from, networks of others, runs, checks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archsim.console import progress_of, say, show, show_summary, tell_notes
from archsim.exits import ExitCode, tell
from archsim.options import ConfigArgument, JsonOption, PlotOption, SetOption


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="folder to make")],
) -> None:
    """Copy a project to start from: a configuration of your own, weights, data, a script.

    Example: archsim init my-chip
    """
    from archsim.starter import make_project

    for file in make_project(folder):
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
    from archsim.network.importers.options import parse_options
    from archsim.network.importers.registry import read_network
    from archsim.network.importers.writer import write_network

    network = read_network(file, parse_options(options or ()))
    report = write_network(network, out, name=name, timesteps=timesteps)
    if as_json:
        show(None, report.to_json(), as_json=True)
    else:
        for line in report.lines():
            say(line)
        if not report.refused:
            say(f"next: archsim validate {report.files[0]}")
    if report.refused:
        raise typer.Exit(ExitCode.WRONG_INPUT)


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
    from archsim.clipping import worth_telling
    from archsim.config.load import load_config
    from archsim.costs.accelergy import check_folder

    loaded = load_config(config, overrides or ())
    tell_notes(loaded.notes)
    from archsim.numeric.jit import when_compiling
    from archsim.simulation.recording.actions import write_actions
    from archsim.simulation.simulate import run as simulate

    if accelergy:
        check_folder(accelergy, inputs=loaded.inputs)
    note = "compiling kernels: half a minute, a minute with waveforms"
    when_compiling(lambda: tell(note))
    with progress_of(loaded.config.name) as progress:
        result = simulate(loaded, out, progress=progress, threads=threads)
    if accelergy:
        write_actions(accelergy, loaded.config, result.actions)
    show_summary(result.summary, as_json=as_json)
    for item in worth_telling(result.summary.clipped):
        tell(f"archsim: warning: {item.sentence()}")
    if profile:
        whole = sum(result.seconds.values())
        for part, seconds in (*result.seconds.items(), ("in all", whole)):
            tell(f"{part:8} {seconds:8.3f} s {seconds / whole:6.1%}")


def validate(config: ConfigArgument, overrides: SetOption = None) -> None:
    """Check a configuration, the files that it names and the chip, without running it.

    Example: archsim validate chip.yaml
    """
    from archsim.config.load import load_config
    from archsim.simulation.prepare import check

    loaded = load_config(config, overrides or ())
    tell_notes(loaded.notes)
    check(loaded)
    say(f"{config}: valid (hash {loaded.hash[:12]})")


def experiment(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="experiment (YAML)")],
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=1024, help="processes that do its runs")
    ] = 1,
    store: Annotated[
        Path | None,
        typer.Option("--store", metavar="FOLDER", help="where results are kept and found again"),
    ] = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run an experiment and print its table; with a store, what was computed is not run again.

    Example: archsim experiment fig1c
    """
    from archsim.experiments import load_experiment, run_experiment
    from archsim.experiments.jobs import Executor, Store
    from archsim.report.experiment import check_picture, experiment_report, save_figure

    check_picture(plot)
    section = load_experiment(file)
    with progress_of(file.stem, "steps") as progress:
        executor = Executor(workers, Store(store) if store else None)
        result = run_experiment(section, progress, executor)
    if executor.asked == 0 and (store or workers > 1):
        kind = getattr(section, "kind", "this")
        tell(f"note: --workers and --store have no effect on an experiment of kind {kind}")
    elif store:
        tell(f"{executor.computed} runs were computed; results are in {store}")
    show(experiment_report(result), result.to_json(), as_json=as_json)
    if plot and result.draw:
        save_figure(result.draw, plot)
