"""Commands that simulate: a project to start from, runs, checks, experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archsim.console import progress_of, say, show, tell_notes
from archsim.exits import tell
from archsim.options import ConfigArgument, JsonOption, PlotOption, SetOption


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
    from archsim.api import reports, studies

    reports.check_picture(plot)
    with progress_of(file.stem, "steps") as progress:
        executor = studies.executor(workers, store)
        result = studies.experiment(file, executor=executor, progress=progress)
    if executor.asked == 0 and (store or workers > 1):
        tell(f"note: --workers and --store have no effect on {file.stem}")
    elif store:
        tell(f"{executor.computed} runs were computed; results are in {store}")
    show(result, as_json=as_json)
    if plot and result.draw:
        reports.draw(result, plot)
