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

OverOption = Annotated[
    list[str] | None,
    typer.Option("--over", metavar="KEY=VALUES", help="values to take, for example adc.bits=3,4,5"),
]
WorkersOption = Annotated[
    int, typer.Option("--workers", min=1, max=1024, help="processes that do its jobs")
]
StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="FOLDER", help="where results are kept and found again"),
]
PlotOption = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE", help="picture to draw (.png, .pdf, .svg)")
]
