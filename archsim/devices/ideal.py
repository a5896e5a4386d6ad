"""Devices that take and keep exactly what they are programmed to."""

from __future__ import annotations

from archsim.devices.base import Array, DeviceModel, Programmed, Site, register


@register
class Ideal(DeviceModel):
    """``model: ideal``."""

    model = "ideal"

    def program(self, target: Array, site: Site) -> Programmed:
        """Return the targets."""
        del site
        return Programmed(target.copy(), pulses=0, energy=0.0)
