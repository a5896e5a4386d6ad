"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigArgument = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="configuration (YAML); - for standard input")
]
TraceArgument = Annotated[Path, typer.Argument(metavar="TRACE", help="trace that a run wrote")]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON object and nothing else")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="override a key, for example adc.bits=4"),
]

PlotOption = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE", help="picture to draw (.png, .pdf, .svg)")
]
