"""A device's table of measurements: a CSV file, the units of its columns, and its range.

The first line names the columns and their units: ``target_s, mean_s, sigma_s`` are in siemens,
``target_us, mean_us, sigma_us`` in microsiemens and ``..._ns`` in nanosiemens. Columns stand
between commas, or between semicolons or tabs, and then decimal commas are read too. Other
columns, blank lines and lines that begin with ``#`` are the user's own.
"""

from __future__ import annotations

import codecs
import csv
import math
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archsim.config.quantity import format_quantity
from archsim.errors import WorkloadError

COLUMNS = ("target", "mean", "sigma")
# What a column's name ends with: the power of ten to siemens, and the unit in words.
_UNITS = {"s": (0, "siemens"), "us": (-6, "microsiemens"), "ns": (-9, "nanosiemens")}
_MICRO = str.maketrans("\u00b5\u03bc", "uu")
_SIEMENS = ", ".join(f"{column}_s" for column in COLUMNS)
_MICROSIEMENS = ", ".join(f"{column}_us" for column in COLUMNS)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BEYOND = 100
"""How many times larger or smaller than g_max a conductance cannot be: prefixes are 1,000 apart."""
_MARGIN = 0.01
"""Part of a device's range that the measured targets may leave out at either end."""


@dataclass(frozen=True)
class Table:
    """Measured programming: targets (ascending), means and sigmas, each (points,), S."""

    target: NDArray[np.float64]
    mean: NDArray[np.float64]
    sigma: NDArray[np.float64]


@dataclass(frozen=True)
class _Column:
    """A column that is read: its name in the file, its place, and its unit."""

    name: str
    place: int
    power: int
    unit: str


def read_table(path: Path, *, g_min: float, g_max: float) -> Table:
    """Read a table of measurements and check that it is one of a device with this range.

    Parameters
    ----------
    path : Path
        CSV file.
    g_min, g_max : float
        Range of the device's conductances, S. The targets have to cover it, since nothing is
        known of how the device is programmed outside them.

    Raises
    ------
    WorkloadError
        If the file cannot be read, a row is not three numbers with ascending targets, or the
        numbers are not siemens of such a device.
    """
    lines = _lines(path)
    if not lines:
        raise _unnamed(path)
    (first, header), *below = lines
    delimiter = next((mark for mark in "\t;" if mark in header), ",")
    names = [name.strip() for name in _cells(header, delimiter)]
    columns = _columns(path, names)
    rows = []
    for line, text in below:
        rows.append(_row(f"{path}:{line}", _cells(text, delimiter), columns, len(names)))
        _check_row(f"{path}:{line}", rows[-2:], columns)
    if len(rows) < 2:
        msg = (
            f"{path}:{first}: {'one row' if rows else 'no row'} of numbers below the columns' "
            "names: give at least one for g_min and one for g_max"
        )
        raise WorkloadError(msg)
    table = Table(*np.array(rows).T.copy())
    _check_size(path, table, columns, g_max)
    _check_cover(path, table, g_min, g_max)
    return table


def _lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines that are neither blank nor remarks, with their numbers from 1."""
    try:
        data = path.read_bytes()
    except OSError as error:
        msg = f"{path}: cannot be read as CSV ({error.strerror}): check device.table"
        raise WorkloadError(msg) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        kind = "it is UTF-16 text" if data.startswith(_UTF_16) else "it is not UTF-8 text"
        msg = f"{path}: cannot be read as CSV ({kind}): save it as CSV in UTF-8"
        raise WorkloadError(msg) from error
    return [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip(' \t,;"') and not line.startswith("#")
    ]


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])


def _columns(path: Path, names: list[str]) -> list[_Column]:
    """Return the three columns, in the order of `COLUMNS`; others are the user's own."""
    found: dict[str, _Column] = {}
    for place, name in enumerate(names):
        column, _, suffix = name.lower().translate(_MICRO).rpartition("_")
        if column not in COLUMNS or suffix not in _UNITS:
            continue
        if column in found:
            msg = f"{path}: {found[column].name} and {name} are the same column twice: leave one"
            raise WorkloadError(msg)
        found[column] = _Column(name, place, *_UNITS[suffix])
    if len(found) < len(COLUMNS):
        raise _unnamed(path)
    return [found[column] for column in COLUMNS]


