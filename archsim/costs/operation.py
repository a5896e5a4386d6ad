"""Costs of the parts of a chip: energy a cycle by component, area and leakage by component.

An `EnergyTable` is given actions, not joules, so that what an operation does can be counted by
library part as well as added up by component. Only physics is given in J: it is no part's action,
and is counted as the component's own energy.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from archsim.costs.library import ComponentLibrary
from archsim.numeric.weighted import Weights, add_weighted, make_weights

Array = NDArray[np.float64]
Counts = NDArray[np.int64] | NDArray[np.float64]
"""Counts; whole numbers as float64 where a long run's may exceed 64 bits."""

Cycles = slice | Iterable[int]
Action = tuple[str, str]
"""A library part and its action; for own energies, a component and its action."""

READ, EDGE, LEAK = "read", "edge", "leak"
"""Actions of own energies: a read of cells, an edge of a row's wire, a cycle of leakage."""

_COUNT_BITS = 62
"""Bits of a count that is surely below 2**63."""

Key = TypeVar("Key", bound=Hashable)


@dataclass
class Inventory:
    """Area and leakage of a part of the chip by component, and what its clock has to drive.

    Attributes
    ----------
    area, leakage : dict of str to float
        m^2 and W, by component.
    register_words, register_bits : int
        Registers that are written now and then: words, and bits in all of them.
    counter_bits : int
        Bits of counters, which the clock reaches every cycle whether or not it is gated.
    library_parts : dict of str to None
        Parts of the library that it is made of, in the order in which they were added.
    """

    area: dict[str, float] = field(default_factory=dict)
    leakage: dict[str, float] = field(default_factory=dict)
    register_words: int = 0
    register_bits: int = 0
    counter_bits: int = 0
    library_parts: dict[str, None] = field(default_factory=dict)

    def clocked_pins(self, *, gated: bool) -> int:
        """Return how many clock pins switch every cycle: one a word with gates, else one a bit."""
        return self.counter_bits + (self.register_words if gated else self.register_bits)

    def add(self, component: str, *, count: float, area: float, leakage: float) -> None:
        """Add `count` of a part with the given area (m^2) and leakage (W) each."""
        self.area[component] = self.area.get(component, 0.0) + count * area
        self.leakage[component] = self.leakage.get(component, 0.0) + count * leakage

    def add_part(
        self,
        component: str,
        part: str,
        *,
        count: float,
        library: ComponentLibrary,
        width: float = 1.0,
    ) -> None:
        """Add `count` of a library's part, each `width` bits (or mm) wide."""
        self.library_parts[part] = None
        self.add(
            component,
            count=count,
            area=library.area(part, width),
            leakage=library.leakage(part, width),
        )


@dataclass(frozen=True)
class ActionCounts:
    """What operations did: actions of library parts, and energies that are no part's action.

    Attributes
    ----------
    library : dict of str to dict of str to float
        Part -> action -> count; of a part that is ``per: bit`` one bit counts as one.
    own : dict of str to dict of str to float
        Component -> action -> energy of all of them together, J.
    """

    library: dict[str, dict[str, float]] = field(default_factory=dict)
    own: dict[str, dict[str, float]] = field(default_factory=dict)

    def __add__(self, other: ActionCounts) -> ActionCounts:
        return ActionCounts(_added(self.library, other.library), _added(self.own, other.own))


@dataclass(frozen=True)
class Tally(Generic[Key]):
    """How much of each of several things an operation takes, cycle by cycle.

    Attributes
    ----------
    keys : tuple (N,)
        The things.
    fixed : float64 (cycles, N)
        Amounts in each cycle whatever the data.
    per_activity : float64 (activities, N)
        Amounts for each counted activity.
    """

    keys: tuple[Key, ...]
    fixed: Array
    per_activity: Array

    def of_totals(self, total: Counts, took_place: Counts) -> Array:
        """Return the amounts (..., N) of operations; arguments as of `OperationEnergy`."""
        return _weighted(took_place, self._of_cycle) + _weighted(total, self._of_activity)

    @cached_property
    def _of_activity(self) -> Weights:
        return make_weights(self.per_activity)

    @cached_property
    def _of_cycle(self) -> Weights:
        return make_weights(self.fixed)


