"""The operations of one sequence on a chip, from the first load to the last answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archsim.chip.flow import flow, join_needs
from archsim.chip.program import Needs, Program

if TYPE_CHECKING:
    from archsim.chip.build import Chip

INPUT_REGISTERS = 2
"""Input vectors that a tile's row registers hold: the one at work and the next one."""


def add_sequence(program: Program, chip: Chip, timesteps: int) -> None:
    """Add the operations of one sequence, from the first load to its last answer."""
    network, layers, buffer = chip.config.network, chip.layers, chip.units[0]
    loads = [
        program.add(
            buffer.name,
            "load",
            layer=layers[0].name,
            timestep=timestep,
            duration=buffer.duration("load"),
        )
        for timestep in range(timesteps)
    ]
    loaded: Sequence[Needs] = [(load,) for load in loads]
    produced = flow(
        network, loaded, lambda number, needs: layers[number].schedule(program, needs), join_needs
    )
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
    _hold_back(program, loads)


def _hold_back(program: Program, loads: Sequence[int]) -> None:
    """Let a load wait until the registers that it overwrites have been used."""
    users: dict[int, list[int]] = {load: [] for load in loads}
    for index, operation in enumerate(program.operations):
        for need in operation.needs:
            if need in users:
                users[need].append(index)
    for timestep in range(INPUT_REGISTERS, len(loads)):
        program.require(loads[timestep], users[loads[timestep - INPUT_REGISTERS]])
