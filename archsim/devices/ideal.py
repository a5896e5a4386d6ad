"""Devices that take and keep exactly what they are programmed to."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from archsim.config.device import DeviceSection
from archsim.devices.base import ExactModel, register


class IdealDevice(DeviceSection):
    """Memristors that take and keep exactly the conductance that they are programmed to."""

    model: Literal["ideal"] = Field(description="device model")

    @property
    def exact(self) -> bool:
        """Whether devices take and keep exactly what they are programmed to, as these do."""
        return True


@register
class Ideal(ExactModel):
    """``model: ideal``."""

    model = "ideal"
    keys = IdealDevice