def _no_actions() -> Tally[Action]:
    return Tally((), np.zeros((0, 0)), np.zeros((0, 0)))


@dataclass(frozen=True)
class OperationEnergy:
    """Energy of one operation, cycle by cycle: a fixed part and one that activity decides.

    Attributes
    ----------
    components : tuple of str (K,)
        Names of the components.
    fixed : float64 (cycles, K)
        J spent in each cycle whatever the data.
    per_activity : float64 (activities, K)
        J for each counted activity (`archsim.vocabulary.Activity`); no rows for digital units.
    actions : Tally of (part, action)
        The library parts' actions behind these energies: counts times width.
    own : Tally of (component, action)
        The energies among them that are no part's action, J.
    """

    components: tuple[str, ...]
    fixed: Array
    per_activity: Array
    actions: Tally[Action] = field(default_factory=_no_actions)
    own: Tally[Action] = field(default_factory=_no_actions)

    def of_totals(self, total: Counts, took_place: Counts) -> Array:
        """Return the energy (..., K) of several operations together, J.

        Parameters
        ----------
        total : int64 (..., activities)
            Activities, summed over all cycles of all operations.
        took_place : int64 (..., cycles)
            How often each cycle took place: an early stop of a ramp leaves cycles out.
        """
        return self._energy.of_totals(total, took_place)

    def counts(self, total: Counts | None, took_place: Counts) -> ActionCounts:
        """Return what several operations did.

        Parameters
        ----------
        total : int64 (activities,) or None
            Activities, summed over all cycles of all operations; None where there are none.
        took_place : int64 (cycles,)
            How often each cycle took place.
        """
        if total is None:
            total = np.zeros(self.per_activity.shape[0], dtype=np.int64)
        return ActionCounts(
            _nested(self.actions.keys, self.actions.of_totals(total, took_place)),
            _nested(self.own.keys, self.own.of_totals(total, took_place)),
        )

    @cached_property
    def _energy(self) -> Tally[str]:
        return Tally(self.components, self.fixed, self.per_activity)


class EnergyTable:
    """Builder of an `OperationEnergy`: components appear in the order in which they are added.

    Parameters
    ----------
    library : ComponentLibrary
        Costs of the actions.
    cycles : int
        Length of the operation in clock cycles.
    activities : int
        Number of activities that are counted while it runs.
    """

    def __init__(self, library: ComponentLibrary, cycles: int, activities: int = 0) -> None:
        self.library = library
        self._energy = _Ledger[str](cycles, activities)
        self._actions = _Ledger[Action](cycles, activities)
        self._own = _Ledger[Action](cycles, activities)

    def add(
        self,
        component: str,
        cycles: Cycles,
        *,
        part: str,
        action: str,
        count: float | Array,
        width: float = 1.0,
    ) -> None:
        """Add the energy of `count` actions of a part in each of the given cycles to a component.

        Parameters
        ----------
        component : str
            Name in the trace.
        cycles : slice or iterable of int
            Which cycles of the operation.
        part, action : str
            Library component and its action.
        count : float, or float64 (cycles,)
            How often in each cycle; one number, or one for each of the given cycles.
        width : float
            Bits (or mm) at work in one action.
        """
        index = cycles if isinstance(cycles, slice) else list(cycles)
        energy = self.library.energy(part, action, width)
        self._energy.add(component, index, count * energy)
        self._actions.add((part, action), index, count * width)

    def add_per_activity(
        self,
        component: str,
        activity: int,
        *,
        part: str,
        action: str,
        count: float = 1.0,
        width: float = 1.0,
    ) -> None:
        """Add the energy of `count` actions of a part for each count of an activity."""
        energy = self.library.energy(part, action, width)
        self._energy.add_activity(component, activity, count * energy)
        self._actions.add_activity((part, action), activity, count * width)

    def add_joules(
        self, component: str, cycles: Cycles, energy: float | Array, *, action: str = READ
    ) -> None:
        """Add `energy` (J; one number, or one a cycle), no part's action, in given cycles."""
        index = cycles if isinstance(cycles, slice) else list(cycles)
        self._energy.add(component, index, energy)
        self._own.add((component, action), index, energy)

    def add_joules_per_activity(
        self, component: str, activity: int, energy: float, *, action: str = READ
    ) -> None:
        """Add `energy` (J), no part's action, for each count of an activity."""
        self._energy.add_activity(component, activity, energy)
        self._own.add_activity((component, action), activity, energy)

    def build(self) -> OperationEnergy:
        """Return the finished table."""
        energy = self._energy.build()
        return OperationEnergy(
            components=energy.keys,
            fixed=energy.fixed,
            per_activity=energy.per_activity,
            actions=self._actions.build(),
            own=self._own.build(),
        )


