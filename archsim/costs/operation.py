"""Costs of the parts of a chip: energy a cycle by component, area and leakage by component."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


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
    """

    area: dict[str, float] = field(default_factory=dict)
    leakage: dict[str, float] = field(default_factory=dict)
    register_words: int = 0
    register_bits: int = 0
    counter_bits: int = 0

    def clocked_pins(self, *, gated: bool) -> int:
        """Return how many clock pins switch every cycle: one a word with gates, else one a bit."""
        return self.counter_bits + (self.register_words if gated else self.register_bits)

    def add(self, component: str, *, count: float, area: float, leakage: float) -> None:
        """Add `count` of a part with the given area (m^2) and leakage (W) each."""
        self.area[component] = self.area.get(component, 0.0) + count * area
        self.leakage[component] = self.leakage.get(component, 0.0) + count * leakage


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
        J for each counted activity (`archsim.kernels.tile.Activity`); no rows for digital units.
    """

    components: tuple[str, ...]
    fixed: NDArray[np.float64]
    per_activity: NDArray[np.float64]

    def of_cycles(self, activity: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the energy of every cycle (..., cycles, K) of recorded activity, J."""
        return np.asarray(self.fixed + self._of_activity(activity))

    def of_totals(self, total: NDArray[np.int64], operations: int) -> NDArray[np.float64]:
        """Return the energy (..., K) of `operations` operations with summed activity, J."""
        fixed = operations * self.fixed.sum(axis=0)
        return np.asarray(fixed + self._of_activity(total))

    def _of_activity(self, count: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the energy (..., K) of counted activities (..., activities), J.

        Summed one activity after the other: a matrix product's bits would depend on the batch.
        """
        energy = np.zeros((*count.shape[:-1], len(self.components)))
        for index, joules in enumerate(self.per_activity):
            energy += count[..., index, None] * joules
        return energy


class EnergyTable:
    """Builder of an `OperationEnergy`: components appear in the order of their first charge."""

    def __init__(self, cycles: int, activities: int = 0) -> None:
        self._cycles = cycles
        self._activities = activities
        self._fixed: dict[str, NDArray[np.float64]] = {}
        self._per_activity: dict[str, NDArray[np.float64]] = {}

    def _open(self, component: str) -> None:
        if component not in self._fixed:
            self._fixed[component] = np.zeros(self._cycles)
            self._per_activity[component] = np.zeros(self._activities)

    def charge(
        self, component: str, cycles: slice | Iterable[int], energy: float | NDArray[np.float64]
    ) -> None:
        """Charge `energy` (J; one number, or one a cycle) in each of the given cycles."""
        self._open(component)
        index = cycles if isinstance(cycles, slice) else list(cycles)
        self._fixed[component][index] += energy

    def charge_activity(self, component: str, activity: int, energy: float) -> None:
        """Charge `energy` (J) for each count of an activity."""
        self._open(component)
        self._per_activity[component][activity] += energy

    def build(self) -> OperationEnergy:
        """Return the finished table."""
        names = tuple(self._fixed)
        return OperationEnergy(
            components=names,
            fixed=np.stack([self._fixed[name] for name in names], axis=1),
            per_activity=np.stack([self._per_activity[name] for name in names], axis=1),
        )
