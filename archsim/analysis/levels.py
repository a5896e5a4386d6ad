"""Metrics at three levels (article, Fig. 4f): MAC array, nonlinearity processing, full system.

- **MAC array**: what makes the product: the crossbar, its drivers and modulators, integrators and
  sample-and-holds, and what adds up partial sums of row blocks or of bits. Its time is the tiles'
  reset and integrate phases, and the adders' operations.
- **Nonlinearity processing**: what digitises and applies the function: converters of any kind
  (ramps, comparators, latches, counters) and a conventional design's digital processors. Its time
  is the tiles' ramp or conversion phases, and the processors' operations. Bit-serial converters
  digitise while the next bit is read; only the last bit's conversion takes time of its own.
- **Full system**: everything, from the first load to the class, leakage and clock tree included.

Every component belongs to at most one of the first two levels (`COMPONENTS`); one that is in no set
counts for the full system only. A digital unit works at the level of its components.

Operations are the network's (2 a multiply-accumulate) at every level, so that levels and designs
compare. A level's time is that of a group of sequences, one a stream: the cycles in which any tile
or unit works at that level, whatever works beside it; the mean over the recorded groups.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.config.run import CHIP
from archsim.errors import TraceError
from archsim.trace.summary import Summary
from archsim.trace.trace import Trace, Work


class Level(StrEnum):
    """A part of the chip that metrics are taken of."""

    MAC = "MAC array"
    NONLINEAR = "nonlinearity processing"
    SYSTEM = "full system"


COMPONENTS: dict[Level, frozenset[str]] = {
    Level.MAC: frozenset(
        {
            "array",
            "row_drivers",
            "pulse_width_modulators",
            "integrators",
            "feedback_capacitors",
            "sample_and_hold",
            "sum_adders",
            "sum_registers",
            "dacs",
            "input_registers",
            "shift_add",
            "output_registers",
        }
    ),
    Level.NONLINEAR: frozenset(
        {
            "ramp_cells",
            "ramp_integrators",
            "comparators",
            "latches",
            "code_counter",
            "converters",
            "nonlinear_processors",
        }
    ),
    Level.SYSTEM: frozenset(
        {
            "readout_wires",
            "feedback_wires",
            "bus",
            "tile_bus",
            "router",
            "edram",
            "tile_output_registers",
            "input_buffer",
            "multipliers",
            "adders",
            "registers",
            "lookup_table",
            "weight_memory",
            "argmax",
            "leakage",
            "clock_tree",
        }
    ),
}
"""Components of each level; those of the last one belong to neither of the others."""

_PHASES = {Level.MAC: ("reset", "integrate"), Level.NONLINEAR: ("ramp", "convert")}


@dataclass(frozen=True)
class LevelMetrics:
    """Metrics of one level; NaN where the design has nothing at that level.

    Attributes
    ----------
    level : Level
        Which.
    operations : int or float
        Operations of one inference, 2 a multiply-accumulate.
    together : float
        Inferences of a group, which are at work together.
    timesteps : int or float
        Timesteps of an inference.
    cycles : float
        Clock cycles of a group in which the level is at work.
    latency_s, energy_j, area_m2 : float
        Time of a group (s), energy of one inference (J) and area (m^2) of the level.
    """

    level: Level
    operations: float
    together: float
    timesteps: float
    cycles: float
    latency_s: float
    energy_j: float
    area_m2: float

    @property
    def tops(self) -> float:
        """Throughput, 1e12 operations/s: ``together * operations / latency``."""
        return _ratio(self.together * self.operations, self.latency_s) / 1e12

    @property
    def tops_per_w(self) -> float:
        """Energy efficiency, 1e12 operations/J: ``operations / energy``."""
        return _ratio(self.operations, self.energy_j) / 1e12

    @property
    def tops_per_mm2(self) -> float:
        """Area efficiency, 1e12 operations/s/mm^2."""
        return _ratio(self.tops, self.area_m2 * 1e6)

    @property
    def energy_delay(self) -> float:
        """Energy-delay product, J s: ``energy * latency``."""
        return self.energy_j * self.latency_s

    @property
    def latency_per_timestep_s(self) -> float:
        """Time of one timestep, s: ``latency / timesteps``."""
        return self.latency_s / self.timesteps

    @property
    def energy_per_timestep_j(self) -> float:
        """Energy of one timestep of one inference, J: ``energy / timesteps``."""
        return self.energy_j / self.timesteps

    def to_json(self) -> dict[str, Any]:
        """Return the numbers, None where there is none."""
        numbers = {
            "cycles": self.cycles,
            "latency_s": self.latency_s,
            "latency_per_timestep_s": self.latency_per_timestep_s,
            "energy_j": self.energy_j,
            "energy_per_timestep_j": self.energy_per_timestep_j,
            "energy_delay_j_s": self.energy_delay,
            "area_m2": self.area_m2,
            "tops": self.tops,
            "tops_per_w": self.tops_per_w,
            "tops_per_mm2": self.tops_per_mm2,
        }
        plain = {key: None if math.isnan(value) else value for key, value in numbers.items()}
        return {"level": str(self.level), **plain}


def _ratio(one: float, other: float) -> float:
    return one / other if other else math.nan


def level_metrics(trace: Trace) -> list[LevelMetrics]:
    """Return the metrics of a trace at the three levels.

    Raises
    ------
    TraceError
        If the trace lacks cycles of a tile or of a group's sequence.
    """
    summary = trace.summary
    with trace.reading():
        try:
            sequences = _recorded(trace)
        except _IncompleteError as error:
            msg = f"{trace.path}: {error}"
            raise TraceError(msg) from None
        groups = np.unique(sequences // summary.streams).size
        cycles = {level: _busy(trace, level, sequences) / groups for level in _PHASES}
    cycles[Level.SYSTEM] = summary.cycles
    return [_metrics(summary, level, cycles[level]) for level in Level]


class _IncompleteError(Exception):
    """A trace has not recorded all that metrics need; says what to record."""


def _recorded(trace: Trace) -> NDArray[np.int64]:
    """Return the sequences of the groups that are recorded whole; full groups if there are any."""
    summary = trace.summary
    if trace.setting("trace", "level") != "cycle":
        msg = "it has no cycles of tiles and units: run with --set trace.level=cycle"
        raise _IncompleteError(msg)
    if trace.config["trace"].get("tiles") != "all":
        msg = "it has cycles of some tiles and units only: run with --set trace.tiles=all"
        raise _IncompleteError(msg)
    if not trace.parts["tiles"]:
        msg = "its chip has no tiles, so there is nothing to compare at their levels"
        raise _IncompleteError(msg)
    found = np.unique(np.concatenate([np.unique(tile.sequence) for tile in trace.tiles()]))
    if not found.size or found.max() >= summary.sequences or found.min() < 0:
        raise trace.damage("tiles", "has cycles of sequences that the run does not have")
    streams, last = summary.streams, summary.sequences
    by_group = {int(group): found[found // streams == group] for group in found // streams}
    full = [mine for mine in by_group.values() if mine.size == streams]
    whole = full or [
        mine
        for group, mine in by_group.items()
        if mine.size == min(streams, last - group * streams)
    ]
    if not whole:
        first = list(range(min(streams, last)))
        msg = (
            f"{streams} sequences are at work together and it has cycles of some of them only: run "
            f"with --set 'trace.sequences={first}'"
        )
        raise _IncompleteError(msg)
    return np.concatenate(whole)


def _busy(trace: Trace, level: Level, sequences: NDArray[np.int64]) -> int:
    """Count the cycles in which any tile or unit works at a level for some sequences."""
    parts = [
        _cycles_of(tile, sequences, np.isin(tile.phase, tile.codes(_PHASES[level])))
        for tile in trace.tiles()
    ]
    parts += [
        _cycles_of(unit, sequences, np.True_)
        for unit in trace.units()
        if unit.name != CHIP and not COMPONENTS[level].isdisjoint(unit.components)
    ]
    return int(np.unique(np.concatenate(parts)).size) if parts else 0


def _cycles_of(
    work: Work, sequences: NDArray[np.int64], here: NDArray[np.bool_] | np.bool_
) -> NDArray[np.int64]:
    """Return the cycles of some sequences in which something works `here`."""
    return np.asarray(work.cycle[here & np.isin(work.sequence, sequences)])


def _metrics(summary: Summary, level: Level, cycles: float) -> LevelMetrics:
    system = level is Level.SYSTEM

    def part(table: dict[str, float]) -> float:
        mine = None if system else COMPONENTS[level]
        return math.fsum(value for name, value in table.items() if mine is None or name in mine)

    return LevelMetrics(
        level=level,
        operations=summary.operations,
        together=summary.together if system else min(summary.streams, summary.sequences),
        timesteps=summary.mean_timesteps,
        cycles=cycles,
        latency_s=cycles / summary.clock_hz,
        energy_j=part(summary.energy_by_component),
        area_m2=part(summary.area_by_component),
    )
