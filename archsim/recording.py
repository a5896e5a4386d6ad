"""What a chip's run looks like in a trace: the groups of the file, and what fills them.

The schedule says beforehand when every tile and unit works, so cycles, phases and events are part
of the layout; the kernels' activity only adds what depends on data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.chip.build import Chip
from archsim.chip.layers.base import Unit
from archsim.chip.tile import Tile
from archsim.config.run import CHIP, RunConfig, TraceLevel
from archsim.costs.operation import OperationEnergy
from archsim.errors import DesignError
from archsim.kernels.record import TileRecord
from archsim.kernels.tile import Activity, Phase
from archsim.trace.layout import Group, Scale, Variable, strings

_COUNTS = (
    ("active_rows", Activity.ACTIVE_ROWS, "rows driven in the cycle"),
    ("undecided_columns", Activity.UNDECIDED, "columns that compare in the cycle"),
    ("latched_columns", Activity.LATCHED, "columns that latch in the cycle"),
)


@dataclass(frozen=True)
class RecordingPlan:
    """What a run records.

    Attributes
    ----------
    level : TraceLevel
        How much.
    sequences : tuple of int
        Sequences whose cycles are recorded, ascending; empty below level ``cycle``.
    names : frozenset of str
        Tiles and units whose cycles are recorded.
    waveforms : bool
        Whether ramps and column voltages are recorded.
    """

    level: TraceLevel
    sequences: tuple[int, ...]
    names: frozenset[str]
    waveforms: bool

    def slots(self, first: int, count: int) -> NDArray[np.int64]:
        """Return, for a block of sequences, each one's place in its record, -1 for none."""
        slot = np.full(count, -1, dtype=np.int64)
        mine = [n - first for n in self.sequences if first <= n < first + count]
        slot[mine] = np.arange(len(mine))
        return slot


def plan_recording(config: RunConfig, chip: Chip, sequences: int) -> RecordingPlan:
    """Check the trace section against the chip and the workload.

    Raises
    ------
    DesignError
        If it names a sequence, tile or unit that there is not.
    """
    trace = config.trace
    if trace.level is not TraceLevel.CYCLE:
        return RecordingPlan(trace.level, (), frozenset(), waveforms=False)
    known = [*(tile.name for tile in chip.tiles), *(unit.name for unit in chip.units), CHIP]
    wanted = known if trace.tiles == "all" else list(trace.tiles)
    for name in wanted:
        if name not in known:
            msg = f"trace.tiles: the chip has no tile or unit '{name}'; it has {', '.join(known)}"
            raise DesignError(msg)
    chosen = range(sequences) if trace.sequences == "all" else sorted(set(trace.sequences))
    for sequence in chosen:
        if sequence >= sequences:
            msg = (
                f"trace.sequences: there is no sequence {sequence}; the run has {sequences}, "
                "counted from 0"
            )
            raise DesignError(msg)
    return RecordingPlan(trace.level, tuple(chosen), frozenset(wanted), trace.waveforms)


def operation_cycles(chip: Chip, resource: str, sequences: Sequence[int]) -> NDArray[np.int64]:
    """Return the absolute cycles in which a tile or unit is busy during the given sequences."""
    schedule = chip.schedule
    index = schedule.on(resource)
    busy = [np.arange(schedule.start[n], schedule.end[n]) for n in index]
    one = np.concatenate(busy) if busy else np.zeros(0, dtype=np.int64)
    base = np.array(sequences, dtype=np.int64) * schedule.cycles
    return (base[:, None] + one[None, :]).ravel()


def layout(
    chip: Chip,
    plan: RecordingPlan,
    *,
    sequences: int,
    outputs: dict[str, dict[str, NDArray[Any]]],
    target: NDArray[np.int64],
) -> list[Group]:
    """Describe every group of the file.

    Parameters
    ----------
    chip : Chip
        The chip.
    plan : RecordingPlan
        What is recorded.
    sequences : int
        Sequences of the run.
    outputs : dict
        For each layer, examples (0 sequences) of the arrays that it computes.
    target : int64 (sequences,)
        Right answers.
    """
    if plan.level is TraceLevel.OFF:
        return []
    groups = _output_groups(chip, plan, sequences, outputs, target)
    if plan.level in {TraceLevel.EVENT, TraceLevel.CYCLE}:
        groups.append(_events(chip, sequences))
    if plan.level is TraceLevel.CYCLE:
        groups += [_tile_group(chip, tile, plan) for tile in chip.tiles if tile.name in plan.names]
        groups += [_unit_group(chip, unit, plan) for unit in chip.units if unit.name in plan.names]
        if CHIP in plan.names:
            groups.append(_chip_group(chip, plan))
    return groups


