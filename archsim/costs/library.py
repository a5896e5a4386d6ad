"""The component library: a YAML file of components, their actions and their costs.

Format ``archsim-components/1``. A component has a `source`; an action, area, leakage or latency may
have one of its own. ``per: bit`` (or ``bit^2``, ``mm``) says that energy, area and leakage are
those of one bit (one bit of each factor, one millimetre), to be multiplied by the width in use.
`supply` is the voltage at which the energies hold and `scaling` how a component follows the node;
both serve `archsim.costs.scaling`. For entries that name a model see `archsim.costs.models`.

A source that begins with ``assumed:`` is a guess and says why; one that begins with ``model:`` was
computed by a model of others; any other is a figure that was read in the publication it names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr

from archsim.config.base import Section
from archsim.config.merge import load_document
from archsim.config.quantity import Quantity
from archsim.config.validate import validate_document
from archsim.costs.models.base import resolve_models
from archsim.errors import ConfigError
from archsim.listing import listed
from archsim.shipped import LIBRARIES, by_name

Energy = Annotated[float, Quantity("J", ge=0)]
Area = Annotated[float, Quantity("m^2", ge=0)]
Power = Annotated[float, Quantity("W", ge=0)]
Time = Annotated[float, Quantity("s", ge=0)]
Source = Annotated[str, Field(min_length=8)]


class SourceKind(StrEnum):
    """How far a number can be trusted, by where it comes from."""

    READ = "read"
    MODEL = "model"
    ASSUMED = "assumed"

    @classmethod
    def of(cls, source: str) -> SourceKind:
        """Return the kind of a source's text, which its beginning tells."""
        prefix = source.partition(":")[0].strip()
        return cls(prefix) if prefix in (cls.MODEL, cls.ASSUMED) else cls.READ


class Scaling(StrEnum):
    """How a component follows the process node; the rules are in `archsim.costs.scaling`."""

    DIGITAL = "digital"
    ANALOG = "analog"
    SURVEY = "survey"
    WIRE = "wire"


class Action(Section):
    """One thing that a component does, and the energy of doing it once."""

    energy: Energy
    source: Source | None = None


class SourcedArea(Section):
    """An area with a source of its own."""

    value: Area
    source: Source


class SourcedPower(Section):
    """A leakage with a source of its own."""

    value: Power
    source: Source


class SourcedTime(Section):
    """A latency with a source of its own."""

    value: Time
    source: Source


class SourcedCapacitance(Section):
    """A capacitance with a source of its own."""

    value: Annotated[float, Quantity("F", ge=0)]
    source: Source


class SourcedLineCapacitance(Section):
    """A capacitance per length with a source of its own."""

    value: Annotated[float, Quantity("F/m", ge=0)]
    source: Source


class SourcedDensity(Section):
    """A capacitance per area with a source of its own."""

    value: Annotated[float, Quantity("F/m^2", gt=0)]
    source: Source


class Component(Section):
    """A component: its actions, area and leakage."""

    description: str
    source: Source
    node: Annotated[float, Quantity("m", gt=0)]
    per: Literal["bit", "bit^2", "mm"] | None = None
    scaling: Scaling = Scaling.DIGITAL
    actions: dict[str, Action] = Field(default_factory=dict)
    area: Area | SourcedArea = 0.0
    leakage: Power | SourcedPower = 0.0
    latency: Time | SourcedTime | None = None
    capacitance: SourcedLineCapacitance | None = None
    capacitance_per_cell: SourcedCapacitance | None = None
    capacitor_density: SourcedDensity | None = None


FIGURE_UNITS = {
    "area": "m^2",
    "leakage": "W",
    "latency": "s",
    "capacitance": "F/m",
    "capacitance_per_cell": "F",
    "capacitor_density": "F/m^2",
}
"""The numbers that a component may have beside its actions' energies, and their SI units."""


@dataclass(frozen=True)
class Figure:
    """One number of a library.

    Attributes
    ----------
    component : str
        The component that has it.
    what : str
        ``energy`` of an action, or the component's key: ``area``, ``leakage`` and so on.
    action : str or None
        The action whose energy it is.
    value : float
        In SI.
    unit : str
        SI unit.
    source : str
        The number's own source, or else the component's.
    """

    component: str
    what: str
    action: str | None
    value: float
    unit: str
    source: str

    @property
    def kind(self) -> SourceKind:
        """Kind of the source."""
        return SourceKind.of(self.source)


