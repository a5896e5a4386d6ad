"""The command line: the commands of `archsim.commands`, by what they are for.

Nothing heavy is imported before a command needs it, so that ``--help`` answers at once. How a
command ends is in `archsim.exits`.
"""

from __future__ import annotations

from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from archsim import __version__
from archsim.commands import compare, design, look, reference, simulate
from archsim.exits import run_and_exit, tell
from archsim.notes import when_noted

_GROUPS = {
    "simulate": (
        *(simulate.init, simulate.import_, simulate.run, simulate.validate),
        *(simulate.experiment, simulate.sweep),
    ),
    "design": (design.adc, design.calibrate, design.components, design.spice),
    "look": (look.report, look.timeline, look.plot),
    "compare": (compare.compare, compare.bench),
    "reference": (reference.list_, reference.keys, reference.schema, reference.doctor),
}
"""Commands, in the order in which ``--help`` shows them."""


class _Groups(TyperGroup):
    """Shows commands by their groups."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a list of commands for each group."""
        for group, functions in _GROUPS.items():
            rows = []
            for function in functions:
                name = _name(function)
                command = self.get_command(ctx, name)
                assert command is not None
                rows.append((name, command.get_short_help_str(limit=90)))
            with formatter.section(group):
                formatter.write_dl(rows)


app = typer.Typer(
    name="archsim",
    cls=_Groups,
    help="Simulate analog in-memory-computing chips for recurrent networks, cycle by cycle.",
    epilog="Exit codes: 0 done, 2 the input is wrong, 130 interrupted, 1 anything else.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich doubles the time that --help takes
)


def _name(function: object) -> str:
    return str(getattr(function, "__name__", "")).rstrip("_")


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


for _functions in _GROUPS.values():
    for _function in _functions:
        app.command(name=_name(_function))(_function)


def main() -> NoReturn:
    """Run the command line and exit; no traceback reaches the user."""
    when_noted(lambda text: tell(f"note: {text}"))
    run_and_exit(lambda: app(standalone_mode=False))