def _cycle_scale(cycle: NDArray[np.int64]) -> Scale:
    return Scale("cycle", cycle, "clock cycle from the start of the run")


def _component_scale(energy: OperationEnergy) -> Scale:
    return Scale("component", strings(energy.components), "component that spends the energy")


def _energy_variable(values: NDArray[np.float64] | None = None) -> Variable:
    return Variable(
        "energy", ("cycle", "component"), "f8", "J", "energy spent in the cycle", values
    )


def _tile_group(chip: Chip, tile: Tile, plan: RecordingPlan) -> Group:
    cycle = operation_cycles(chip, tile.name, plan.sequences)
    conversions = cycle.size // tile.arrays.cycles
    phases = {phase.name.lower(): int(phase) for phase in Phase}
    scales = [_cycle_scale(cycle), _component_scale(tile.energy)]
    variables = [
        Variable(
            "phase",
            ("cycle",),
            "u1",
            "1",
            "phase of the conversion",
            np.tile(tile.phases(), conversions),
            phases,
        ),
        *(Variable(name, ("cycle",), "i4", "1", text) for name, _, text in _COUNTS),
        _energy_variable(),
    ]
    if plan.waveforms:
        scales += [
            Scale("ramp", strings(ramp.function for ramp in tile.ramps), "function of the ramp"),
            Scale("column", np.arange(tile.columns), "column of the tile"),
        ]
        variables += [
            Variable(
                "v_ramp",
                ("cycle", "ramp"),
                "f4",
                "V",
                "ramp voltage at the end of the cycle",
                np.tile(tile.ramp_voltage(), (conversions, 1)),
            ),
            Variable(
                "v_mac", ("cycle", "column"), "f4", "V", "column voltage at the end of the cycle"
            ),
        ]
    return Group(f"tiles/{tile.name}", tuple(scales), tuple(variables))


def _busy_group(name: str, cycle: NDArray[np.int64], table: OperationEnergy, energy: Any) -> Group:
    busy = Variable(
        "busy", ("cycle",), "u1", "1", "1 in a busy cycle", np.ones(cycle.size, dtype=np.uint8)
    )
    return Group(
        f"units/{name}",
        (_cycle_scale(cycle), _component_scale(table)),
        (busy, _energy_variable(energy)),
    )


def _unit_group(chip: Chip, unit: Unit, plan: RecordingPlan) -> Group:
    """Describe a digital unit; its energy does not depend on data, so it is all known."""
    table = unit_energy_table(unit)
    one = np.concatenate(
        [unit_energy(unit, chip.schedule.operations[n].kind) for n in chip.schedule.on(unit.name)]
    )
    cycle = operation_cycles(chip, unit.name, plan.sequences)
    return _busy_group(unit.name, cycle, table, np.tile(one, (len(plan.sequences), 1)))


def _chip_group(chip: Chip, plan: RecordingPlan) -> Group:
    base = np.array(plan.sequences, dtype=np.int64) * chip.schedule.cycles
    cycle = (base[:, None] + np.arange(chip.schedule.cycles)[None, :]).ravel()
    return _busy_group(CHIP, cycle, chip.overhead, np.tile(chip.overhead.fixed, (cycle.size, 1)))


def unit_components(unit: Unit) -> tuple[str, ...]:
    """Return the components that any operation of a unit charges."""
    tables = unit.cost.energy.values()
    return tuple(dict.fromkeys(name for table in tables for name in table.components))


def unit_energy_table(unit: Unit) -> OperationEnergy:
    """Return an empty table with all of a unit's components, for their names."""
    names = unit_components(unit)
    return OperationEnergy(names, np.zeros((0, len(names))), np.zeros((0, len(names))))


