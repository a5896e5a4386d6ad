"""Devices of the user's own, registered in Python under a name: ``model: custom``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from archsim.config.device import DeviceSection, Source
from archsim.devices.base import Array, DeviceModel, Programmed, Site, model_named, register
from archsim.errors import DesignError


class CustomDevice(DeviceSection):
    """A device model of the user's own, registered in Python under a name."""

    model: Literal["custom"] = Field(description="device model")
    name: str = Field(description="name under which the model is registered")
    sources: dict[str, Source] = Field(
        default_factory=dict, description="where each value is from, by key; not required here"
    )
    parameters: dict[str, float | int | bool | str] = Field(
        default_factory=dict, description="whatever the model takes"
    )


@register
class CustomModel(DeviceModel):
    """``model: custom``: the model that its section names does the work."""

    model = "custom"
    keys = CustomDevice
    section: CustomDevice

    def __init__(self, section: CustomDevice) -> None:
        super().__init__(section)
        found = model_named(section.name)
        if found is CustomModel:
            msg = "device.name: 'custom' stands for a model of one's own: give the name of that one"
            raise DesignError(msg)
        self._model = found(section)

    def program(self, target: Array, site: Site) -> Programmed:
        """Program devices to `target` (rows, columns), S."""
        return self._model.program(target, site)

    def read_sigma(self, conductance: Array) -> Array | None:
        """Return the read noise of devices (any shape), S; None where there is none."""
        return self._model.read_sigma(conductance)
