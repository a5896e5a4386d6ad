"""A device from measurements: a CSV table of target conductance, mean and sigma."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from archsim.config.device import ImperfectDevice
from archsim.config.quantity import ConfigPath
from archsim.devices.base import Array, DeviceModel, Programmed, Site, register
from archsim.devices.effects import at_work, read_sigma, stuck_at
from archsim.devices.table_file import read_table
from archsim.numeric.philox import Purpose


class TableDevice(ImperfectDevice):
    """A device measured by its users: mean and sigma of what it is programmed to, in a table."""

    model: Literal["table"] = Field(description="device model")
    table: ConfigPath = Field(
        description="CSV with the columns target_s, mean_s, sigma_s in siemens (or target_us, "
        "mean_us, sigma_us in microsiemens), targets ascending and covering g_min to g_max"
    )


@register
class TableModel(DeviceModel):
    """``model: table``: mean and sigma are interpolated between the measured targets."""

    model = "table"
    keys = TableDevice
    section: TableDevice

    def __init__(self, section: TableDevice) -> None:
        super().__init__(section)
        self._table = read_table(section.table, g_min=section.g_min, g_max=section.g_max)

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
