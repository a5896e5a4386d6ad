"""The interface of a device model, and the registry of known ones.

To add your own: subclass `DeviceModel` and register it under a name. One with keys of its own (a
section that subclasses `archsim.config.device.DeviceSection`) a configuration takes by ``model``;
one without is named with ``model: custom`` and handed `parameters`. An installed package offers its
models by entry points in the group ``archsim.devices``, loaded when their name is asked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from archsim.config.device import DEVICES, DeviceSection
from archsim.errors import DesignError
from archsim.listing import listed
from archsim.numeric.philox import Purpose, fill_normal, fill_uniform

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Site:
    """Where an array of devices stands, which its random numbers are keyed by.

    Attributes
    ----------
    seed : int
        Seed of the run.
    tile : int
        Number of the tile on the chip.
    array : int
        Which array of the tile: positive and negative side, a slice, a ramp's copy.
    """

    seed: int
    tile: int
    array: int

    def normal(self, purpose: Purpose, shape: tuple[int, int], trial: int = 0) -> Array:
        """Return standard normal variates (rows, columns), a counter a row."""
        return self._rows(fill_normal, purpose, shape, trial)

    def uniform(self, purpose: Purpose, shape: tuple[int, int], trial: int = 0) -> Array:
        """Return uniform variates in (0, 1] (rows, columns), a counter a row."""
        return self._rows(fill_uniform, purpose, shape, trial)

    def _rows(self, fill: Any, purpose: Purpose, shape: tuple[int, int], trial: int) -> Array:
        out = np.empty(shape, dtype=np.float64)
        place = (self.tile << 32) | self.array
        # Compiled code wraps silently; where compilation is off, NumPy would warn of it.
        with np.errstate(over="ignore"):
            for row in range(shape[0]):
                fill(self.seed, int(purpose), row, place, trial, out[row])
        return out


@dataclass(frozen=True)
class Programmed:
    """Devices after programming.

    Attributes
    ----------
    conductance : float64 (rows, columns)
        What they hold when the chip works, S.
    fresh : float64 (rows, columns), or None
        What they held right after programming, which verification and calibration see, S; None
        where that is the same.
    pulses : int
        Programming pulses that it took, 0 where they are not simulated.
    energy : float
        Energy of those pulses, J.
    """

    conductance: Array
    pulses: int
    energy: float
    fresh: Array | None = None

    @property
    def verified(self) -> Array:
        """What a measurement right after programming reads, S."""
        return self.conductance if self.fresh is None else self.fresh


class DeviceModel(ABC):
    """What devices of one kind do when they are programmed and read.

    Attributes
    ----------
    model : str
        Its value of ``device.model``, or of ``device.name`` where it has no keys of its own.
    keys : type of DeviceSection, or None
        Its section of the configuration; None where ``model: custom`` names it.

    Examples
    --------
    >>> from archsim.devices.base import Programmed, register
    >>> @register
    ... class Weak(archsim.DeviceModel):
    ...     model = "weak"
    ...     def program(self, target, site):
    ...         return Programmed(0.9 * target, pulses=0, energy=0.0)
    ...     def read_sigma(self, conductance):
    ...         return 0.01 * conductance
    >>> device = {"model": "custom", "name": "weak", "g_min": "0 S", "g_max": "150 uS"}
    >>> archsim.load({"extends": "kws", "device": None}, set={"device": device}).device.name
    'weak'
    """

    model: ClassVar[str]
    keys: ClassVar[type[DeviceSection] | None] = None

    def __init__(self, section: Any) -> None:
        self.section = section

    @abstractmethod
    def program(self, target: Array, site: Site) -> Programmed:
        """Program devices.

        Parameters
        ----------
        target : float64 (rows, columns)
            What they should hold, S.
        site : Site
            Where they stand, by which random numbers are keyed.

        Returns
        -------
        Programmed
            What they hold, S.
        """

    def read_sigma(self, conductance: Array) -> Array | None:
        """Return the read noise of devices, S; None where there is none.

        Parameters
        ----------
        conductance : float64, any shape
            What they hold, S.

        Returns
        -------
        float64, the same shape, or None
            Standard deviation of each, S, drawn for each conversion.
        """
        del conductance
        return None


class ExactModel(DeviceModel):
    """Devices that take and keep exactly what they are programmed to."""

    def program(self, target: Array, site: Site) -> Programmed:
        """Return the targets."""
        del site
        return Programmed(target.copy(), pulses=0, energy=0.0)


register = DEVICES.register


def device_model(section: Any) -> DeviceModel:
    """Return the device model that a section of the configuration describes.

    Raises
    ------
    DesignError
        If no model of that name is registered, or it is a plug-in's and does not load.
    """
    return model_named(section.model)(section)


def model_named(name: str) -> type[DeviceModel]:
    """Return the device model of a name.

    Raises
    ------
    DesignError
        If none of that name is registered, or it is a plug-in's and does not load.
    """
    if name not in DEVICES.names():
        msg = f"device: no model '{name}' is registered; known are {listed(DEVICES.names())}"
        raise DesignError(msg)
    found: type[DeviceModel] = DEVICES.get(name)
    return found
