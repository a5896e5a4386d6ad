"""Programming a ramp column: copies, calibration, and what the programmed ramp is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from archsim.config.device import Device
from archsim.devices import DeviceModel, Programmed, Site
from archsim.devices.checked import program_devices, read_noise
from archsim.transfer.ramp import Ramp

Array = NDArray[np.float64]

_RAMP_ARRAYS = 1 << 8
"""First array number of ramps; those below belong to the crossbar."""
_COPIES = 1 << 6
"""Array numbers of a ramp: a copy of its cells each, and as many for their bias cells."""
_BIAS_TRIAL = 1 << 18
"""Random numbers of bias cells are kept apart from those of ramp cells."""


@dataclass(frozen=True)
class ProgrammedRamp:
    """A ramp as its devices hold it.

    Attributes
    ----------
    ramp : Ramp
        The design with the conductances that were reached.
    cell_sigma : float64 (steps,), or None
        Read noise of the ramp cells, S.
    bias_sigma : float
        Read noise of the bias cells together, S.
    pulses : int
        Programming pulses of all copies.
    energy : float
        Energy of programming all copies, J.
    """

    ramp: Ramp
    cell_sigma: Array | None
    bias_sigma: float
    pulses: int
    energy: float


def program_ramp(
    design: Ramp,
    model: DeviceModel,
    *,
    device: Device,
    site: Site,
    calibrate: bool,
    copies: int = 1,
) -> ProgrammedRamp:
    """Program the cells of a ramp, calibrate it, and keep the best of several copies.

    Parameters
    ----------
    design : Ramp
        The ideal ramp.
    model : DeviceModel
        How devices take what they are programmed to.
    device : Device
        Range of conductances.
    site : Site
        Key of the random numbers; its `array` is the ramp's number on the tile.
    calibrate : bool
        Set the bias cells, after measuring the ramp, so that the step nearest the middle of the
        function crosses where it should (one-point calibration; Yang et al. 2025, Fig. 3a).
    copies : int
        Columns that are programmed; the one with the least mean absolute INL is used.
    """
    tries = [
        _program_copy(design, model, device=device, site=site, calibrate=calibrate, copy=copy)
        for copy in range(copies)
    ]
    _, best = min(tries, key=lambda measured: mean_inl(measured[0]))
    return replace(
        best,
        pulses=sum(programmed.pulses for _, programmed in tries),
        energy=sum(programmed.energy for _, programmed in tries),
    )


def mean_inl(ramp: Ramp) -> float:
    """Return the mean distance of a ramp's crossings from their thresholds, in local LSB."""
    return float(np.abs(transition_errors(ramp)).mean())


def transition_errors(ramp: Ramp) -> Array:
    """Return how far each transition from code to code is from its place, in local LSB.

    Turning points of functions with two branches are thresholds at which the code stays; they do
    not count.
    """
    transition = np.flatnonzero(np.diff(ramp.step_code))
    theta = ramp.theta[transition]
    error = ramp.crossing[transition] - theta
    return np.asarray(error / np.gradient(theta) if theta.size > 1 else error)


def _program_copy(
    design: Ramp, model: DeviceModel, *, device: Device, site: Site, calibrate: bool, copy: int
) -> tuple[Ramp, ProgrammedRamp]:
    """Return a copy as it is measured right after programming, and as it is at work."""
    number = _RAMP_ARRAYS + site.array * 2 * _COPIES + copy
    at_cells = Site(site.seed, site.tile, number)
    cells = program_devices(model, design.cell[None, :], at_cells, device=device)
    at_bias = Site(site.seed, site.tile, number + _COPIES)
    fresh = replace(design, cell=cells.verified[0])
    biases = _program_bias(fresh, model, device=device, site=at_bias, fit=calibrate)
    fresh = replace(fresh, bias=np.array([item.verified[0, 0] for item in biases]))
    ramp = replace(
        design,
        cell=cells.conductance[0],
        bias=np.array([item.conductance[0, 0] for item in biases]),
    )
    noise = read_noise(model, ramp.bias, device=device)
    return fresh, ProgrammedRamp(
        ramp=ramp,
        cell_sigma=read_noise(model, ramp.cell, device=device),
        bias_sigma=0.0 if noise is None else float(np.sqrt((noise**2).sum())),
        pulses=cells.pulses + sum(item.pulses for item in biases),
        energy=cells.energy + sum(item.energy for item in biases),
    )


def _program_bias(
    ramp: Ramp, model: DeviceModel, *, device: Device, site: Site, fit: bool
) -> list[Programmed]:
    """Program the bias cells one after the other, each knowing what the ones before it reached.

    Without calibration every cell is programmed to its share of the design and left as it comes.
    """
    cells = ramp.bias.size
    left = needed_bias(ramp) if fit else float(ramp.bias.sum())
    share = left / cells if cells else 0.0
    out: list[Programmed] = []
    for cell in range(cells):
        target = min(max(left / (cells - cell) if fit else share, device.g_min), device.g_max)
        place = site.array + (cell + 1) * _BIAS_TRIAL
        at_cell = Site(site.seed, site.tile, place)
        out.append(program_devices(model, np.array([[target]]), at_cell, device=device))
        left -= float(out[-1].verified[0, 0])
    return out


def needed_bias(ramp: Ramp) -> float:
    """Return the bias conductance with which the middle step crosses where it should, S."""
    middle = (ramp.theta.size - 1) // 2
    risen = float(ramp.cell[: middle + 1].sum())
    return max(risen - float(ramp.theta[middle]) / ramp.x_per_siemens, 0.0)
