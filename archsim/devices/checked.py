"""Programming and noise of devices, held against what a device can be.

A memristor conducts no current backwards and does not turn into a wire. Drift exponents, spreads
and temperatures multiply, so that a slip in one of them (a rising drift over a year, a sigma in
the wrong unit) gives conductances that no device has and that the simulation's whole numbers could
not hold. They are refused, rather than cut off at some value in silence.
"""

from __future__ import annotations

import numpy as np

from archsim.config.device import Device
from archsim.devices.base import Array, DeviceModel, Programmed, Site
from archsim.errors import DesignError

LARGEST_CONDUCTANCE = 1000.0
"""Times g_max: more than any cell conducts, a shorted one included. Eight slices of such cells, in
32767 steps each, still fit 32 bits."""

LARGEST_NOISE = 1e6
"""Times g_max: sigma of read noise. The noise of a whole conversion then fits 64 bits."""


def program_devices(model: DeviceModel, target: Array, site: Site, *, device: Device) -> Programmed:
    """Program devices to `target` (rows, columns), S.

    Raises
    ------
    DesignError
        If one of them would hold what no device can: names the keys that make it so.
    """
    programmed = model.program(target, site)
    _check(programmed.verified, device, keys="device: its programming takes", change="its errors")
    if programmed.fresh is not None:
        _check(
            programmed.conductance,
            device,
            keys="device.drift and device.temperature: they take",
            change="the exponent, the time and the coefficient",
        )
    return programmed


def _check(conductance: Array, device: Device, *, keys: str, change: str) -> None:
    largest = float(conductance.max(initial=0.0))
    lowest = float(conductance.min(initial=0.0))
    if lowest >= 0 and largest <= LARGEST_CONDUCTANCE * device.g_max:
        return
    if lowest < 0:
        what = f"a cell to {lowest:g} S, below 0"
    else:
        what = (
            f"a cell to {largest:g} S, more than {LARGEST_CONDUCTANCE:g} times g_max "
            f"({device.g_max:g} S), which no device conducts"
        )
    msg = f"{keys} {what}: check {change}"
    raise DesignError(msg)


def read_noise(model: DeviceModel, conductance: Array, *, device: Device) -> Array | None:
    """Return the read noise of devices (any shape), S; None where there is none.

    Raises
    ------
    DesignError
        If it is larger than any device's.
    """
    sigma = model.read_sigma(conductance)
    if sigma is None or bool(np.all(sigma <= LARGEST_NOISE * device.g_max)):
        return sigma
    msg = (
        f"device.read_noise: a sigma of {float(sigma.max()):g} S is more than {LARGEST_NOISE:g} "
        f"times g_max ({device.g_max:g} S): make it smaller"
    )
    raise DesignError(msg)