def unit_energy(unit: Unit, kind: str) -> NDArray[np.float64]:
    """Return the energy of one operation (cycles, components of the unit), J."""
    table = unit.cost.energy[kind]
    names = unit_components(unit)
    out = np.zeros((table.fixed.shape[0], len(names)))
    out[:, [names.index(name) for name in table.components]] = table.fixed
    return out


def _events(chip: Chip, sequences: int) -> Group:
    schedule = chip.schedule
    count = len(schedule.operations)
    sequence = np.repeat(np.arange(sequences), count)
    base = sequence * schedule.cycles

    def known(name: str, text: str, values: NDArray[Any], dtype: str = "i8") -> Variable:
        return Variable(name, ("event",), dtype, "1", text, values)

    def named(name: str, text: str) -> Variable:
        of_one = [str(getattr(operation, name)) for operation in schedule.operations]
        enum = {value: code for code, value in enumerate(dict.fromkeys(of_one))}
        codes = np.tile(np.array([enum[value] for value in of_one]), sequences)
        return Variable(name, ("event",), "u2", "1", text, codes, enum)

    timestep = np.array([operation.timestep for operation in schedule.operations])
    scale = Scale("event", np.arange(count * sequences), "event, in the order of the program")
    return Group(
        "events",
        (scale,),
        (
            known("start_cycle", "first cycle", base + np.tile(schedule.start, sequences)),
            known("end_cycle", "cycle after the last", base + np.tile(schedule.end, sequences)),
            named("resource", "tile or unit at work"),
            named("kind", "what it does"),
            known("stream", "input stream", np.zeros(sequence.size), "i4"),
            known("sequence", "sequence of the workload", sequence),
            known("timestep", "timestep of the sequence", np.tile(timestep, sequences)),
            named("layer", "layer of the network"),
        ),
    )


_OUTPUTS = {
    "code": ("column", "u2", "1", "latched code"),
    "h": ("unit", "f4", "1", "hidden state"),
    "logits": ("class", "f4", "1", "output of the last layer"),
}


def _output_groups(
    chip: Chip,
    plan: RecordingPlan,
    sequences: int,
    outputs: dict[str, dict[str, NDArray[Any]]],
    target: NDArray[np.int64],
) -> list[Group]:
    """Describe /outputs; below level ``event`` only the last layer's answers are kept."""
    groups = []
    last = chip.layers[-1].name
    every = Scale("sequence", np.arange(sequences), "sequence of the workload")
    for layer, computed in outputs.items():
        arrays = computed
        if plan.level is TraceLevel.SUMMARY:
            if layer != last:
                continue
            arrays = {name: array for name, array in computed.items() if array is answers(computed)}
        steps = next(iter(arrays.values())).shape[1] if arrays else 0
        scales = [every, Scale("timestep", np.arange(steps), "timestep at which the layer works")]
        variables = []
        for name, array in arrays.items():
            dimension, dtype, units, text = _OUTPUTS[name]
            scales.append(Scale(dimension, np.arange(array.shape[2]), f"{dimension} of the layer"))
            variables.append(
                Variable(name, ("sequence", "timestep", dimension), dtype, units, text)
            )
        if layer == last:
            variables += [
                Variable("label", ("sequence",), "i8", "1", "class that the chip found"),
                Variable("target", ("sequence",), "i8", "1", "right class", target),
            ]
        groups.append(Group(f"outputs/{layer}", tuple(scales), tuple(variables)))
    return groups


def answers(computed: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """Return what the last layer's class is read from: its logits, or h of a recurrent layer."""
    return computed["logits"] if "logits" in computed else computed["h"]


def tile_datasets(tile: Tile, record: TileRecord) -> dict[str, NDArray[Any]]:
    """Return what a block's record adds to a tile's group, by dataset, cycles first."""
    cycles = record.activity.shape[0] * record.activity.shape[1] * record.activity.shape[2]
    out: dict[str, NDArray[Any]] = {
        name: record.activity[..., activity].reshape(cycles) for name, activity, _ in _COUNTS
    }
    out["energy"] = tile.energy.of_cycles(record.activity).reshape(cycles, -1)
    if record.waveform.shape[0] > 0:
        charge = record.waveform.reshape(cycles, tile.columns)
        out["v_mac"] = tile.column_voltage(charge).astype(np.float32)
    return out
