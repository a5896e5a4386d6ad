"""What a memristor is: range, programming error, noise, faults, drift; a file a model."""

from archsim.devices.base import DeviceModel, ExactModel, Programmed, Site, device_model

__all__ = ["DeviceModel", "ExactModel", "Programmed", "Site", "device_model"]