class _Ledger(Generic[Key]):
    """Builder of a `Tally`: keys appear in the order of their first entry."""

    def __init__(self, cycles: int, activities: int) -> None:
        self._cycles, self._activities = np.arange(cycles), activities
        self._fixed: dict[Key, Array] = {}
        self._per_activity: dict[Key, Array] = {}

    def add(self, key: Key, cycles: slice | list[int], amount: float | Array) -> None:
        self._open(key, amount)
        np.add.at(self._fixed[key], self._cycles[cycles], amount)

    def add_activity(self, key: Key, activity: int, amount: float) -> None:
        self._open(key, amount)
        self._per_activity[key][activity] += amount

    def _open(self, key: Key, amount: float | Array) -> None:
        if not np.all(np.isfinite(amount) & (np.asarray(amount) >= 0)):
            msg = f"{key} gets {amount}: an amount is finite and not below 0"
            raise ValueError(msg)
        if key not in self._fixed:
            self._fixed[key] = np.zeros(self._cycles.size)
            self._per_activity[key] = np.zeros(self._activities)

    def build(self) -> Tally[Key]:
        shapes = (self._cycles.size, len(self._fixed)), (self._activities, len(self._fixed))
        return Tally(
            keys=tuple(self._fixed),
            fixed=np.array(list(self._fixed.values())).T.reshape(shapes[0]),
            per_activity=np.array(list(self._per_activity.values())).T.reshape(shapes[1]),
        )


def _weighted(count: Counts, weights: Weights) -> Array:
    """Return ``sum_i count[..., i] * amount_i`` (..., N).

    By a kernel, since the bits of a matrix product would depend on the batch. Counts that exceed
    its 64 bits are counted in a power of two.
    """
    number, things = math.prod(count.shape[:-1]), weights.pointer.size - 1
    unit = 2.0 ** max(0, math.frexp(float(count.max(initial=0)))[1] - _COUNT_BITS)
    whole = count if unit == 1 else np.rint(count / unit)
    rows = np.ascontiguousarray(whole.reshape(number, count.shape[-1]), dtype=np.int64)
    out = np.empty((number, things))
    add_weighted(np.zeros((1, things)), weights, rows, out)
    out *= unit
    return out.reshape(*count.shape[:-1], things)


def _nested(keys: Iterable[Action], values: Array) -> dict[str, dict[str, float]]:
    out: dict[str, dict[str, float]] = {}
    for (name, action), value in zip(keys, values, strict=True):
        out.setdefault(name, {})[action] = float(value)
    return out


def _added(
    one: dict[str, dict[str, float]], other: dict[str, dict[str, float]]
) -> dict[str, dict[str, float]]:
    out = {name: dict(actions) for name, actions in one.items()}
    for name, actions in other.items():
        into = out.setdefault(name, {})
        for action, value in actions.items():
            into[action] = into.get(action, 0.0) + value
    return out
