"""Commands that say what there is."""

from __future__ import annotations

import json

import typer

from archsim.console import show
from archsim.exits import ExitCode
from archsim.options import JsonOption


def list_(as_json: JsonOption = False) -> None:
    """List what comes with archsim, by the names that commands take, and all kinds.

    Example: archsim list
    """
    from archsim.api import about

    show(about.catalogue(), as_json=as_json)


def schema() -> None:
    """Print the JSON Schema of configurations, for editors.

    Example: archsim schema > archsim.schema.json
    """
    from archsim.api import about

    typer.echo(json.dumps(about.schema(), indent=2))


def doctor(as_json: JsonOption = False) -> None:
    """Show versions, processor, kernel cache and extras, and what to install for what.

    Example: archsim doctor
    """
    from archsim.api import about

    findings = about.doctor()
    show(findings, as_json=as_json)
    if any(finding.fault for finding in findings):
        raise typer.Exit(ExitCode.FAILED)
