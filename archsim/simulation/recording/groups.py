"""The groups of a run's trace, and what fills them.

Where no time depends on data, the schedule says beforehand when every tile and unit works, so
cycles, phases and events are part of the layout, and the kernels' activity only adds what depends
on data. Where ramps stop early, cycles and events are written block by block as well, and what was
laid out for ramps that never ran is cut off at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from archsim.chip.bank import Bank, Tile
from archsim.chip.build import Chip
from archsim.chip.layers.base import Unit
from archsim.chip.mapped_matrix import MappedMatrix
from archsim.config.run import CHIP
from archsim.costs.operation import OperationEnergy
from archsim.simulation.recording.cycles import (
    COUNTS,
    Datasets,
    Scheduled,
    ramps_in,
    repeated,
    tile_times,
)
from archsim.simulation.recording.plan import RecordingPlan
from archsim.simulation.timing import Timing
from archsim.trace.layout import Group, Scale, Values, Variable, strings
from archsim.trace.repeated import Piece, Repeated, repeat
from archsim.vocabulary import Phase

_STEP = 1 << 16
_PHASES = {phase.name.lower(): int(phase) for phase in Phase}


def planned_sequences(timing: Timing, sequences: Sequence[int]) -> list[Scheduled]:
    """Return when sequences happen if every operation takes as long as it can.

    Where not all sequences are as long as they can be, it is not known when each begins.
    """
    streams, whole = timing.streams, timing.planned()
    length, events = whole.cycles, len(whole.operations)
    return [
        Scheduled(
            n,
            n % streams,
            n // streams * length,
            timing.planned(n - n % streams),
            n // streams * events,
        )
        for n in sequences
    ]


# ----------------------------------------------------------------- tiles


def tile_group(
    matrix: MappedMatrix, bank: int, tile: int, plan: RecordingPlan, scheduled: Sequence[Scheduled]
) -> Group:
    """Describe a tile's group; `scheduled` are those of the recorded sequences."""
    place = matrix.banks[bank].tiles[tile]
    known = repeated(
        lambda placed: _planned_tile(matrix, bank, tile, placed, waveforms=plan.waveforms),
        scheduled,
    )
    variables = [
        Variable("phase", ("cycle",), "u1", "1", "phase of the conversion", enum=_PHASES),
        *(Variable(name, ("cycle",), "i4", "1", text) for name, _, text in COUNTS),
        *_common_variables(),
    ]
    scales = [component_scale(place.energy)]
    if plan.waveforms and place.design.periphery is not None:
        more = _waveforms(matrix.banks[bank])
        scales += more[0]
        variables += more[1]
    return known_group(f"tiles/{place.name}", known, scales, variables)


def _planned_tile(
    matrix: MappedMatrix, bank: int, tile: int, placed: Scheduled, *, waveforms: bool
) -> Datasets:
    """Return what is known beforehand of a tile's cycles for one sequence."""
    out, took_place = tile_times(matrix, bank, tile, placed, cycles_taken=None)
    if waveforms and matrix.banks[bank].tiles[tile].design.periphery is not None:
        out["v_ramp"] = ramps_in(matrix.banks[bank], took_place)
    return out


def _waveforms(bank: Bank) -> tuple[list[Scale], list[Variable]]:
    columns = np.arange(bank.columns)
    return (
        [
            Scale("ramp", strings(ramp.function for ramp in bank.ramps), "function of the ramp"),
            Scale("column", columns, "column of the tile"),
        ],
        [
            Variable(
                "v_ramp", ("cycle", "ramp"), "f4", "V", "ramp voltage at the end of the cycle"
            ),
            Variable(
                "v_mac", ("cycle", "column"), "f4", "V", "column voltage at the end of the cycle"
            ),
        ],
    )


# ----------------------------------------------------------------- units


def unit_group(unit: Unit, scheduled: Sequence[Scheduled]) -> Group:
    """Describe a digital unit; its energy does not depend on data."""
    known = repeated(lambda placed: unit_datasets(unit, placed), scheduled)
    table = unit_energy_table(unit)
    busy = Variable("busy", ("cycle",), "u1", "1", "1 in a busy cycle")
    return known_group(
        f"units/{unit.name}", known, [component_scale(table)], [busy, *_common_variables()]
    )


def unit_datasets(unit: Unit, placed: Scheduled) -> Datasets:
    """Return when a unit works for one sequence, and what it spends."""
    schedule = placed.schedule
    index = schedule.on(unit.name, placed.stream)
    cycle = [np.arange(schedule.start[n], schedule.end[n]) for n in index]
    energy = [unit_energy(unit, schedule.operations[n].kind) for n in index]
    return _busy(placed, np.concatenate(cycle), np.concatenate(energy))


def _busy(placed: Scheduled, cycle: NDArray[np.int64], energy: NDArray[np.float64]) -> Datasets:
    return {
        "cycle": placed.base + cycle,
        "sequence": np.full(cycle.size, placed.sequence),
        "busy": np.ones(cycle.size, dtype=np.uint8),
        "energy": energy,
    }


def chip_group(chip: Chip, scheduled: Sequence[Scheduled]) -> Group:
    """Describe what the chip spends in every cycle."""
    known = repeated(lambda placed: chip_datasets(chip, placed), first_of_groups(scheduled))
    busy = Variable("busy", ("cycle",), "u1", "1", "1 in a busy cycle")
    return known_group(
        f"units/{CHIP}", known, [component_scale(chip.overhead)], [busy, *_common_variables()]
    )


