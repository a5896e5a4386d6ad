"""The operations of one sequence on a chip, from the first load to the last answer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from archsim.chip.flow import flow, join_needs
from archsim.chip.program import Needs, Program

if TYPE_CHECKING:
    from archsim.chip.build import Chip

INPUT_REGISTERS = 2
"""Input vectors that a tile's row registers hold: the one at work and the next one."""


def add_sequence(program: Program, chip: Chip, timesteps: int) -> None:
    """Add the operations of one sequence, from the first load to its last answer."""
    network, layers = chip.config.network, chip.layers
    loads = _add_loads(program, chip, timesteps)
    reader = next(iter(loads))
    loaded: Sequence[Needs] = [(load,) for load in loads[reader]]

    def schedule(number: int, needs: Sequence[Needs]) -> list[Needs]:
        if number in loads and number != reader:
            own = dict(zip(loads[reader], loads[number], strict=True))
            needs = [tuple(own.get(need, need) for need in each) for each in needs]
        program.begins = timesteps - len(needs)
        return layers[number].schedule(program, needs)

    produced = flow(network, loaded, schedule, join_needs)
    program.begins = 0
    decides = chip.config.task.decides
    if decides != "never":
        classifier = chip.units[1]
        first = timesteps - len(produced)
        for place in range(len(produced) if decides == "all" else 1):
            at = place if decides == "all" else len(produced) - 1
            program.add(
                classifier.name,
                "argmax",
                layer=layers[-1].name,
                timestep=first + at,
                duration=classifier.duration("argmax"),
                needs=produced[at],
            )
    for number, of_layer in loads.items():
        backward = network.layers[number].backward
        _hold_back(program, of_layer[::-1] if backward else of_layer)


def _add_loads(program: Program, chip: Chip, timesteps: int) -> dict[int, list[int]]:
    """Add the loads of every timestep; return them by the number of the layer that they are for.

    Layers that all run with time take the same loads in. Where one runs against time each layer
    that reads the input buffer has loads of its own, in its own order: a load that has to be held
    back for the one would keep the other waiting for what it computes last.
    """
    network, buffer = chip.config.network, chip.units[0]
    readers = [number for number, names in enumerate(network.sources) if buffer.name in names]
    if not any(layer.backward for layer in network.layers):
        readers = readers[:1]
    loads = {}
    for number in readers:
        backward = network.layers[number].backward
        with program.against_time(timesteps) if backward else nullcontext():
            loads[number] = [
                program.add(
                    buffer.name,
                    "load",
                    layer=chip.layers[number].name,
                    timestep=timestep,
                    duration=buffer.duration("load"),
                )
                for timestep in range(timesteps)
            ]
    return loads


def _hold_back(program: Program, loads: Sequence[int]) -> None:
    """Let a load wait until the registers that it overwrites have been used.

    Parameters
    ----------
    program : Program
        All operations.
    loads : sequence of int
        Loads of one layer, or of several that share them, in the order in which they are needed.
    """
    users: dict[int, list[int]] = {load: [] for load in loads}
    for index, operation in enumerate(program.operations):
        for need in operation.needs:
            if need in users:
                users[need].append(index)
    for place in range(INPUT_REGISTERS, len(loads)):
        program.require(loads[place], users[loads[place - INPUT_REGISTERS]])
