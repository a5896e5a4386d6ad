"""Devices that lose a share of what they are programmed to."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from archsim.config.device import ImperfectDevice, Share
from archsim.devices import DeviceModel, Programmed, Site
from archsim.devices.effects import at_work, read_sigma, stuck_at
from archsim.numeric.philox import Purpose


class LeakyKeys(ImperfectDevice):
    """``device.model: leaky``: has g_min, g_max, faults, drift, noise and sources besides."""

    model: Literal["leaky"] = Field(description="device model")
    loss: Share = Field(0.0, description="share of the conductance that is lost, on average")
    loss_sigma: Share = Field(0.0, description="spread of that share between devices")


class LeakyDevice(DeviceModel):
    """Devices that keep ``1 - loss`` of their conductance."""

    model = "leaky"
    keys = LeakyKeys
    section: LeakyKeys

    def program(self, target: NDArray[np.float64], site: Site) -> Programmed:
        """Program devices to `target` (rows, columns), S."""
        keys, (rows, columns) = self.section, target.shape
        spread = keys.loss_sigma * site.normal(Purpose.PROGRAMMING, (rows, columns))
        kept = np.maximum(1.0 - keys.loss - spread, 0.0)
        stuck = stuck_at(keys, site, (rows, columns))  # NaN where a device is not stuck
        fresh = np.where(np.isnan(stuck), target * kept, stuck)
        return Programmed(at_work(fresh, keys, site), pulses=0, energy=0.0, fresh=fresh)

    def read_sigma(self, conductance: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return the read noise of devices (any shape), S."""
        return read_sigma(conductance, self.section.read_noise)
