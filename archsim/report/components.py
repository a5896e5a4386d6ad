"""A component library as a table for a terminal, and as plain data."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import shorten
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from archsim.config.quantity import parse_quantity
from archsim.costs.library import Component, ComponentLibrary, Figure, SourceKind, load_library
from archsim.costs.scaling import BEFORE, scale_library
from archsim.errors import InputError
from archsim.report.run import with_prefix

_MARK = "*"
_SHORT = 33
_HEADINGS = (
    "component",
    "action",
    "energy",
    "area um^2",
    "leakage",
    "per",
    "node",
    "kind",
    "source",
)
_NUMBERS = ("energy", "area um^2", "leakage")
_LEGEND = (
    "kind and source are those of the energy, or of the area where there is no action. read: a "
    "figure of the publication; model: computed by a model; assumed: a guess, or scaled by a rule "
    f"that is one. {_MARK}: an assumed number. --json has every number's whole source."
)


def library_from_text(
    path: Path, *, node: str | None = None, supply: str | None = None
) -> ComponentLibrary:
    """Read a library and scale it to a node and a supply given as text, such as ``28 nm``.

    Raises
    ------
    InputError
        If the library cannot be read, a text is not a quantity, or there is no rule to scale by.
    """
    library = load_library(path)
    wanted = {"node": (node, "m", library.node), "supply": (supply, "V", None)}
    values = {}
    for option, (text, unit, default) in wanted.items():
        try:
            values[option] = default if text is None else parse_quantity(text, unit)
        except ValueError as error:
            msg = f"--{option}: {error}"
            raise InputError(msg) from error
    return scale_library(library, values["node"] or library.node, supply=values["supply"])


def components_report(library: ComponentLibrary) -> RenderableType:
    """Return the table of a library: a row for each action, numbers for one unit of `per`."""
    rows = [row for name, part in library.components.items() for row in _rows(name, part, library)]
    table = Table(title=_title(library), title_justify="left", box=SIMPLE_HEAD, padding=0)
    for name in _HEADINGS[:-1]:
        table.add_column(name, justify="right" if name in _NUMBERS else "left", no_wrap=True)
    table.add_column(_HEADINGS[-1])
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return Group(table, Text(_LEGEND))


def components_to_json(library: ComponentLibrary) -> dict[str, Any]:
    """Return a library as plain data: SI numbers, each with its source and the source's kind."""
    return {
        "name": library.name,
        "node_m": library.node,
        "supply_v": library.supply,
        "description": library.description,
        "components": {
            name: {
                "description": component.description,
                "node_m": component.node,
                "per": component.per,
                "scaling": component.scaling.value,
                "source": component.source,
                "numbers": [_number(each) for each in _figures(library, name)],
            }
            for name, component in library.components.items()
        },
    }


def _title(library: ComponentLibrary) -> str:
    supply = f", {with_prefix(library.supply, 'V')}" if library.supply else ""
    return f"{library.name}: {len(library.components)} components{supply}"


def _rows(name: str, component: Component, library: ComponentLibrary) -> list[tuple[str, ...]]:
    figures = _figures(library, name)
    energies = [each for each in figures if each.what == "energy"]
    area = next(each for each in figures if each.what == "area")
    leakage = next(each for each in figures if each.what == "leakage")
    shared = (
        f"{area.value * 1e12:,.4g}{_mark(area)}",
        with_prefix(leakage.value, "W", 3) + _mark(leakage),
    )
    rows: list[tuple[str, ...]] = []
    for row, each in enumerate(energies or [area]):
        first = row == 0
        rows.append(
            (
                name if first else "",
                each.action or "-",
                with_prefix(each.value, "J") + _mark(each) if energies else "-",
                *(shared if first else ("", "")),
                component.per or "-",
                f"{component.node * 1e9:g} nm",
                each.kind.value,
                _short(each.source),
            )
        )
    return rows


def _mark(figure: Figure) -> str:
    return _MARK if figure.kind is SourceKind.ASSUMED else " "


def _short(source: str) -> str:
    """Return the beginning of a source, without its kind and without how it was scaled here."""
    origin = source.partition(BEFORE)[2] or source
    kind, _, rest = origin.partition(": ")
    text = rest if kind in (SourceKind.MODEL, SourceKind.ASSUMED) else origin
    return shorten(re.split("; | [(]", text)[0], _SHORT, placeholder=" ...")


def _figures(library: ComponentLibrary, name: str) -> list[Figure]:
    return [figure for figure in library.figures() if figure.component == name]


def _number(figure: Figure) -> dict[str, Any]:
    return {
        "what": figure.what,
        "action": figure.action,
        "value": figure.value,
        "unit": figure.unit,
        "kind": figure.kind.value,
        "source": figure.source,
    }
