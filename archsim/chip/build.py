"""Build the whole chip: layers on tiles, buffers, the program of a sequence, the inventory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.chip.layers import BuildContext, ChipLayer, build_layer
from archsim.chip.layers.base import Signal, Unit
from archsim.chip.program import Needs, Program, Schedule
from archsim.chip.tile import Tile
from archsim.config.run import CLASSIFIER, INPUT_BUFFER, RunConfig
from archsim.costs.digital import argmax_unit, buffer_unit, chip_overhead
from archsim.costs.library import ComponentLibrary, load_library
from archsim.costs.operation import Inventory, OperationEnergy
from archsim.costs.scaling import scale_library
from archsim.errors import ConfigError, DesignError
from archsim.network.weights import network_weights

INPUT_REGISTERS = 2
"""Input vectors that a tile's row registers hold: the one at work and the next one."""


@dataclass(frozen=True)
class Chip:
    """A chip that is ready to run.

    Attributes
    ----------
    config : RunConfig
        What it was built from.
    layers : tuple of ChipLayer
        Layers, input first.
    units : tuple of Unit
        All digital units: buffers, the layers' own, the classifier.
    schedule : Schedule
        When every operation of a sequence runs.
    inventory : dict of str to Inventory
        Area and leakage of every tile and unit.
    overhead : OperationEnergy
        Energy that every cycle costs, busy or idle: leakage and clock tree.
    """

    config: RunConfig
    layers: tuple[ChipLayer, ...]
    units: tuple[Unit, ...]
    schedule: Schedule
    inventory: dict[str, Inventory]
    overhead: OperationEnergy

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """All tiles."""
        return tuple(tile for layer in self.layers for tile in layer.tiles)

    @property
    def operations(self) -> int:
        """Operations of one inference: 2 for each multiply-accumulate of the layers' weights.

        Additions of biases, activation functions and element-wise steps are not counted.
        """
        return 2 * sum(layer.macs for layer in self.layers)

    def area_by_component(self) -> dict[str, float]:
        """Return the area of each component over the whole chip, m^2."""
        return total(part.area for part in self.inventory.values())

    def leakage_by_component(self) -> dict[str, float]:
        """Return the leakage of each component over the whole chip, W."""
        return total(part.leakage for part in self.inventory.values())

    def encode(self, x: NDArray[np.float32]) -> Signal:
        """Turn features of -1 .. 1 (sequences, timesteps, inputs) into pulse widths."""
        steps = 2**self.config.tile.input_bits - 1
        magnitude = np.minimum(np.floor(np.abs(x.astype(np.float64)) * steps + 0.5), steps)
        fixed = np.floor(x.astype(np.float64) * 2**self.config.digital.fraction_bits + 0.5)
        return Signal(drive=(np.sign(x) * magnitude).astype(np.int16), fixed=fixed.astype(np.int32))


def total(parts: Iterable[dict[str, float]]) -> dict[str, float]:
    """Add up dictionaries of numbers by key."""
    out: dict[str, float] = {}
    for part in parts:
        for key, value in part.items():
            out[key] = out.get(key, 0.0) + value
    return out


def build_chip(config: RunConfig) -> Chip:
    """Build a chip from its configuration.

    Raises
    ------
    DesignError, WorkloadError
        If the network does not fit the chip, or a file that it names cannot be used.
    """
    library = _library(config)
    weights = network_weights(config.network.weights, seed=config.seed)
    context = BuildContext(config, library, weights)
    layers = _build_layers(context)
    units = _shared_units(context, layers[-1])
    schedule = _schedule(config, layers, units)
    units = (*units, *(unit for layer in layers for unit in layer.units))
    inventory = {
        **{tile.name: tile.inventory for layer in layers for tile in layer.tiles},
        **{unit.name: unit.cost.inventory for unit in units},
    }
    return Chip(
        config=config,
        layers=layers,
        units=units,
        schedule=schedule,
        inventory=inventory,
        overhead=chip_overhead(
            list(inventory.values()),
            period=1 / config.technology.clock,
            gated=config.technology.clock_gating,
            library=library,
        ),
    )


def _library(config: RunConfig) -> ComponentLibrary:
    """Load the component library and scale it to the chip's node and supply."""
    technology = config.technology
    library = load_library(technology.components)
    try:
        return scale_library(library, technology.node, supply=technology.supply)
    except ConfigError as error:
        msg = f"technology.node and supply: {error}"
        raise DesignError(msg) from error


def _build_layers(context: BuildContext) -> tuple[ChipLayer, ...]:
    layers: list[ChipLayer] = []
    elements = context.config.network.inputs
    for section in context.config.network.layers:
        layers.append(build_layer(section, elements, context))
        elements = layers[-1].elements
    return tuple(layers)


def _shared_units(context: BuildContext, last: ChipLayer) -> tuple[Unit, ...]:
    """Return the input buffer and the classifier."""
    config = context.config
    bits = config.network.inputs * (config.tile.input_bits + 1)
    load = buffer_unit(bits, design=context.digital_design(), library=context.library)
    width = last.tiles[0].ramps[0].bits if last.tiles else config.digital.word_bits
    classify = argmax_unit(last.elements, width, library=context.library)
    return Unit(INPUT_BUFFER, load), Unit(CLASSIFIER, classify)


def _schedule(config: RunConfig, layers: Sequence[ChipLayer], shared: Sequence[Unit]) -> Schedule:
    """Write the program of one sequence and run the event loop on it."""
    program = Program()
    buffer, classifier = shared
    loads = [
        program.add(
            buffer.name,
            "load",
            layer=layers[0].name,
            timestep=timestep,
            duration=buffer.duration("load"),
        )
        for timestep in range(config.network.timesteps)
    ]
    produced: list[Needs] = [(load,) for load in loads]
    for layer in layers:
        produced = layer.schedule(program, produced)
    program.add(
        classifier.name,
        "argmax",
        layer=layers[-1].name,
        timestep=config.network.timesteps - 1,
        duration=classifier.duration("argmax"),
        needs=produced[-1],
    )
    _hold_back(program, loads)
    return program.schedule()


def _hold_back(program: Program, loads: Sequence[int]) -> None:
    """Let a load wait until the registers that it overwrites have been used."""
    users: dict[int, list[int]] = {load: [] for load in loads}
    for index, operation in enumerate(program.operations):
        for need in operation.needs:
            if need in users:
                users[need].append(index)
    for timestep in range(INPUT_REGISTERS, len(loads)):
        program.require(loads[timestep], users[loads[timestep - INPUT_REGISTERS]])
