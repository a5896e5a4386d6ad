"""What happens to devices whatever their programming is: faults, drift, temperature, noise."""

from __future__ import annotations

import numpy as np

from archsim.config.device import Drift, ImperfectDevice, ReadNoise, Temperature
from archsim.devices.base import Array, Site
from archsim.errors import DesignError
from archsim.numeric.philox import Purpose


def stuck_at(section: ImperfectDevice, site: Site, shape: tuple[int, int]) -> Array:
    """Return where devices are stuck, S: g_min, g_max, or NaN where they are not."""
    faults = section.faults
    out = np.full(shape, np.nan)
    if faults.stuck_off or faults.stuck_on:
        draw = site.uniform(Purpose.STUCK, shape)
        out[draw <= faults.stuck_off + faults.stuck_on] = section.g_max
        out[draw <= faults.stuck_off] = section.g_min
    return out


def at_work(fresh: Array, section: ImperfectDevice, site: Site) -> Array:
    """Return what freshly programmed devices (rows, columns) hold when the chip works, S.

    All of them drift and follow the temperature, the stuck ones too.
    """
    # What is too large for a number, or is none, `archsim.devices.checked` refuses in a sentence.
    with np.errstate(over="ignore", invalid="ignore"):
        return fresh * _drift(section.drift, fresh, site) * _warmth(section.temperature)


def _drift(drift: Drift, conductance: Array, site: Site) -> Array:
    """Return the factor ``(t / t0)^-nu`` of each device."""
    if drift.time <= drift.t0 or (drift.nu == 0 and drift.nu_sigma == 0):
        return np.ones(conductance.shape)
    nu = drift.nu + drift.nu_sigma * site.normal(Purpose.DRIFT, shape_of(conductance))
    return np.asarray((drift.time / drift.t0) ** -nu)


def _warmth(temperature: Temperature) -> float:
    """Return the factor of the temperature.

    Raises
    ------
    DesignError
        If it is below 0: the line through the reference does not reach as far.
    """
    factor = 1.0 + temperature.coefficient * (temperature.value - temperature.reference)
    if factor < 0:
        msg = (
            f"device.temperature: at {temperature.value:g} K the coefficient of "
            f"{temperature.coefficient:g} 1/K makes every conductance negative: measure the device "
            "nearer to that temperature, or choose one that the coefficient is good for"
        )
        raise DesignError(msg)
    return factor


def read_sigma(conductance: Array, noise: ReadNoise) -> Array | None:
    """Return the standard deviation of read noise, absolute and relative parts in quadrature."""
    if noise.sigma == 0 and noise.sigma_relative == 0:
        return None
    return np.hypot(noise.sigma, noise.sigma_relative * conductance)


def shape_of(array: Array) -> tuple[int, int]:
    """Return the shape of an array of devices."""
    rows, columns = array.shape
    return rows, columns
