"""A device from measurements: a CSV table of target conductance, mean and sigma."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from archsim.config.device import TableDevice
from archsim.devices.base import Array, DeviceModel, Programmed, Site, register
from archsim.devices.effects import at_work, read_sigma, stuck_at
from archsim.errors import WorkloadError
from archsim.kernels.philox import Purpose

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
            rows = list(csv.DictReader(lines, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: cannot be read as CSV ({error}): check device.table"
        raise WorkloadError(msg) from error
    if not rows or set(COLUMNS) - set(rows[0]):
        msg = f"{path}: the first line has to name the columns {', '.join(COLUMNS)}"
        raise WorkloadError(msg)
    try:
        values = np.array([[float(row[name]) for name in COLUMNS] for row in rows])
    except (TypeError, ValueError) as error:
        msg = f"{path}: every row needs three numbers, in siemens ({error})"
        raise WorkloadError(msg) from error
    if not np.isfinite(values).all() or (values < 0).any() or (np.diff(values[:, 0]) <= 0).any():
        msg = f"{path}: numbers have to be finite and not below 0, and target_s has to rise"
        raise WorkloadError(msg)
    return Table(*values.T.copy())
