"""What a memristor is: range, programming error, noise, faults, drift."""

from archsim.devices import ideal, memristor, table
from archsim.devices.base import DeviceModel, Programmed, Site, device_model

__all__ = ["DeviceModel", "Programmed", "Site", "device_model", "ideal", "memristor", "table"]
