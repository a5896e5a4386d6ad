"""The summary of a run: what it found, and the metrics that follow from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from archsim.clipping import Clipping
from archsim.metrics import Metric


@dataclass(frozen=True)
class Summary:
    """Numbers of one run; "one inference" is one sequence through the whole network.

    Attributes
    ----------
    name, config_hash : str
        Which run.
    clock_hz : float
        Clock frequency, Hz.
    total_cycles : int
        Clock cycles of the whole run.
    groups : int
        Groups of sequences that were at work together, one a stream, one group after the other.
    streams : int
        Input streams: sequences of a group.
    sequences : int
        Sequences that were run.
    timesteps : int
        Timesteps of the longest sequence that there may be.
    operations : int or float
        Operations of one inference, the mean over the sequences: 2 for each multiply-accumulate of
        the layers' weights; additions of biases, activation functions and element-wise steps are
        not counted.
    energy_by_component : dict of str to float
        Mean energy of one inference, J; leakage and clock tree are counted in every cycle.
    area_by_component : dict of str to float
        Area, m^2.
    leakage_by_component : dict of str to float
        Leakage, W.
    utilisation : dict of str to float
        Share of an inference's cycles in which each tile or unit is busy.
    programming_pulses : int
        Pulses that programmed the chip, 0 where they are not simulated.
    programming_energy_j : float
        Energy of those pulses, J; not part of an inference.
    synthetic : bool
        Whether the workload's data is made by a program rather than recorded.
    trace : str or None
        Path of the trace.
    clipped : tuple of Clipping
        What was clipped, an entry for every place where the chip can clip; empty of traces that do
        not say.
    ideal_converter : bool
        Whether converters have no quantisation and no cost, which no chip has.
    network_hash, workload_hash : str or None
        SHA-256 of the network (layers, sizes, timesteps, weights' content) and of the sequences
        with their labels; None of traces that do not say.
    choices : dict of str to str
        What the run assumed, a line each; empty of traces that do not say.
    components : dict of str to dict of str to str
        Components of the library that each tile and unit uses, with the kinds of their sources.
    mean_timesteps : int or float
        Timesteps of a sequence, the mean; as many as `timesteps` where all are as long.
    metrics : dict of str to Metric
        How good the answers are, by the names that the run's task gives them, the main one first;
        empty where nothing says what is right, or weights or inputs are random.

    Examples
    --------
    >>> summary = archsim.open_trace("traces/kws.h5").summary
    >>> summary.energy_j == math.fsum(summary.energy_by_component.values())
    True
    >>> f"{summary.latency_s * 1e6:.3f} us, {summary.cycles:,.0f} cycles"
    '3.735 us, 3,735 cycles'
    >>> summary.numbers()["accuracy"] == summary.metrics["accuracy"].value
    True
    >>> summary.to_json()["name"]
    'kws'
    """

    name: str
    config_hash: str
    clock_hz: float
    total_cycles: int
    groups: int
    streams: int
    sequences: int
    timesteps: int
    operations: float
    energy_by_component: dict[str, float]
    area_by_component: dict[str, float]
    leakage_by_component: dict[str, float]
    utilisation: dict[str, float]
    programming_pulses: int
    programming_energy_j: float
    synthetic: bool
    trace: str | None
    clipped: tuple[Clipping, ...] = ()
    ideal_converter: bool = False
    network_hash: str | None = None
    workload_hash: str | None = None
    choices: dict[str, str] = field(default_factory=dict)
    components: dict[str, dict[str, str]] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    mean_timesteps: float = math.nan

    def __post_init__(self) -> None:
        if math.isnan(self.mean_timesteps):
            object.__setattr__(self, "mean_timesteps", self.timesteps)

    @property
    def accuracy(self) -> float | None:
        """Share of sequences whose class is right, of the chip; None of tasks without one."""
        found = self.metrics.get("accuracy")
        return None if found is None else found.value

    @property
    def accuracy_float(self) -> float | None:
        """The same of the float64 network."""
        found = self.metrics.get("accuracy")
        return None if found is None else found.reference

    @property
    def cycles(self) -> float:
        """Clock cycles of one group, from its first load to its last class; the mean of all groups.

        With one stream that is one inference. Whole, unless ramps stop early.
        """
        return self.total_cycles / self.groups

    @property
    def together(self) -> float:
        """Sequences of a group, the mean: `streams`, or less if the last group is not full."""
        return self.sequences / self.groups

    @property
    def latency_s(self) -> float:
        """Time of one inference, s: ``cycles / clock``."""
        return self.cycles / self.clock_hz

    @property
    def latency_per_timestep_s(self) -> float:
        """Time of one timestep, s: ``latency / mean_timesteps``."""
        return self.latency_s / self.mean_timesteps

    @property
    def energy_per_timestep_j(self) -> float:
        """Energy of one timestep of one inference, J: ``energy / mean_timesteps``."""
        return self.energy_j / self.mean_timesteps

    @property
    def energy_delay_j_s(self) -> float:
        """Energy-delay product of one inference, J s: ``energy * latency``."""
        return self.energy_j * self.latency_s

    @property
    def energy_j(self) -> float:
        """Mean energy of one inference, J: the sum over components."""
        return math.fsum(self.energy_by_component.values())

    @property
    def area_m2(self) -> float:
        """Area of the chip, m^2: the sum over components."""
        return math.fsum(self.area_by_component.values())

    @property
    def power_w(self) -> float:
        """Mean power, W: ``together * energy / latency``."""
        return self.together * self.energy_j / self.latency_s

    @property
    def tops(self) -> float:
        """Throughput, 1e12 operations/s: ``together * operations / latency``."""
        return self.together * self.operations / self.latency_s / 1e12

    @property
    def tops_per_w(self) -> float:
        """Energy efficiency, 1e12 operations/J: ``operations / energy``; NaN where all is free."""
        return _ratio(self.operations, self.energy_j) / 1e12

    @property
    def tops_per_mm2(self) -> float:
        """Area efficiency, 1e12 operations/s/mm^2: ``tops / area``."""
        return _ratio(self.tops, self.area_m2 * 1e6)

    def numbers(self) -> dict[str, float | int]:
        """Return the single numbers by their names in the trace; NaN where there is none.

        `mean_timesteps` is among them where sequences differ in length.
        """
        mean = self.mean_timesteps
        return {
            "cycles": int(self.cycles) if self.cycles.is_integer() else self.cycles,
            "total_cycles": self.total_cycles,
            "groups": self.groups,
            "streams": self.streams,
            "latency_s": self.latency_s,
            "energy_j": self.energy_j,
            "power_w": self.power_w,
            "area_m2": self.area_m2,
            "latency_per_timestep_s": self.latency_per_timestep_s,
            "energy_per_timestep_j": self.energy_per_timestep_j,
            "energy_delay_j_s": self.energy_delay_j_s,
            "timesteps": self.timesteps,
            **({} if self.mean_timesteps == self.timesteps else {"mean_timesteps": mean}),
            "operations": self.operations,
            "tops": self.tops,
            "tops_per_w": self.tops_per_w,
            "tops_per_mm2": self.tops_per_mm2,
            "accuracy": math.nan if self.accuracy is None else self.accuracy,
            "accuracy_float": math.nan if self.accuracy_float is None else self.accuracy_float,
            "sequences": self.sequences,
            "programming_pulses": self.programming_pulses,
            "programming_energy_j": self.programming_energy_j,
        }

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``--json`` prints; `ideal_converter` is there where it is true."""
        numbers: dict[str, Any] = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in self.numbers().items()
        }
        return {
            "name": self.name,
            "config_hash": self.config_hash,
            "clock_hz": self.clock_hz,
            **numbers,
            "metrics": {name: metric.to_json() for name, metric in self.metrics.items()},
            "energy_by_component_j": self.energy_by_component,
            "area_by_component_m2": self.area_by_component,
            "leakage_by_component_w": self.leakage_by_component,
            "utilisation": self.utilisation,
            "clipped": [item.to_json() for item in self.clipped if item.count],
            "synthetic": self.synthetic,
            **({"ideal_converter": True} if self.ideal_converter else {}),
            "trace": self.trace,
            "network_hash": self.network_hash,
            "workload_hash": self.workload_hash,
            "choices": self.choices,
            "components": self.components,
        }


def _ratio(one: float, other: float) -> float:
    return one / other if other else math.nan
