"""Costs at another process node: a component library scaled by named rules.

**digital** follows Stillmaker and Baas, "Scaling equations for the accurate prediction of CMOS
device performance from 180 nm to 7 nm", Integration 58:74 (2017), doi 10.1016/j.vlsi.2017.02.002.
An energy goes from node x at V_x to node y at V_y as ``E_y(V_y) / E_x(V_x)`` with a quadratic
``E(V)``, a latency as the ratio of a cubic ``D(V)``, an area as the ratio of table areas. The
article was not read. Its coefficients were, in github.com/wromaszkan/nodeScale (MIT); hwcomponents
1.0.114 (MIT) has the same areas and energies, except that it takes the low-power rows at 45 and
32 nm, we the high-performance ones, as below. The authors' corrigendum
(engineering.fresnostate.edu/faculty-research/astill/2017-06-vlsij-scaling.html) confirms the
energies of 65 and 32 nm.

What these equations do not have is assumed, and the source of every number says so:

- nodes between those of the table (40, 28, 22, 12 nm): a straight line of log(factor) over
  log(node);
- leakage: as the energy at equal supply (hwcomponents does the same), times the supply (P = V I);
- latency: at the library's supply at both ends, because the cubics turn up again within the range
  of supplies. Even so the table has 32 nm faster than 20 nm.

**analog** (integrators, samplers, ordinary converters, crossbar cells) never gains by a rule: to a
coarser node it grows as digital does, to a finer one its area and latency stay, because noise and
matching fix its capacitors and devices, and its energy goes as V^2 (charge on those capacitors).

**survey** (converters from the survey fit) follows that fit: energy as node^1.880, area as
node^1.556, from the coefficients in hwcomponents-adc 1.0.21 (Andrulis et al., arXiv 2404.06553).

**wire**: energy as V^2, capacitance per length as it is.

Capacitor density and wire capacitance per length stay; a cell's share of its row's capacitance goes
as the side of the cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from archsim.config.base import Section
from archsim.costs.library import (
    Action,
    Component,
    ComponentLibrary,
    Scaling,
    SourcedArea,
    SourcedCapacitance,
    SourcedPower,
    SourcedTime,
    SourceKind,
)
from archsim.errors import ConfigError
from archsim.listing import listed

STILLMAKER = "the equations of Stillmaker and Baas, Integration 58:74 (2017)"
BEFORE = "before that: "
"""What stands between the rule and the old source where the rule makes a number an assumption."""

SUPPLY_RANGE = (0.6, 1.3)
"""Supplies that the energy equations are used for, V: below, that of 65 nm rises again; the
authors' own example reaches 1.3 V."""

ENERGY_COEFFICIENTS: dict[float, tuple[float, float, float]] = {
    65: (3.755, -4.398, 1.975),
    45: (1.018, -0.3107, 0.1539),
    32: (0.8367, -0.4341, 0.1701),
    20: (0.373, -0.1582, 0.04104),
    16: (0.2958, -0.1241, 0.03024),
    14: (0.2363, -0.09675, 0.02239),
    10: (0.2068, -0.09311, 0.02375),
    7: (0.1776, -0.09097, 0.02447),
}
"""By node in nm: a, b, c of the energy ``a V^2 + b V + c``, high performance."""

DELAY_COEFFICIENTS: dict[float, tuple[float, float, float, float]] = {
    65: (-53.3, 230.4, -333.9, 178.6),
    45: (-501.6, 1567, -1619, 566.1),
    32: (-1047, 2982, -2797, 873.5),
    20: (0, 34.63, -66.37, 41.15),
    16: (0, 24.8, -47.52, 28.87),
    14: (-40.66, 109.2, -100.6, 35.92),
    10: (-34.95, 93.65, -85.99, 30.4),
    7: (-28.58, 76.6, -70.26, 24.69),
}
"""By node in nm: coefficients of the cubic delay, highest power first, high performance."""

AREAS: dict[float, float] = {
    65: 7.9, 45: 5.3, 32: 2.4, 20: 1.1, 16: 1, 14: 0.91, 10: 0.54, 7: 0.31,
}  # fmt: skip
"""By node in nm: area relative to 16 nm, to the table's two digits; other pairs are ratios."""

BETWEEN = (40, 28, 22, 12)
NODES: tuple[float, ...] = tuple(sorted((*AREAS, *BETWEEN), reverse=True))
"""Nodes to scale between, nm."""

SURVEY_ENERGY_POWER = 1.880037
SURVEY_AREA_POWER = 0.993279 + 0.299124 * SURVEY_ENERGY_POWER
"""Powers of the node in the survey fit; its area depends on the node and on the energy."""


