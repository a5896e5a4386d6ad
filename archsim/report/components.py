"""A component library as a table for a terminal, and as plain data."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from textwrap import shorten
from typing import Any

from archsim.config.quantity import parse_quantity
from archsim.costs.library import Component, ComponentLibrary, Figure, SourceKind, load_library
from archsim.costs.scaling import BEFORE, scale_library
from archsim.errors import InputError
from archsim.report.table import (
    Cell,
    Column,
    Look,
    Report,
    Value,
    number,
    quantity,
    report,
    table,
)
from archsim.si import with_prefix

_MARK = "*"
_SHORT = 33
_COLUMNS = (
    Column("component", "component", once=True, whole=True),
    Column("action", "action", whole=True),
    Column("energy", "energy", right=True, whole=True),
    Column("area", "area um^2", right=True, whole=True),
    Column("leakage", "leakage", right=True, whole=True),
    Column("per", "per", whole=True),
    Column("node", "node", whole=True),
    Column("kind", "kind", whole=True),
    Column("source", "source"),
)
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


def components_report(library: ComponentLibrary) -> Report:
    """Return the table of a library: a row for each action, numbers for one unit of `per`."""
    rows = [row for name, part in library.components.items() for row in _rows(name, part, library)]
    return report(table(_title(library), _COLUMNS, rows, look=Look.TIGHT), _LEGEND)


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


def _rows(name: str, component: Component, library: ComponentLibrary) -> list[tuple[Cell, ...]]:
    figures = _figures(library, name)
    energies = [each for each in figures if each.what == "energy"]
    area = next(each for each in figures if each.what == "area")
    leakage = next(each for each in figures if each.what == "leakage")
    shared = (
        number(area.value, ",.4g", "m^2", scale=1e12, after=_mark(area), source=area.source),
        _marked(leakage, "W", 3),
    )
    rows: list[tuple[Cell, ...]] = []
    for row, each in enumerate(energies or [area]):
        rows.append(
            (
                name,
                each.action or "-",
                _marked(each, "J") if energies else "-",
                *(shared if row == 0 else ("", "")),
                component.per or "-",
                f"{component.node * 1e9:g} nm",
                each.kind.value,
                _short(each.source),
            )
        )
    return rows


def _marked(figure: Figure, unit: str, digits: int = 4) -> Value:
    """Return a figure with its mark behind it."""
    found = quantity(figure.value, unit, digits, source=figure.source)
    return replace(found, text=found.text + _mark(figure))


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
