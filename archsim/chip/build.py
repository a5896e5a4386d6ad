"""Build the whole chip: layers on tiles, buffers, the program of a sequence, the inventory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.chip.bank import Bank, Tile, check_numbers
from archsim.chip.flow import flow, join_arrays
from archsim.chip.layers.base import (
    BuildContext,
    ChipLayer,
    Unit,
    to_fixed,
    transfers,
)
from archsim.chip.layers.processors import activation_cost, activations_of
from archsim.chip.layers.signal import Signal
from archsim.chip.mapped_matrix import MappedMatrix
from archsim.chip.operations import add_sequence
from archsim.chip.program import Program, Schedule
from archsim.chip.spec import ChipSpec, chip_spec
from archsim.chip.tile_cost import tile_inventory
from archsim.chip.totals import total
from archsim.clipping import Clipping, Place
from archsim.config.hardware import Technology
from archsim.config.run import BUS, CLASSIFIER, INPUT_BUFFER, PROCESSORS, RunConfig
from archsim.costs.digital import (
    argmax_unit,
    buffer_unit,
    bus_unit,
    chip_overhead,
)
from archsim.costs.library import ComponentLibrary, load_library
from archsim.costs.operation import Inventory, OperationEnergy
from archsim.costs.parts import UnitCost
from archsim.costs.scaling import scale_library
from archsim.errors import ConfigError, DesignError
from archsim.network.unused import refuse_unused
from archsim.network.weights import Weights, network_weights
from archsim.transfer.decisions import pulse_widths


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
    inventory : dict of str to Inventory
        Area and leakage of every tile and unit.
    overhead : OperationEnergy
        Energy that every cycle costs, busy or idle: leakage and clock tree.
    library : ComponentLibrary
        The costs, at the chip's node and supply.
    weights : Weights
        Those of the network.

    Examples
    --------
    >>> chip = archsim.build_chip("kws")
    >>> [tile.name for tile in chip.tiles]
    ['lstm', 'output']
    >>> chip.operations == chip.operations_of(49)
    True
    >>> chip.schedule.cycles == chip.schedule_of([49]).cycles
    True
    >>> area, leakage = chip.area_by_component(), chip.leakage_by_component()  # m^2, W
    >>> max(area, key=area.get)
    'feedback_capacitors'
    >>> x = np.linspace(-1.2, 1.2, 49 * 40, dtype=np.float32).reshape(1, 49, 40)
    >>> int(chip.encode(x).drive.max())  # a full pulse width, in clock cycles
    31
    >>> chip.clipped_inputs(x).count > 0
    True
    """

    config: RunConfig
    layers: tuple[ChipLayer, ...]
    units: tuple[Unit, ...]
    inventory: dict[str, Inventory]
    overhead: OperationEnergy
    library: ComponentLibrary
    weights: Weights

    @cached_property
    def schedule(self) -> Schedule:
        """When every operation of a group of sequences runs, one sequence a stream."""
        return self.schedule_of((self.config.network.timesteps,) * self.config.streams)

    def schedule_of(self, lengths: Sequence[int]) -> Schedule:
        """Return the schedule of a group of sequences.

        Parameters
        ----------
        lengths : sequence of int
            Timesteps of each sequence; no more sequences than there are streams.
        """
        program = Program()
        for stream, timesteps in enumerate(lengths):
            program.stream = stream
            add_sequence(program, self, timesteps)
        return program.schedule()

    @property
    def matrices(self) -> tuple[MappedMatrix, ...]:
        """All matrices on tiles."""
        return tuple(matrix for layer in self.layers for matrix in layer.matrices)

    @property
    def banks(self) -> tuple[Bank, ...]:
        """All banks."""
        return tuple(bank for layer in self.layers for bank in layer.banks)

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """All tiles."""
        return tuple(tile for layer in self.layers for tile in layer.tiles)

    @property
    def operations(self) -> int:
        """Operations of one inference: 2 for each multiply-accumulate of the layers' weights.

        Additions of biases, activation functions and element-wise steps are not counted.
        """
        return self.operations_of(self.config.network.timesteps)

    def operations_of(self, timesteps: int) -> int:
        """Return the operations of one inference.

        Parameters
        ----------
        timesteps : int
            Timesteps of its sequence.
        """
        return 2 * sum(
            layer.macs * (1 if once else timesteps)
            for layer, once in zip(self.layers, self.config.network.once, strict=True)
        )

    def area_by_component(self) -> dict[str, float]:
        """Return the area of each component over the whole chip, m^2."""
        return total(part.area for part in self.inventory.values())

    def leakage_by_component(self) -> dict[str, float]:
        """Return the leakage of each component over the whole chip, W."""
        return total(part.leakage for part in self.inventory.values())

    def encode(self, x: NDArray[np.float32], length: NDArray[np.int64] | None = None) -> Signal:
        """Turn inputs into pulse widths, of which a full one stands for `network.input_range`.

        Inputs that are indices are kept as they are.

        Parameters
        ----------
        x : float32 (sequences, timesteps, inputs)
            The inputs.
        length : int64 (sequences,), optional
            Timesteps of each sequence; all by default.

        Returns
        -------
        Signal
            Pulse widths, clock cycles, and the inputs as fixed-point words.
        """
        whole = np.full(x.shape[0], x.shape[1], dtype=np.int64) if length is None else length
        if self.config.network.entries:  # neither pulse widths nor words hold indices
            nothing = np.zeros(x.shape, dtype=np.int16)
            return Signal(nothing, nothing.astype(np.int32), whole, x.astype(np.int32))
        steps = 2**self.config.tile.input_bits - 1
        fixed = to_fixed(x.astype(np.float64), self.config.digital)
        widths = pulse_widths(x / np.array(self.config.network.input_range), 1.0, steps)
        return Signal(widths, fixed.astype(np.int32), whole)

    def clipped_inputs(self, x: NDArray[Any]) -> Clipping:
        """Count inputs (..., inputs) beyond `network.input_range`, which pulse widths do not reach.

        Where each input has a range of its own, magnitudes are shares of it.

        Parameters
        ----------
        x : float (..., inputs)
            The inputs.

        Returns
        -------
        Clipping
            How many there are, and the largest.
        """
        given = self.config.network.input_range
        whole = 1.0 if isinstance(given, tuple) else given
        if isinstance(given, tuple):
            x = x / np.array(given)
        if self.config.network.entries:
            return Clipping(self.layers[0].name, Place.INPUTS, whole, 0, x.size)
        largest = float(max(x.max(initial=0.0), -x.min(initial=0.0)))
        limit = whole * (1 + 0.5 / (2**self.config.tile.input_bits - 1))
        count = int(np.count_nonzero(np.abs(x) > limit)) if largest > limit else 0
        first = self.layers[0].name
        return Clipping(first, Place.INPUTS, whole, count, x.size, count, largest)