@dataclass(frozen=True)
class Factor:
    """What a number is multiplied by, and by which rule.

    Attributes
    ----------
    value : float
        The factor.
    rule : str
        Name of the rule.
    why : str
        Why the rule is an assumption; empty where it is a published one.
    """

    value: float
    rule: str
    why: str = ""

    def source(self, old: str, step: str) -> str:
        """Return the source of a scaled number, given its source before and ``from X to Y``."""
        if not self.why:
            return f"{old}; scaled {step} by {self.rule}"
        if SourceKind.of(old) is SourceKind.ASSUMED:
            return f"{old}; scaled {step} by {self.rule} ({self.why})"
        return f"assumed: scaled {step} by {self.rule} ({self.why}); {BEFORE}{old}"


@dataclass(frozen=True)
class Step:
    """A way from one node and supply to another; the node in nm, the supply in V."""

    node: float
    to_node: float
    supply: float
    to_supply: float

    def __str__(self) -> str:
        text = f"from {self.node:g} nm to {self.to_node:g} nm"
        if self.supply == self.to_supply:
            return text
        return f"{text} and from {self.supply:g} V to {self.to_supply:g} V"

    def _why(self) -> str:
        between = [f"{node:g}" for node in (self.node, self.to_node) if node not in AREAS]
        return f"interpolated at {' and '.join(between)} nm" if between else ""

    def energy(self) -> Factor:
        """Return the factor of a digital energy."""
        value = energy_factor(self.to_node, self.to_supply) / energy_factor(self.node, self.supply)
        return Factor(value, STILLMAKER, self._why())

    def area(self) -> Factor:
        """Return the factor of a digital area."""
        value = area_factor(self.to_node) / area_factor(self.node)
        return Factor(value, STILLMAKER, self._why())

    def latency(self) -> Factor:
        """Return the factor of a digital latency."""
        value = delay_factor(self.to_node, self.supply) / delay_factor(self.node, self.supply)
        return Factor(value, STILLMAKER, self._why())

    def leakage(self) -> Factor:
        """Return the factor of any leakage but the survey's."""
        same = Step(self.node, self.to_node, self.supply, self.supply)
        value = same.energy().value * self.to_supply / self.supply
        why = "they have no leakage, it is taken to go as energy at equal supply, times the supply"
        return Factor(value, STILLMAKER, why)


@dataclass(frozen=True)
class Factors:
    """The factors of a component's numbers."""

    energy: Factor
    area: Factor
    leakage: Factor
    latency: Factor


def energy_factor(node: float, supply: float) -> float:
    """Return the relative energy of a digital operation at `node` (nm) and `supply` (V)."""
    return _between(lambda n: _polynomial(ENERGY_COEFFICIENTS[n], supply), node)


def delay_factor(node: float, supply: float) -> float:
    """Return the relative delay of a gate at `node` (nm) and `supply` (V)."""
    return _between(lambda n: _polynomial(DELAY_COEFFICIENTS[n], supply), node)


def area_factor(node: float) -> float:
    """Return the area of a circuit at `node` (nm) relative to 16 nm."""
    return _between(lambda n: AREAS[n], node)


def scale_library(
    library: ComponentLibrary, node: float, *, supply: float | None = None
) -> ComponentLibrary:
    """Scale every component of a library to another node.

    Parameters
    ----------
    library : ComponentLibrary
        The library; its components are scaled from their own nodes.
    node : float
        The node, m: one of `NODES`.
    supply : float, optional
        Supply to scale energy and leakage to, V; the library's own if not given.

    Returns
    -------
    ComponentLibrary
        A library of that node in which every number that changed says by which rule; the same
        object where there is nothing to change.

    Raises
    ------
    ConfigError
        If a node is not one of `NODES`, the supply is outside of `SUPPLY_RANGE`, or the library
        does not say at which supply its energies hold.
    """
    to_node = _in_nm(node)
    own = library.supply
    same_supply = supply is None or own is None or math.isclose(supply, own)
    if same_supply and all(_in_nm(c.node) == to_node for c in library.components.values()):
        return library
    if own is None:
        msg = (
            f"component library '{library.name}' is of {library.node * 1e9:g} nm and cannot be "
            f"scaled to {to_node:g} nm: it has no key 'supply' (supply: 800 mV); add it"
        )
        raise ConfigError(msg)
    to_supply = own if same_supply or supply is None else supply
    for each in (own, to_supply):
        _check_supply(each)
    _check_node(to_node)
    components = {}
    for name, component in library.components.items():
        _check_node(_in_nm(component.node))
        step = Step(_in_nm(component.node), to_node, own, to_supply)
        components[name] = _scaled(component, step, node)
    changes = {
        "name": f"{library.name} at {to_node:g} nm",
        "node": node,
        "supply": to_supply,
        "components": components,
    }
    return library.model_copy(update=changes)


