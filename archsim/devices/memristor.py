"""A memristor with errors of programming: drawn at once, or simulated pulse by pulse."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from archsim.config.base import Rule, Section
from archsim.config.device import Conductance, ImperfectDevice, Share
from archsim.config.quantity import Quantity
from archsim.devices.base import Array, DeviceModel, Programmed, Site, register
from archsim.devices.effects import at_work, read_sigma, shape_of, stuck_at
from archsim.numeric.philox import Purpose

if TYPE_CHECKING:
    from archsim.config.run import RunConfig


class Method(StrEnum):
    """How programming is simulated."""

    STATISTICAL = "statistical"
    WRITE_VERIFY = "write_verify"


class WriteVerify(Section):
    """Programming a device pulse by pulse until it reads close enough to its target."""

    pulse_gain: float = Field(
        0.5,
        gt=0,
        le=1,
        description="share of the distance left that a pulse covers",
    )
    pulse_sigma: Conductance = Field(4e-06, description="spread of a pulse's effect")
    tolerance: Conductance = Field(
        2e-06, description="distance from the target that is good enough"
    )
    max_pulses: int = Field(50, ge=1, le=10_000, description="pulses before a device is given up")
    pulse_energy: Annotated[float, Quantity("J", ge=0)] = Field(
        1e-12, description="energy of one pulse and its verifying read"
    )


class Programming(Section):
    """Errors of programming."""

    method: Method = Field(Method.STATISTICAL, description="draw the error, or simulate pulses")
    sigma: Conductance = Field(0.0, description="absolute standard deviation after programming")
    sigma_relative: Share = Field(
        0.0, description="standard deviation after programming, relative to the target"
    )
    write_verify: WriteVerify = WriteVerify()

    @model_validator(mode="after")
    def _one_method(self) -> Programming:
        if self.method is Method.WRITE_VERIFY and (self.sigma or self.sigma_relative):
            msg = (
                "sigma and sigma_relative are the statistical method's: with method write_verify "
                "set them to 0 and give write_verify.tolerance"
            )
            raise ValueError(msg)
        return self


class Memristor(ImperfectDevice):
    """A device with programming errors, noise, faults, drift and a temperature coefficient."""

    model: Literal["memristor"] = Field(description="device model")
    levels: Annotated[int, Field(ge=2, le=65536)] | Literal["continuous"] = Field(
        "continuous", description="levels that programming can aim at, evenly from g_min to g_max"
    )
    programming: Programming = Programming()

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:
        """Yield keys that may change nothing, with the reason where they change nothing."""
        yield from super().without_effect(config)
        statistical = self.programming.method is Method.STATISTICAL
        why = "with device.programming.method statistical" if statistical else ""
        yield "programming.write_verify", why


@register
class MemristorModel(DeviceModel):
    """``model: memristor``."""

    model = "memristor"
    keys = Memristor
    section: Memristor

    def program(self, target: Array, site: Site) -> Programmed:
        """Program devices to the nearest levels of `target` (rows, columns), S."""
        aim = self.nearest_level(target)
        stuck = stuck_at(self.section, site, shape_of(aim))
        if self.section.programming.method is Method.WRITE_VERIFY:
            fresh, pulses = self._write_verify(aim, stuck, site)
        else:
            drawn = self._drawn(aim, site)
            fresh, pulses = np.where(np.isnan(stuck), drawn, stuck), 0
        return Programmed(
            at_work(fresh, self.section, site),
            pulses=pulses,
            energy=pulses * self.section.programming.write_verify.pulse_energy,
            fresh=fresh,
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

    def _write_verify(self, aim: Array, stuck: Array, site: Site) -> tuple[Array, int]:
        """Pulse every device from g_min until it is within the tolerance or given up.

        A pulse moves a device by ``pulse_gain`` of the distance that is left, with a Gaussian
        spread; a device that reads within the tolerance gets no more pulses. Stuck devices (`stuck`
        is not NaN) do not move and are given up like others.
        """
        settings = self.section.programming.write_verify
        rows, columns = aim.shape
        conductance = np.where(np.isnan(stuck), self.section.g_min, stuck)
        pulses = 0
        for pulse in range(settings.max_pulses):
            open_ = np.abs(conductance - aim) > settings.tolerance
            if not open_.any():
                break
            pulses += int(open_.sum())
            spread = settings.pulse_sigma * site.normal(Purpose.PULSE, (rows, columns), pulse)
            moved = conductance + settings.pulse_gain * (aim - conductance) + spread
            moved = np.clip(moved, 0.0, self.section.g_max)
            conductance = np.where(open_ & np.isnan(stuck), moved, conductance)
        return conductance, pulses
