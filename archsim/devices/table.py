"""A device from measurements: a CSV table of target conductance, mean and sigma."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archsim.config.device import TableDevice
from archsim.devices.base import Array, DeviceModel, Programmed, Site, register
from archsim.devices.effects import at_work, read_sigma, stuck_at
from archsim.errors import WorkloadError
from archsim.kernels.philox import Purpose
from archsim.listing import listed

COLUMNS = ("target_s", "mean_s", "sigma_s")


@dataclass(frozen=True)
class Table:
    """Measured programming: targets (ascending), means and sigmas, each (points,), S."""

    target: Array
    mean: Array
    sigma: Array


@register
class TableModel(DeviceModel):
    """``model: table``: mean and sigma are interpolated between the measured targets."""

    model = "table"
    section: TableDevice

    def __init__(self, section: TableDevice) -> None:
        super().__init__(section)
        self._table = read_table(section.table)

    def program(self, target: Array, site: Site) -> Programmed:
        """Draw what devices hold after being programmed to `target` (rows, columns), S."""
        clipped = np.clip(target, self.section.g_min, self.section.g_max)
        mean = np.interp(clipped, self._table.target, self._table.mean)
        sigma = np.interp(clipped, self._table.target, self._table.sigma)
        rows, columns = clipped.shape
        drawn = mean + sigma * site.normal(Purpose.PROGRAMMING, (rows, columns))
        stuck = stuck_at(self.section, site, (rows, columns))
        fresh = np.where(np.isnan(stuck), np.maximum(drawn, 0.0), stuck)
        return Programmed(at_work(fresh, self.section, site), pulses=0, energy=0.0, fresh=fresh)

    def read_sigma(self, conductance: Array) -> Array | None:
        """Return the read noise, S."""
        return read_sigma(conductance, self.section.read_noise)


def read_table(path: Path) -> Table:
    """Read a table of measurements.

    Raises
    ------
    WorkloadError
        If the file cannot be read, or a row is not three numbers with ascending targets.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = (line for line in file if not line.startswith("#"))
            reader = csv.DictReader(lines, skipinitialspace=True)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: cannot be read as CSV ({error}): check device.table"
        raise WorkloadError(msg) from error
    _check_columns(path, list(reader.fieldnames or ()), rows)
    try:
        values = np.array([[float(row[name]) for name in COLUMNS] for row in rows])
    except (TypeError, ValueError) as error:
        msg = f"{path}: every row needs three numbers, in siemens ({error})"
        raise WorkloadError(msg) from error
    if not np.isfinite(values).all() or (values < 0).any() or (np.diff(values[:, 0]) <= 0).any():
        msg = f"{path}: numbers have to be finite and not below 0, and target_s has to rise"
        raise WorkloadError(msg)
    return Table(*values.T.copy())


def _check_columns(path: Path, named: list[str], rows: list[dict[str | Any, Any]]) -> None:
    """Refuse a table that lacks a column, or has one that nothing reads."""
    if not rows or set(COLUMNS) - set(named):
        msg = f"{path}: the first line has to name the columns {listed(COLUMNS)}"
        raise WorkloadError(msg)
    others = [name for name in named if name not in COLUMNS or named.count(name) > 1]
    if others:
        msg = (
            f"{path}: it has columns that nothing reads ({listed(others)}): a table has "
            f"{listed(COLUMNS)}, each once; remarks go on lines that begin with #"
        )
        raise WorkloadError(msg)
    if any(None in row for row in rows):
        msg = f"{path}: a row has more numbers than the {len(COLUMNS)} columns of the first line"
        raise WorkloadError(msg)