class ComponentLibrary(Section):
    """All components of one process node.

    Look a cost up with `energy`, `area` and `leakage`; an unknown component or action raises
    `ConfigError` with the library's name, so a missing number is never taken as 0.
    """

    schema_: Literal["archsim-components/1"] = Field(alias="schema")
    name: str
    node: Annotated[float, Quantity("m", gt=0)]
    supply: Annotated[float, Quantity("V", gt=0)] | None = None
    description: str = ""
    components: dict[str, Component]

    _nominal: ComponentLibrary | None = PrivateAttr(default=None)

    @property
    def nominal(self) -> ComponentLibrary:
        """The library before any factors; wires are as long as its areas say.

        A factor asks what one component's cost does to the total. If it moved other components'
        wires as well, the total would not change by that component's share.
        """
        return self._nominal or self

    def with_factors(self, factors: Mapping[str, float]) -> ComponentLibrary:
        """Return a copy in which some components cost a multiple of what they do here.

        Scale to a node first: `nominal` of the copy is this library, at its node.

        Parameters
        ----------
        factors : mapping of str to float
            By component: what its energies, area and leakage are multiplied by, above 0.

        Raises
        ------
        ConfigError
            If a component is not in the library, or a factor is not above 0.
        """
        for name, factor in factors.items():
            self._check_factor(name, factor)
        changed = {name: _multiplied(self.components[name], by) for name, by in factors.items()}
        copy = self.model_copy(update={"components": self.components | changed})
        copy._nominal = self.nominal
        return copy

    def component(self, name: str) -> Component:
        """Return the component called `name`."""
        if name not in self.components:
            msg = f"component library '{self.name}': it has no component '{name}'; add it"
            raise ConfigError(msg)
        return self.components[name]

    def energy(self, name: str, action: str, width: float = 1.0) -> float:
        """Return the energy of one action in J; `width` is the number of bits (or mm) at work."""
        actions = self.component(name).actions
        if action not in actions:
            msg = f"component library '{self.name}': '{name}' has no action '{action}'; add it"
            raise ConfigError(msg)
        return actions[action].energy * width

    def area(self, name: str, width: float = 1.0) -> float:
        """Return the area in m^2; `width` as for `energy`."""
        area = self.component(name).area
        return (area.value if isinstance(area, SourcedArea) else area) * width

    def leakage(self, name: str, width: float = 1.0) -> float:
        """Return the leakage in W; `width` as for `energy`."""
        leakage = self.component(name).leakage
        return (leakage.value if isinstance(leakage, SourcedPower) else leakage) * width

    def row_capacitance_per_cell(self) -> float:
        """Return what one crossbar cell adds to the capacitance of its row, F."""
        return self._required("crossbar_cell", "capacitance_per_cell").value  # type: ignore[no-any-return]

    def capacitor_density(self) -> float:
        """Return the capacitance of an integration capacitor per area, F/m^2."""
        return self._required("feedback_capacitor", "capacitor_density").value  # type: ignore[no-any-return]

    def figures(self) -> Iterator[Figure]:
        """Yield every number with its unit and its source, component by component."""
        for name, component in self.components.items():
            for action, cost in component.actions.items():
                source = cost.source or component.source
                yield Figure(name, "energy", action, cost.energy, "J", source)
            for what, unit in FIGURE_UNITS.items():
                number = getattr(component, what)
                if number is not None:
                    own = isinstance(number, Section)
                    value = number.value if own else number
                    source = number.source if own else component.source
                    yield Figure(name, what, None, value, unit, source)

    def _check_factor(self, name: str, factor: float) -> None:
        if name not in self.components:
            near = get_close_matches(name, self.components, n=1)
            known = f"known are {listed(self.components)}"
            hint = f"did you mean '{near[0]}'?" if near else known
            msg = f"{_FACTORS}: library '{self.name}' has no component '{name}' ({hint})"
            raise ConfigError(msg)
        if not (math.isfinite(factor) and factor > 0):
            msg = f"{_FACTORS}.{name}: {factor:g} is not a factor; give a number above 0"
            raise ConfigError(msg)

    def _required(self, name: str, key: str) -> Any:
        value = getattr(self.component(name), key)
        if value is None:
            msg = f"component library '{self.name}': '{name}' needs the key '{key}'"
            raise ConfigError(msg)
        return value


_FACTORS = "technology.cost_factors"


def _multiplied(component: Component, factor: float) -> Component:
    """Return a component whose energies, area and leakage are `factor` times as large."""

    def times(value: Any, sourced: Any, by: float = factor) -> Any:
        own = isinstance(value, Section)
        plain, source = (value.value, value.source) if own else (value, component.source)
        if not plain:
            return value
        return sourced.model_construct(value=plain * by, source=_times(source, factor))

    actions = {
        name: Action.model_construct(
            energy=action.energy * factor,
            source=_times(action.source or component.source, factor),
        )
        for name, action in component.actions.items()
    }
    changes = {
        "actions": actions,
        "area": times(component.area, SourcedArea),
        "leakage": times(component.leakage, SourcedPower),
    }
    if component.capacitor_density is not None:
        # A capacitor's area is its capacitance over this.
        changes["capacitor_density"] = times(
            component.capacitor_density, SourcedDensity, by=1 / factor
        )
    return component.model_copy(update=changes)


def _times(source: str, factor: float) -> str:
    """Say in a source that its number was multiplied; a source's kind stays what it was."""
    prefix = SourceKind.of(source)
    said = f"x {factor:g} by {_FACTORS}"
    if prefix is SourceKind.READ:
        return f"{said}; {source}"
    return f"{prefix}: {said}; {source.partition(':')[2].strip()}"


def load_library(path: Path) -> ComponentLibrary:
    """Read a component library; what it names of hwcomponents is computed on the way.

    Raises
    ------
    ConfigError
        If the file cannot be read or is not a component library, or if a model that it names cannot
        be had; names the file and line.
    """
    document = load_document(by_name(path, LIBRARIES))
    resolve_models(document)
    return validate_document(document, ComponentLibrary)