def _unnamed(path: Path) -> WorkloadError:
    return WorkloadError(
        f"{path}: the first line has to name the columns {_SIEMENS} (in siemens), or "
        f"{_MICROSIEMENS} (in microsiemens), with commas, semicolons or tabs between them"
    )


def _row(at: str, cells: list[str], columns: list[_Column], width: int) -> list[float]:
    """Return the numbers of a row, S."""
    if any(cell.strip() for cell in cells[width:]):
        msg = (
            f"{at}: a row has more numbers than the {width} columns of the first line; where "
            "numbers have decimal commas, put semicolons between the columns"
        )
        raise WorkloadError(msg)
    cells = [cell.strip() for cell in cells] + [""] * (width - len(cells))
    return [_siemens(at, cells[column.place], column) for column in columns]


def _siemens(at: str, text: str, column: _Column) -> float:
    plain = text if "." in text else text.replace(",", ".")
    try:
        value = float(plain)
        return value if column.power == 0 else float(Decimal(plain).scaleb(column.power))
    except (ValueError, ArithmeticError) as error:
        shown = f"has '{text[:40]}'" if text else "is blank"
        msg = f"{at}: every row needs three numbers, in {column.unit}, but {column.name} {shown}"
        raise WorkloadError(msg) from error


def _check_row(at: str, rows: list[list[float]], columns: list[_Column]) -> None:
    """Check the last of these rows, by itself and against the one before it."""
    for column, value in zip(columns, rows[-1], strict=True):
        if not (math.isfinite(value) and value >= 0):
            msg = f"{at}: numbers have to be finite and not below 0, but {column.name} is not"
            raise WorkloadError(msg)
    if len(rows) > 1 and rows[1][0] <= rows[0][0]:
        before, target = (format_quantity(row[0], "S") for row in rows)
        msg = (
            f"{at}: {columns[0].name} has to rise from row to row, but {target} follows {before}; "
            "sort the rows and give each target once"
        )
        raise WorkloadError(msg)


def _check_size(path: Path, table: Table, columns: list[_Column], g_max: float) -> None:
    """Refuse numbers that are in another unit than their columns' names say."""
    for column, values in zip(columns, (table.target, table.mean, table.sigma), strict=True):
        largest = float(values.max())
        if largest > _BEYOND * g_max:
            problem = f"reaches {_shown(largest)}"
        elif column is columns[1] and largest < g_max / _BEYOND:
            problem = f"stays below {_shown(g_max / _BEYOND)}"
        else:
            continue
        msg = (
            f"{path}: {column.name} {problem} where device.g_max is {_shown(g_max)}, so it cannot "
            f"be in {column.unit}: write siemens under {_SIEMENS} (1/R of a resistance), or "
            f"microsiemens under {_MICROSIEMENS}"
        )
        raise WorkloadError(msg)


def _check_cover(path: Path, table: Table, g_min: float, g_max: float) -> None:
    """Refuse a table that says nothing about a part of the device's range."""
    low, high = float(table.target[0]), float(table.target[-1])
    margin = _MARGIN * (g_max - g_min)
    if low > g_min + margin or high < g_max - margin:
        msg = (
            f"{path}: its targets go from {_shown(low)} to {_shown(high)} and do not cover the "
            f"device's range, {_shown(g_min)} to {_shown(g_max)}: measure the rest, or set "
            "device.g_min and device.g_max to what was measured"
        )
        raise WorkloadError(msg)


def _shown(siemens: float) -> str:
    return format_quantity(float(f"{siemens:.4g}"), "S")