def build_chip(
    config: RunConfig,
    *,
    spec: ChipSpec | None = None,
    library: ComponentLibrary | None = None,
    weights: Weights | None = None,
) -> Chip:
    """Build a chip from its configuration.

    Parameters
    ----------
    config : RunConfig
        The configuration.
    spec : ChipSpec, optional
        What is built, where it is not what the configuration says: a chip without anything random.
    library : ComponentLibrary, optional
        Its costs at the chip's node and supply, where they are read already.
    weights : Weights, optional
        Its weights, where they are read already.

    Raises
    ------
    DesignError, WorkloadError
        If the network does not fit the chip, or a file that it names cannot be used.
    """
    library = library or chip_library(config.technology)
    weights = weights or network_weights(config.network, seed=config.seed)
    weights = replace(weights, used={})  # other chips may have the same
    config.adc.of_kind.check_run(config)
    spec = spec or chip_spec(config)
    context = BuildContext(
        spec,
        library,
        weights,
        np.broadcast_to(np.array(spec.network.input_range), spec.network.inputs),
        np.zeros(spec.network.inputs, dtype=np.bool_),
    )
    context = replace(context, processors=_shared_processors(context))
    layers = _build_layers(context)
    refuse_unused(weights, config.network)
    units = _shared_units(context, layers)
    units = (*units, *(unit for layer in layers for unit in layer.units))
    inventory = _inventory(layers, units)
    check_numbers([tile.name for layer in layers for tile in layer.tiles])
    return Chip(
        config=config,
        layers=layers,
        units=units,
        inventory=inventory,
        overhead=chip_overhead(
            list(inventory.values()),
            period=1 / config.technology.clock,
            gated=config.technology.clock_gating,
            library=library,
        ),
        library=library,
        weights=weights,
    )


