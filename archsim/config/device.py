"""The device's part of a configuration: what a memristor is.

Every number of a device that is not ideal needs a source: `sources` maps the name of a key to where
its value is from, or to ``assumed: ...`` with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from archsim import shipped
from archsim.config.base import Rule, Section
from archsim.config.fields import OneOf
from archsim.config.kinds import Kinds
from archsim.config.merge import load_document
from archsim.config.quantity import Quantity
from archsim.config.sections import unfinished
from archsim.config.validate import validate_document

if TYPE_CHECKING:
    from archsim.config.run import RunConfig

Conductance = Annotated[float, Quantity("S", ge=0, le=10)]
Share = Annotated[float, Quantity("1", ge=0, le=1)]
Source = Annotated[str, Field(min_length=8)]


class ReadNoise(Section):
    """Slow noise of a device: frozen during a conversion, drawn for each."""

    sigma: Conductance = Field(0.0, description="standard deviation, absolute")
    sigma_relative: Share = Field(
        0.0, description="standard deviation, relative to the conductance"
    )


class Faults(Section):
    """Devices that cannot be programmed."""

    stuck_off: Share = Field(0.0, description="share of devices stuck at g_min")
    stuck_on: Share = Field(0.0, description="share of devices stuck at g_max")

    @model_validator(mode="after")
    def _shares(self) -> Faults:
        if self.stuck_off + self.stuck_on > 1:
            msg = "stuck_off and stuck_on together are more than all devices"
            raise ValueError(msg)
        return self


class Drift(Section):
    """Retention: ``G(t) = G0 (t / t0)^-nu``."""

    nu: float = Field(0.0, ge=-1, le=1, description="mean drift exponent")
    nu_sigma: float = Field(0.0, ge=0, le=1, description="spread of the exponent between devices")
    t0: Annotated[float, Quantity("s", gt=0)] = Field(
        1.0, description="time after programming at which G0 holds"
    )
    time: Annotated[float, Quantity("s", ge=0)] = Field(
        0.0,
        description="time after programming at which the chip works; not above t0: no drift",
    )


class Temperature(Section):
    """``G(T) = G (1 + coefficient (T - reference))``."""

    coefficient: Annotated[float, Quantity("1/K")] = Field(
        0.0, description="relative change of conductance per kelvin"
    )
    reference: Annotated[float, Quantity("K", gt=0)] = Field(
        300.0, description="temperature at which devices are programmed, in K or degC"
    )
    value: Annotated[float, Quantity("K", gt=0)] = Field(
        300.0, description="temperature at which the chip works, in K or degC"
    )


class Slices(Section):
    """A weight on several devices of decreasing significance (Song et al., Science 383:903)."""

    count: int = Field(1, ge=1, le=8, description="devices a weight, on either side")
    ratio: float = Field(
        0.0625, gt=0, lt=1, description="significance of a device relative to the one before it"
    )


class DeviceSection(Section):
    """A device: the range of conductances that every one has. Its model adds keys of its own."""

    if TYPE_CHECKING:
        model: str  # each model has its own name; a field here would come before all others
    g_min: Conductance = Field(description="lowest conductance")
    g_max: Annotated[float, Quantity("S", ge=1e-15, le=10)] = Field(
        description="highest conductance"
    )
    conductance_steps: int = Field(
        4095,
        ge=1,
        le=32767,
        description="whole steps from 0 to g_max in which the simulation holds conductances",
    )

    slices: Slices = Slices()

    @property
    def exact(self) -> bool:
        """Whether devices take and keep exactly what they are programmed to."""
        return False

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:  # noqa: ARG002
        """Yield keys that may change nothing, with the reason where they change nothing."""
        single = "with device.slices.count 1" if self.slices.count == 1 else ""
        first = "with device.model ideal, whose first slice is exact" if self.exact else ""
        yield "slices.ratio", single or first

    @model_validator(mode="after")
    def _rises(self) -> DeviceSection:
        if self.g_min >= self.g_max:
            msg = f"g_min ({self.g_min:g} S) has to be below g_max ({self.g_max:g} S)"
            raise ValueError(msg)
        return self


_WITHOUT_SOURCE = {"model", "description", "sources", "conductance_steps", "slices", "table"}
"""Keys of a device that say nothing about what was measured."""

_ABOUT_SOURCES = (
    "where each value is from: for every key of the device that is given, but "
    f"{', '.join(sorted(_WITHOUT_SOURCE - {'sources'}))}, the publication or measurement, or "
    "'assumed: ' and why; for example {g_min: 'assumed: lowest reading of the tester'}"
)


def _ask_for_sources(missing: list[str]) -> str:
    """Return the sentence about keys whose source is missing, with a line to paste."""
    values = "values of" if len(missing) > 1 else "value of"
    verb = "are" if len(missing) > 1 else "is"
    names = ", ".join(f"'{key}'" for key in missing)
    pasted = ", ".join(f"{key}: 'assumed: say why'" for key in missing)
    return (
        f"sources: say where the {values} {names} {verb} from, or 'assumed: ...' and why, "
        f"as in sources: {{{pasted}}}"
    )


class ImperfectDevice(DeviceSection):
    """What real devices have in common."""

    description: str = Field("", description="free text")
    sources: dict[str, Source] = Field(default_factory=dict, description=_ABOUT_SOURCES)
    read_noise: ReadNoise = ReadNoise()
    faults: Faults = Faults()
    drift: Drift = Drift()
    temperature: Temperature = Temperature()

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:
        """Yield keys that may change nothing, with the reason where they change nothing."""
        yield from super().without_effect(config)
        drift, temperature = self.drift, self.temperature
        still = drift.nu == 0 and drift.nu_sigma == 0
        yield "drift.time", "without device.drift.nu or nu_sigma" if still else ""
        indifferent = temperature.coefficient == 0
        yield "temperature.value", "without device.temperature.coefficient" if indifferent else ""

    @model_validator(mode="after")
    def _sourced(self) -> ImperfectDevice:
        missing = sorted(self.model_fields_set - self.sources.keys() - _WITHOUT_SOURCE)
        if missing:
            raise ValueError(_ask_for_sources(missing))
        return self


DEVICES: Kinds[Any] = Kinds(
    "device model",
    "archsim.devices",
    "archsim.devices.base:DeviceModel",
    shipped="archsim.devices",
    part="",
    name_of=lambda cls: getattr(cls, "model", None),
    check=lambda cls: "" if cls.keys is None else unfinished(cls.keys),
)
"""All device models (`archsim.devices`)."""


class _OfModel(OneOf):
    """Marks a field that holds a device: the keys of its model."""

    def section_of(self, kind: Any) -> type[Section] | None:
        """Return the section of a device model, None of one that is named by model custom."""
        section: type[Section] | None = kind.keys
        return section

    def why_not(self, name: object) -> str:
        """Return why a model cannot be had; empty where it can."""
        if self.kinds.has(name):
            return f"'{name}' has no keys of its own: write model: custom, name: {name}"
        return super().why_not(name)


Device = Annotated[DeviceSection, _OfModel(DEVICES, "model")]


class DeviceFile(Section):
    """A file with a device alone, to be named by ``extends`` or by ``archsim adc --device``."""

    device: Device


def load_device(path: str | Path) -> Device:
    """Read a device file, or one that comes with archsim by its name.

    Raises
    ------
    ConfigError
        If it cannot be read or is not a device file; names the file and line.
    """
    return validate_document(
        load_document(shipped.by_name(path, shipped.DEVICES)), DeviceFile
    ).device
