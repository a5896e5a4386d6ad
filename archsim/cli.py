"""The command line: commands over the rooms, with no logic of their own.

Nothing heavy is imported before a command needs it, so that ``--help`` answers at once.

Exit codes: 0 done, 2 the input is wrong, 130 interrupted, 1 anything else.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archsim import __version__
from archsim.errors import ArchsimError

if TYPE_CHECKING:
    from archsim.simulate import Progress

DEBUG_VARIABLE = "ARCHSIM_DEBUG"


class ExitCode(IntEnum):
    """What the command line exits with."""

    DONE = 0
    FAILED = 1
    WRONG_INPUT = 2
    INTERRUPTED = 130


app = typer.Typer(
    name="archsim",
    help="Simulate analog in-memory-computing chips for recurrent networks, cycle by cycle.",
    epilog="Exit codes: 0 done, 2 the input is wrong, 130 interrupted, 1 anything else.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich doubles the time that --help takes
)

ConfigArgument = Annotated[Path, typer.Argument(metavar="CONFIG", help="configuration (YAML)")]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON object and nothing else")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="override a key, for example adc.bits=4"),
]


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
    as_json: JsonOption = False,
) -> None:
    """Simulate a configuration, write its trace and print its report."""
    from archsim.config.load import load_config

    loaded = load_config(config, overrides or ())
    from archsim.kernels.jit import is_warm
    from archsim.simulate import run as simulate

    if not is_warm():
        typer.echo("compiling kernels: once for this version, about 10 s", err=True)
    with _progress(loaded.config.name) as progress:
        result = simulate(loaded, out, progress=progress)
    _show_summary(result.summary, as_json=as_json)


@app.command()
def report(
    trace: Annotated[Path, typer.Argument(metavar="TRACE", help="trace that a run wrote")],
    as_json: JsonOption = False,
) -> None:
    """Print the report of a trace."""
    from archsim.trace.reader import read_summary

    _show_summary(read_summary(trace), as_json=as_json)


@app.command()
def validate(config: ConfigArgument, overrides: SetOption = None) -> None:
    """Check a configuration, and the files that it names, without running it."""
    from archsim.config.load import load_config
    from archsim.costs.library import load_library
    from archsim.network.weights import load_weights
    from archsim.workloads.base import load_workload

    loaded = load_config(config, overrides or ())
    load_library(loaded.config.technology.components)
    load_weights(loaded.config.network.weights)
    load_workload(loaded.config)
    typer.echo(f"{config}: valid (hash {loaded.hash[:12]})")


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
        str, typer.Option("--g-max", help="conductance of the largest ramp cell")
    ] = "150 uS",
    as_json: JsonOption = False,
) -> None:
    """Design the ramp of a function: thresholds, levels, ramp cells and bias cells."""
    from archsim.analysis.converter import ramp_report, ramp_to_json
    from archsim.chip.ramp import design_from_text

    ramp = design_from_text(function, bits, g_max=g_max, input_range=input_range)
    _show(ramp_report(ramp), ramp_to_json(ramp), as_json=as_json)


@app.command()
def bench(as_json: JsonOption = False) -> None:
    """Measure the simulator's speed against NumPy in this process."""
    from archsim.analysis.speed import speed_report
    from archsim.bench import measure

    result = measure()
    _show(speed_report(result), result.to_json(), as_json=as_json)


def _show_summary(summary: Any, *, as_json: bool) -> None:
    from archsim.analysis.report import run_report

    _show(run_report(summary), summary.to_json(), as_json=as_json)


def _show(table: Any, data: dict[str, Any], *, as_json: bool) -> None:
    """Print a report, or one JSON object and nothing else."""
    if as_json:
        typer.echo(json.dumps(data))
        return
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(table)


@contextmanager
def _progress(name: str) -> Iterator[Progress]:
    """Show progress on stderr: a bar on a terminal, a line every tenth of the way elsewhere."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress as Bar

        with Bar(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(name)
            yield lambda done, of: bar.update(task, completed=done, total=of)
        return
    told = 0

    def tell(done: int, of: int) -> None:
        nonlocal told
        if done * 10 // of > told or done == of:
            told = done * 10 // of
            typer.echo(f"{name}: {done} of {of} sequences", err=True)

    yield tell


def main() -> None:
    """Run the command line and exit; no traceback reaches the user."""
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has had enough; Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.FAILED
    except (KeyboardInterrupt, typer.Abort):
        code = _say("interrupted; what was written before is kept", ExitCode.INTERRUPTED)
    except ArchsimError as error:
        code = _say(str(error), ExitCode(error.exit_code))
    except Exception as error:
        code = _unexpected(error)
    sys.exit(code or ExitCode.DONE)


def _unexpected(error: Exception) -> ExitCode:
    """Say what was wrong with the command line, or that archsim itself is at fault."""
    format_message = getattr(error, "format_message", None)
    if format_message is not None:
        context = getattr(error, "ctx", None)
        usage = f"; see '{context.command_path} --help'" if context else ""
        return _say(f"{format_message().rstrip('.')}{usage}", ExitCode.WRONG_INPUT)
    if os.environ.get(DEBUG_VARIABLE):
        raise error
    text = f"internal error: {type(error).__name__}: {error}"
    hint = f"this is a bug; set {DEBUG_VARIABLE}=1 for the traceback and report it"
    return _say(f"{text} ({hint})", ExitCode.FAILED)


def _say(text: str, code: ExitCode) -> ExitCode:
    typer.echo(f"archsim: {text}", err=True)
    return code
