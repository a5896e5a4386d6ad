"""Metrics at three levels (article, Fig. 4f): MAC array, nonlinearity processing, full system.

- **MAC array**: the crossbar, its drivers and modulators, integrators and sample-and-holds; its
  time is the tiles' reset and integrate phases.
- **Nonlinearity processing**: what digitises and applies the function: ramps, comparators, latches,
  counters, and a conventional design's digital processors; its time is the tiles' ramp phases and
  the processors' operations.
- **Full system**: everything, from the first load to the class, leakage and clock tree included.

Operations are the network's (2 a multiply-accumulate) at every level, so that levels and designs
compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from archsim.errors import TraceError
from archsim.trace.reader import open_trace, read_summary
from archsim.trace.summary import Summary


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
        }
    ),
    Level.NONLINEAR: frozenset(
        {
            "ramp_cells",
            "ramp_integrators",
            "comparators",
            "latches",
            "code_counter",
            "nonlinear_processors",
        }
    ),
}
_PHASES = {Level.MAC: ("reset", "integrate"), Level.NONLINEAR: ("ramp",)}
_ACTIVATION = "nonlinear_processors"


@dataclass(frozen=True)
class LevelMetrics:
    """Metrics of one level, of one inference.

    Attributes
    ----------
    level : Level
        Which.
    operations : int
        Operations of the network, 2 a multiply-accumulate.
    cycles : int
        Clock cycles in which the level is at work.
    latency_s, energy_j, area_m2 : float
        Time (s), energy (J) and area (m^2) of the level.
    """

    level: Level
    operations: int
    cycles: int
    latency_s: float
    energy_j: float
    area_m2: float

    @property
    def tops(self) -> float:
        """Throughput, 1e12 operations/s."""
        return self.operations / self.latency_s / 1e12

    @property
    def tops_per_w(self) -> float:
        """Energy efficiency, 1e12 operations/J."""
        return self.operations / self.energy_j / 1e12

    @property
    def tops_per_mm2(self) -> float:
        """Area efficiency, 1e12 operations/s/mm^2."""
        return self.tops / (self.area_m2 * 1e6)

    @property
    def energy_delay(self) -> float:
        """Energy-delay product, J s."""
        return self.energy_j * self.latency_s

    def to_json(self) -> dict[str, Any]:
        """Return the numbers."""
        return {
            "level": str(self.level),
            "cycles": self.cycles,
            "latency_s": self.latency_s,
            "energy_j": self.energy_j,
            "area_m2": self.area_m2,
            "tops": self.tops,
            "tops_per_w": self.tops_per_w,
            "tops_per_mm2": self.tops_per_mm2,
            "energy_delay_j_s": self.energy_delay,
        }


def level_metrics(path: str | Path) -> list[LevelMetrics]:
    """Return the metrics of a trace at the three levels.

    Raises
    ------
    TraceError
        If the trace is not complete or has no cycles of every tile and unit.
    """
    summary = read_summary(path)
    with open_trace(path) as file:
        if "tiles" not in file or "units" not in file:
            msg = f"{path}: it has no cycles: run with --set trace.level=cycle"
            raise TraceError(msg)
        first = _first_sequence(file)
        cycles = {level: _busy(file, level, first) for level in _PHASES}
    cycles[Level.SYSTEM] = summary.cycles
    return [_metrics(summary, level, cycles[level]) for level in Level]


def _first_sequence(file: h5py.File) -> tuple[int, int]:
    """Return the cycles, from and to, of the first sequence that is recorded."""
    length = int(file["summary"].attrs["cycles"])
    start = min(int(tile["cycle"][0]) for tile in file["tiles"].values()) // length * length
    return start, start + length


def _busy(file: h5py.File, level: Level, within: tuple[int, int]) -> int:
    """Count the cycles in which any tile is in a level's phases, or its processors work."""
    busy: set[int] = set()
    for tile in file["tiles"].values():
        names = h5py.check_enum_dtype(tile["phase"].dtype)
        codes = [names[name] for name in _PHASES[level]]
        cycle = tile["cycle"][...]
        busy.update(cycle[np.isin(tile["phase"][...], codes)].tolist())
    if level is Level.NONLINEAR:
        for unit in file["units"].values():
            if _ACTIVATION in unit["component"].asstr()[...]:
                busy.update(unit["cycle"][...].tolist())
    return sum(within[0] <= cycle < within[1] for cycle in busy)


def _metrics(summary: Summary, level: Level, cycles: int) -> LevelMetrics:
    def part(table: dict[str, float]) -> float:
        mine = COMPONENTS.get(level)
        return sum(value for name, value in table.items() if mine is None or name in mine)

    return LevelMetrics(
        level=level,
        operations=summary.operations,
        cycles=cycles,
        latency_s=cycles / summary.clock_hz,
        energy_j=part(summary.energy_by_component),
        area_m2=part(summary.area_by_component),
    )
