"""Weights onto a crossbar: targets, programming, wires, and the integers that kernels see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.chip.wires import effective_differential
from archsim.config.device import Device
from archsim.config.hardware import Wires
from archsim.devices import DeviceModel, Site
from archsim.devices.checked import program_devices, read_noise

DEAD_WEIGHT = 1e-13
"""A matrix whose largest weight is below this holds nothing, as if it were zero.

Spread over the whole range of the conductances, such weights would ask for capacitors, and for
charges on the scale of the ramps, beyond what any number can hold; they move no sum by anything
that a converter could see.
"""

SIDES = 2
"""Memristors at a crossing of a row and a differential column, a slice."""


@dataclass(frozen=True)
class Crossbar:
    """A programmed crossbar in whole conductance steps.

    Attributes
    ----------
    difference : int16 or int32 (rows, columns)
        G+ - G-; slices of a weight added up by their significance. The narrowest that is exact.
    row_conductance : int64 (rows,)
        Sum of all conductances of a row, what its driver sees.
    read_variance : float64 (rows, columns), or (0, 0)
        Variance of `difference` by read noise, steps^2; empty where there is none.
    memristors : int
        Devices of the crossbar.
    pulses : int
        Programming pulses, 0 where they are not simulated.
    energy : float
        Energy of programming, J.
    """

    difference: NDArray[np.int32]
    row_conductance: NDArray[np.int64]
    read_variance: NDArray[np.float64]
    memristors: int
    pulses: int
    energy: float


def with_bias_row(
    rows: NDArray[np.float64], bias: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return a matrix (rows, columns) with its bias as one more row, or as it is without one."""
    return rows if bias is None else np.concatenate([rows, bias[None, :]])


def weight_range(weight: NDArray[np.float64], percentile: float) -> float:
    """Return the largest magnitude of a weight that conductances reach.

    Parameters
    ----------
    weight : float64 (rows, columns)
        Weights.
    percentile : float
        Percent of the magnitudes of weights, zeros aside, that are not above it.
    """
    size = np.abs(weight)
    if percentile == 100.0 or not size.any():
        return float(size.max(initial=0.0))
    return float(np.percentile(size[size > 0], percentile))


def find_weight_of_g_max(
    weight: NDArray[np.float64], *, device: Device, percentile: float = 100.0
) -> float:
    """Return the weight that a conductance difference of g_max stands for.

    Parameters
    ----------
    weight : float64 (rows, columns)
        Weights.
    device : Device
        Range of conductances.
    percentile : float
        Percent of the magnitudes of weights, zeros aside, below the largest that is reached.

    Notes
    -----
    ``G+ - G- = w * g_max / w_max`` with the smaller side at g_min leaves the larger side room for
    ``g_max - g_min``, so ``w_max = max|w| * g_max / (g_max - g_min)``: the largest weight itself
    only where g_min is 0. Zero weights, and those as good as zero (`DEAD_WEIGHT`), leave their
    devices at g_min.
    """
    largest = weight_range(weight, percentile)
    if largest < DEAD_WEIGHT:
        largest = 1.0
    return largest * device.g_max / (device.g_max - device.g_min)


def program_crossbar(
    weight: NDArray[np.float64],
    model: DeviceModel,
    *,
    device: Device,
    wires: Wires,
    seed: int,
    tile: int,
    present: NDArray[np.bool_],
    weight_of_g_max: float,
) -> Crossbar:
    """Map weights to pairs of devices and program them.

    With several slices a weight, each slice is programmed to what is still missing after the ones
    before it, magnified by its significance, so that it mends their errors (Song et al., Science
    383:903, 2024). What is missing is measured right after programming, through the wires; drift
    and temperature come later and are not mended.

    Parameters
    ----------
    weight : float64 (rows, columns)
        Weights.
    model : DeviceModel
        How devices take what they are programmed to.
    device : Device
        Range of conductances and number of slices.
    wires : Wires
        Wire resistance, which weakens far cells.
    seed, tile : int
        Key of the random numbers.
    present : bool (rows, columns)
        Where there are devices.
    weight_of_g_max : float
        Weight that a difference of g_max stands for, the same for all tiles of a layer.
    """
    aim = weight * (device.g_max / weight_of_g_max)
    reached, verified, loaded = (np.zeros(weight.shape) for _ in range(3))
    variance = np.zeros(weight.shape)
    noisy, pulses, energy = False, 0, 0.0
    for place in range(device.slices.count):
        scale = device.slices.ratio**place
        span = device.g_max - device.g_min
        missing = np.clip((aim - verified) / scale, -span, span)
        sides = [
            program_devices(
                model,
                device.g_min + np.maximum(wanted, 0.0),
                Site(seed, tile, number),
                device=device,
            )
            for number, wanted in enumerate((missing, -missing), start=SIDES * place)
        ]
        fresh = [np.where(present, side.verified, 0.0) for side in sides]
        working = [np.where(present, side.conductance, 0.0) for side in sides]
        pulses += sum(side.pulses for side in sides)
        energy += sum(side.energy for side in sides)
        if place + 1 < device.slices.count:
            plus, minus = _behind_wires(fresh[0], fresh[1], wires)
            verified = verified + scale * (plus - minus)
        plus, minus = _behind_wires(working[0], working[1], wires)
        reached = reached + scale * (plus - minus)
        loaded = loaded + plus + minus
        for conductance in working:
            sigma = read_noise(model, conductance, device=device)
            if sigma is not None:
                noisy = True
                variance += (scale * np.where(present, sigma, 0.0)) ** 2
    step = device.g_max / device.conductance_steps
    return Crossbar(
        difference=_narrowest(np.rint(reached / step)),
        row_conductance=np.rint(loaded / step).astype(np.int64).sum(axis=1),
        read_variance=np.ascontiguousarray(variance / step**2) if noisy else np.zeros((0, 0)),
        memristors=SIDES * device.slices.count * int(present.sum()),
        pulses=pulses,
        energy=energy,
    )


def _narrowest(whole: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return whole numbers as int16 where they fit, else as int32."""
    fits = np.abs(whole).max(initial=0.0) <= np.iinfo(np.int16).max
    return np.ascontiguousarray(whole.astype(np.int16 if fits else np.int32))


def _behind_wires(
    plus: NDArray[np.float64], minus: NDArray[np.float64], wires: Wires
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the conductances look like from drivers and integrators, S."""
    if wires.row_resistance == 0 and wires.column_resistance == 0:
        return plus, minus
    return effective_differential(
        plus, minus, r_row=wires.row_resistance, r_column=wires.column_resistance
    )