def chip_datasets(chip: Chip, placed: Scheduled) -> Datasets:
    """Return every cycle of a sequence's group, and what the chip spends in it."""
    cycles = placed.schedule.cycles
    return _busy(placed, np.arange(cycles), np.tile(chip.overhead.fixed, (cycles, 1)))


def first_of_groups(scheduled: Sequence[Scheduled]) -> list[Scheduled]:
    """Return one sequence of every group."""
    return list({placed.base: placed for placed in reversed(scheduled)}.values())[::-1]


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


# ----------------------------------------------------------------- events


def events_group(timing: Timing, sequences: int) -> Group:
    """Describe the events of all sequences, operations in the order of the program."""
    scheduled = planned_sequences(timing, range(sequences))
    names = ("resource", "kind", "layer")
    enums = {
        name: {
            value: code
            for code, value in enumerate(
                dict.fromkeys(str(getattr(item, name)) for item in timing.planned().operations)
            )
        }
        for name in names
    }
    known = repeated(lambda placed: {**event_datasets(placed), **_named(placed, enums)}, scheduled)
    times = known if timing.fixed else {}
    total = known["sequence"].shape[0]

    def named(name: str, text: str) -> Variable:
        return Variable(name, ("event",), "u2", "1", text, known[name], enums[name])

    def number(name: str, text: str, values: Values | None = None) -> Variable:
        return Variable(name, ("event",), "i8", "1", text, values)

    return Group(
        "events",
        (Scale("event", _count_to(total), "event, in the order of the program"),),
        (
            number("start_cycle", "first cycle", times.get("start_cycle")),
            number("end_cycle", "cycle after the last", times.get("end_cycle")),
            named("resource", "tile or unit at work"),
            named("kind", "what it does"),
            number("stream", "input stream", known["stream"]),
            number("sequence", "sequence of the workload", known["sequence"]),
            number("timestep", "timestep of the sequence", known["timestep"]),
            named("layer", "layer of the network"),
            number(
                "waited_for",
                "event that it waited for last: one that it needs, or one that made its resource "
                "free; -1 for none",
                times.get("waited_for"),
            ),
        ),
    )


def event_datasets(placed: Scheduled) -> Datasets:
    """Return when a sequence's operations took place, and what each of them waited for.

    The operations of a group stand stream after stream, as its sequences do in the file.
    """
    schedule = placed.schedule
    mine = np.flatnonzero([item.stream == placed.stream for item in schedule.operations])
    cause = schedule.cause[mine]
    return {
        "start_cycle": placed.base + schedule.start[mine],
        "end_cycle": placed.base + schedule.end[mine],
        "waited_for": np.where(cause >= 0, placed.first_event + cause, -1),
        "stream": np.full(mine.size, placed.stream),
        "sequence": np.full(mine.size, placed.sequence),
    }


def _named(placed: Scheduled, enums: Mapping[str, Mapping[str, int]]) -> Datasets:
    """Return what a sequence's operations are: codes of names, and timesteps."""
    mine = [item for item in placed.schedule.operations if item.stream == placed.stream]
    codes = {
        name: np.array([enum[str(getattr(item, name))] for item in mine])
        for name, enum in enums.items()
    }
    return {**codes, "timestep": np.array([item.timestep for item in mine])}


def _count_to(total: int) -> Repeated:
    """Return 0, 1, 2, ... without all of them in memory."""
    step = min(max(total, 1), _STEP)
    whole, rest = divmod(total, step)
    pieces = [Piece(np.arange(step), step * np.arange(whole))]
    return Repeated([*pieces, Piece(np.arange(rest), np.array([whole * step]))])


# ----------------------------------------------------------------- common


def component_scale(energy: OperationEnergy) -> Scale:
    """Return the dimension of a table's components."""
    return Scale("component", strings(energy.components), "component that spends the energy")


def _common_variables() -> tuple[Variable, ...]:
    return (
        Variable("sequence", ("cycle",), "i8", "1", "sequence that the cycle is spent on"),
        Variable("energy", ("cycle", "component"), "f8", "J", "energy spent in the cycle"),
    )


def known_group(
    path: str, known: Mapping[str, Values], scales: Sequence[Scale], variables: Sequence[Variable]
) -> Group:
    """Return a group along cycles, with what is known of it."""
    cycle = Scale("cycle", known["cycle"], "clock cycle from the start of the run")
    filled = [replace(variable, values=known.get(variable.name)) for variable in variables]
    return Group(path, (cycle, *scales), tuple(filled))


def unknown(group: Group) -> Group:
    """Return a group whose cycles are not known yet: as long, to be filled and cut."""
    cycle, *others = group.scales
    blank = replace(cycle, values=repeat(np.full(1, -1, dtype=np.int64), cycle.values.shape[0]))
    emptied = tuple(replace(variable, values=None) for variable in group.variables)
    return replace(group, scales=(blank, *others), variables=emptied, resizable=True)


def tiles_of(chip: Chip) -> list[tuple[MappedMatrix, int, int, Tile]]:
    """Return every tile with its matrix, the number of its bank and its own number there."""
    return [
        (matrix, number, index, tile)
        for matrix in chip.matrices
        for number, bank in enumerate(matrix.banks)
        for index, tile in enumerate(bank.tiles)
    ]