def factors_of(scaling: Scaling, step: Step) -> Factors:
    """Return the factors of a component that follows a rule."""
    return _RULES[scaling](step)


def _digital(step: Step) -> Factors:
    return Factors(step.energy(), step.area(), step.leakage(), step.latency())


def _analog(step: Step) -> Factors:
    if step.to_node > step.node:
        why = "analog circuits, which need not follow them"
        up = (
            Factor(each.value, each.rule, why)
            for each in (step.energy(), step.area(), step.leakage(), step.latency())
        )
        return Factors(*up)
    why = "analog: noise and matching fix capacitors and devices, so that only their charge follows"
    stays = Factor(1.0, "a constant", why)
    current = Factor(step.to_supply / step.supply, "V", "analog: bias currents stay")
    return Factors(_square(step, why), stays, current, stays)


def _survey(step: Step) -> Factors:
    ratio = step.to_node / step.node
    fit = "the survey fit of Andrulis et al., arXiv 2404.06553, as in hwcomponents-adc 1.0.21"
    energy = Factor(ratio**SURVEY_ENERGY_POWER, f"node^{SURVEY_ENERGY_POWER:.3f}, {fit}")
    area = Factor(ratio**SURVEY_AREA_POWER, f"node^{SURVEY_AREA_POWER:.3f}, {fit}")
    return Factors(energy, area, energy, Factor(1.0, "a constant: the fit's throughput is given"))


def _wire(step: Step) -> Factors:
    why = "capacitance per length hardly depends on the node"
    stays = Factor(1.0, "a constant", why)
    return Factors(_square(step, why), stays, stays, stays)


_RULES: dict[Scaling, Callable[[Step], Factors]] = {
    Scaling.DIGITAL: _digital,
    Scaling.ANALOG: _analog,
    Scaling.SURVEY: _survey,
    Scaling.WIRE: _wire,
}


def _square(step: Step, why: str) -> Factor:
    return Factor((step.to_supply / step.supply) ** 2, "V^2", why)


def _scaled(component: Component, step: Step, node: float) -> Component:
    """Return a component at another node; the same one where nothing changes."""
    if step.to_node == step.node and step.to_supply == step.supply:
        return component
    factors = factors_of(component.scaling, step)

    def number(value: Any, factor: Factor, sourced: Any) -> Any:
        own = isinstance(value, Section)
        plain, source = (value.value, value.source) if own else (value, component.source)
        text = factor.source(source, str(step)) if plain else source
        return sourced.model_construct(value=plain * factor.value, source=text)

    changes: dict[str, Any] = {
        "node": node,
        "actions": {
            name: Action.model_construct(
                energy=action.energy * factors.energy.value,
                source=factors.energy.source(action.source or component.source, str(step)),
            )
            for name, action in component.actions.items()
        },
        "area": number(component.area, factors.area, SourcedArea),
        "leakage": number(component.leakage, factors.leakage, SourcedPower),
    }
    if component.latency is not None:
        changes["latency"] = number(component.latency, factors.latency, SourcedTime)
    if component.capacitance_per_cell is not None:
        side = Factor(math.sqrt(factors.area.value), "the side of the cell", "mostly its wire")
        changes["capacitance_per_cell"] = number(
            component.capacitance_per_cell, side, SourcedCapacitance
        )
    return component.model_copy(update=changes)


def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    value = 0.0
    for coefficient in coefficients:
        value = value * x + coefficient
    return value


def _between(factor: Callable[[float], float], node: float) -> float:
    """Return the factor of a node, on a straight line in logarithms between the table's nodes."""
    if node in AREAS:
        return factor(node)
    above = min(each for each in AREAS if each > node)
    below = max(each for each in AREAS if each < node)
    share = math.log(node / below) / math.log(above / below)
    return math.exp((1 - share) * math.log(factor(below)) + share * math.log(factor(above)))


def _in_nm(node: float) -> float:
    """Return a node in nm, rounded so that it compares equal with the table's."""
    return round(node * 1e9, 3)


def _check_node(node: float) -> None:
    if node not in NODES:
        known = listed(f"{each:g}" for each in NODES)
        msg = f"costs cannot be scaled for a node of {node:g} nm: the rules are for {known} nm"
        raise ConfigError(msg)


def _check_supply(supply: float) -> None:
    low, high = SUPPLY_RANGE
    if not low <= supply <= high:
        msg = (
            f"costs cannot be scaled for a supply of {supply:g} V: the equations hold from {low:g} "
            f"to {high:g} V"
        )
        raise ConfigError(msg)
