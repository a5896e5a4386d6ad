"""What a memristor is: range, programming error, noise, faults, drift; a file a model."""

from archsim.devices.base import DeviceModel, Programmed, Site, device_model

__all__ = ["DeviceModel", "Programmed", "Site", "device_model"]
