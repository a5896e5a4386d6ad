"""Devices that lose a share of what they are programmed to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.devices import DeviceModel, Programmed, Site


class LeakyDevice(DeviceModel):
    """Devices that keep ``1 - loss`` of their conductance."""

    model = "leaky"

    def program(self, target: NDArray[np.float64], site: Site) -> Programmed:
        """Program devices to `target` (rows, columns), S."""
        return Programmed(target * (1.0 - self.section.parameters["loss"]), pulses=0, energy=0.0)