def _inventory(layers: Sequence[ChipLayer], units: Sequence[Unit]) -> dict[str, Inventory]:
    """Return area and leakage of every tile and unit.

    Raises
    ------
    DesignError
        If two of them have the same name, so that a trace could not tell them apart.
    """
    out: dict[str, Inventory] = {}
    tiles = [tile for layer in layers for tile in layer.tiles]
    for name, part in [
        *((tile.name, tile.inventory) for tile in tiles),
        *((unit.name, unit.cost.inventory) for unit in units),
        *(
            (name, None)
            for layer in layers
            for matrix in layer.matrices
            for name in matrix.converters()
        ),
    ]:
        if name in out:
            msg = (
                f"network.layers: the layers' names give two parts of the chip the name '{name}': "
                "call one of the layers something else"
            )
            raise DesignError(msg)
        out[name] = part or Inventory()  # converters are accounted for with their tiles
    return out


def chip_library(technology: Technology) -> ComponentLibrary:
    """Load the component library and scale it to the chip's node and supply.

    Raises
    ------
    ConfigError
        If it cannot be read, or there is no rule for the node and supply.
    """
    library = load_library(technology.components)
    try:
        library = scale_library(library, technology.node, supply=technology.supply)
    except ConfigError as error:
        msg = f"technology.node and supply: {error}"
        raise DesignError(msg) from error
    try:
        return library.with_factors(technology.cost_factors)
    except ConfigError as error:
        raise DesignError(str(error)) from error


def _build_layers(context: BuildContext) -> tuple[ChipLayer, ...]:
    network = context.spec.network
    layers: list[ChipLayer] = []

    def build(number: int, taken: NDArray[np.float64]) -> NDArray[np.float64]:
        section, (ranges, backward) = network.layers[number], taken
        own = replace(
            context,
            input_range=ranges,
            input_backward=backward > 0,
            readers=network.readers(section),
        )
        layers.append(section.build(ranges.size, own))
        return np.stack([layers[-1].output_ranges, layers[-1].output_backward])

    first = np.stack([context.input_range, context.input_backward])
    flow(network, first, build, join_arrays)
    return tuple(layers)


def _shared_processors(context: BuildContext) -> Unit | None:
    """Return the digital processors that all layers share; None where each has its own."""
    spec = context.spec
    kinds = {
        f"{kind}_{section.name}": values
        for section in spec.network.layers
        for kind, values in activations_of(section).items()
    }
    if spec.adc.nonlinear or not spec.digital.processors.shared or not kinds:
        return None
    largest = activation_cost(max(kinds.values()), context)
    energy = {
        kind: activation_cost(values, context).energy["activate"] for kind, values in kinds.items()
    }
    return Unit(PROCESSORS, UnitCost(energy, largest.inventory))


def _shared_units(context: BuildContext, layers: Sequence[ChipLayer]) -> tuple[Unit, ...]:
    """Return the input buffer, the classifier if outputs are compared, and what layers share."""
    spec, last = context.spec, layers[-1]
    entries, inputs = spec.network.entries, spec.network.inputs
    width = (entries - 1).bit_length() if entries else spec.tile.input_bits + 1
    load = buffer_unit(
        max(inputs * width, 1), design=context.digital_design(), library=context.library
    )
    units = [Unit(INPUT_BUFFER, load)]
    if spec.decides != "never":
        width = spec.digital.word_bits if last.in_words else last.banks[0].ramps[0].bits
        units.append(Unit(CLASSIFIER, argmax_unit(last.elements, width, library=context.library)))
    if context.processors is not None:
        units.append(context.processors)
    if spec.digital.bus is not None:
        units.append(Unit(BUS, _bus(context, layers)))
    return tuple(units)


def _bus(context: BuildContext, layers: Sequence[ChipLayer]) -> UnitCost:
    """Return the cost of a bus as long as a side of all tiles together."""
    bus, word = context.spec.digital.bus, context.spec.tile.input_bits + 1
    assert bus is not None
    nominal = context.library.nominal
    tiles = [tile_inventory(tile.design, nominal) for layer in layers for tile in layer.tiles]
    area = math.fsum(part for tile in tiles for part in tile.area.values())
    return bus_unit(
        {kind: count * word for kind, count in transfers(context.spec).items()},
        width=bus.width,
        latency=bus.latency,
        length=math.sqrt(area),
        library=context.library,
    )
