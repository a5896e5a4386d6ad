"""A memristor with errors of programming: drawn at once, or simulated pulse by pulse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from archsim.config.device import Memristor, Method
from archsim.devices.base import Array, DeviceModel, Programmed, Site, register
from archsim.devices.effects import after_programming, read_sigma
from archsim.kernels.philox import Purpose


@register
class MemristorModel(DeviceModel):
    """``model: memristor``."""

    model = "memristor"
    section: Memristor

    def program(self, target: Array, site: Site) -> Programmed:
        """Program devices to the nearest levels of `target` (rows, columns), S."""
        aim = self.nearest_level(target)
        if self.section.programming.method is Method.WRITE_VERIFY:
            written = self._write_verify(aim, site)
        else:
            written = Programmed(self._drawn(aim, site), pulses=0, energy=0.0)
        return replace(
            written, conductance=after_programming(written.conductance, self.section, site)
        )

    def read_sigma(self, conductance: Array) -> Array | None:
        """Return the read noise, S."""
        return read_sigma(conductance, self.section.read_noise)

    def nearest_level(self, target: Array) -> Array:
        """Return the levels that programming aims at, S; targets beyond the range are clipped."""
        section = self.section
        clipped = np.clip(target, section.g_min, section.g_max)
        if section.levels == "continuous":
            return clipped
        step = (section.g_max - section.g_min) / (section.levels - 1)
        return np.asarray(section.g_min + np.rint((clipped - section.g_min) / step) * step)

    def _drawn(self, aim: Array, site: Site) -> Array:
        """Return the statistical short cut: a Gaussian error, conductances not below 0."""
        programming = self.section.programming
        sigma = np.hypot(programming.sigma, programming.sigma_relative * aim)
        rows, columns = aim.shape
        error = sigma * site.normal(Purpose.PROGRAMMING, (rows, columns))
        return np.maximum(aim + error, 0.0)

    def _write_verify(self, aim: Array, site: Site) -> Programmed:
        """Pulse every device from g_min until it is within the tolerance or given up.

        A pulse moves a device by ``pulse_gain`` of the distance that is left, with a Gaussian
        spread; a device that reads within the tolerance gets no more pulses.
        """
        settings = self.section.programming.write_verify
        rows, columns = aim.shape
        conductance = np.full(aim.shape, self.section.g_min)
        pulses = 0
        for pulse in range(settings.max_pulses):
            open_ = np.abs(conductance - aim) > settings.tolerance
            if not open_.any():
                break
            pulses += int(open_.sum())
            spread = settings.pulse_sigma * site.normal(Purpose.PULSE, (rows, columns), pulse)
            moved = conductance + settings.pulse_gain * (aim - conductance) + spread
            conductance = np.where(open_, np.clip(moved, 0.0, self.section.g_max), conductance)
        return Programmed(conductance, pulses, pulses * settings.pulse_energy)
