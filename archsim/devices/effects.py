"""What happens to devices whatever their programming is: faults, drift, temperature, noise."""

from __future__ import annotations

import numpy as np

from archsim.config.device import Drift, Memristor, ReadNoise, TableDevice, Temperature
from archsim.devices.base import Array, Site
from archsim.kernels.philox import Purpose


def after_programming(conductance: Array, section: Memristor | TableDevice, site: Site) -> Array:
    """Return what freshly programmed devices (rows, columns) hold when the chip works, S.

    Stuck devices hold g_min or g_max; all of them drift and follow the temperature.
    """
    faults = section.faults
    if faults.stuck_off or faults.stuck_on:
        draw = site.uniform(Purpose.STUCK, _shape(conductance))
        conductance = np.where(draw <= faults.stuck_off, section.g_min, conductance)
        stuck_on = (draw > faults.stuck_off) & (draw <= faults.stuck_off + faults.stuck_on)
        conductance = np.where(stuck_on, section.g_max, conductance)
    return conductance * _drift(section.drift, conductance, site) * _warmth(section.temperature)


def _drift(drift: Drift, conductance: Array, site: Site) -> Array:
    """Return the factor ``(t / t0)^-nu`` of each device."""
    if drift.time <= drift.t0 or (drift.nu == 0 and drift.nu_sigma == 0):
        return np.ones(conductance.shape)
    nu = drift.nu + drift.nu_sigma * site.normal(Purpose.DRIFT, _shape(conductance))
    return np.asarray((drift.time / drift.t0) ** -nu)


def _warmth(temperature: Temperature) -> float:
    """Return the factor of the temperature; a conductance does not turn negative."""
    change = temperature.coefficient * (temperature.value - temperature.reference)
    return max(1.0 + change, 0.0)


def read_sigma(conductance: Array, noise: ReadNoise) -> Array | None:
    """Return the standard deviation of read noise, absolute and relative parts in quadrature."""
    if noise.sigma == 0 and noise.sigma_relative == 0:
        return None
    return np.hypot(noise.sigma, noise.sigma_relative * conductance)


def _shape(array: Array) -> tuple[int, int]:
    rows, columns = array.shape
    return rows, columns
