"""The interface of a layer that is built on a chip.

To add a kind of layer: a folder beside those that are there, whose `section` subclasses
`archsim.config.sections.LayerSection` and builds a `ChipLayer`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.chip.bank import Bank, Tile
from archsim.chip.layers.signal import LayerResult, Recorder, Signal, Whole
from archsim.chip.mapped_matrix import MappedMatrix
from archsim.chip.program import Needs, Program
from archsim.chip.spec import ChipSpec
from archsim.config.hardware import Digital
from archsim.config.run import BUS
from archsim.config.sections import LayerSection
from archsim.costs.digital import sum_unit
from archsim.costs.library import ComponentLibrary
from archsim.costs.parts import DigitalDesign, UnitCost
from archsim.kernels.convert import Stage
from archsim.kernels.recurrent import State
from archsim.network.weights import Weights
from archsim.transfer.decisions import half_up

Watch = Callable[[str, NDArray[np.float64], int | None], None]


@dataclass(frozen=True)
class BuildContext:
    """What a layer is built from.

    Attributes
    ----------
    spec, library, weights
        What the chip is built from, costs, tensors.
    input_range : float64 (inputs,)
        The value that a full pulse width of each of the layer's inputs stands for.
    input_backward : bool (inputs,)
        Which inputs come from a layer that runs against time, so that their last value is that of
        the first timestep.
    processors : Unit or None
        Digital processors that all layers share, None where every layer has its own.
    readers : tuple of sections of layers
        The layers that take this one's outputs in; none for the last.
    """

    spec: ChipSpec
    library: ComponentLibrary
    weights: Weights
    input_range: NDArray[np.float64]
    input_backward: NDArray[np.bool_]
    processors: Unit | None = None
    readers: tuple[LayerSection, ...] = ()

    @property
    def drives_tiles(self) -> bool:
        """Whether a layer takes this one's outputs in as pulse widths."""
        return not all(reader.takes_words for reader in self.readers)

    @property
    def drive_steps(self) -> int:
        """Largest pulse width, in cycles: ``2**n_in - 1``; of an input it is `input_range`."""
        return int(2**self.spec.tile.input_bits - 1)

    @property
    def word_limit(self) -> int:
        """Largest value of a fixed-point word."""
        return word_limit(self.spec.digital)

    def to_fixed(self, value: NDArray[np.float64]) -> NDArray[np.int64]:
        """Round numbers half up to fixed point and saturate them."""
        return to_fixed(value, self.spec.digital)

    def digital_design(self) -> DigitalDesign:
        """Return the sizes of the digital units."""
        return digital_design(self.spec.digital)


def word_limit(digital: Digital) -> int:
    """Return the largest value of a fixed-point word."""
    return int(2 ** (digital.word_bits - 1) - 1)


def to_fixed(value: NDArray[np.float64], digital: Digital) -> NDArray[np.int64]:
    """Round numbers half up to fixed point and saturate them."""
    limit, scaled = word_limit(digital), half_up(value * 2.0**digital.fraction_bits)
    return np.clip(scaled, -limit - 1, limit).astype(np.int64)


@dataclass(frozen=True)
class Unit:
    """A digital unit: its name in the trace and what it costs."""

    name: str
    cost: UnitCost

    def duration(self, kind: str) -> int:
        """Return how many cycles an operation of this kind takes."""
        return int(self.cost.energy[kind].fixed.shape[0])


def digital_design(digital: Digital) -> DigitalDesign:
    """Return the sizes that the costs of digital units depend on."""
    return DigitalDesign(
        digital.word_bits, digital.lanes, digital.buffer_word_bits, digital.buffer_latency
    )


def add_work(
    program: Program, unit: Unit, kind: str, needs: Needs, *, layer: str, timestep: int
) -> Needs:
    """Add an operation of a digital unit; return what ends it."""
    duration = unit.duration(kind)
    return (
        program.add(
            unit.name, kind, layer=layer, timestep=timestep, duration=duration, needs=needs
        ),
    )


def add_conversion(
    program: Program,
    matrix: MappedMatrix,
    adders: Unit | None,
    needs: Needs,
    *,
    layer: str,
    timestep: int,
    conversion: int,
) -> Needs:
    """Add a conversion of a matrix's banks, and the sum of row blocks where it is digital."""
    ends = matrix.schedule(program, needs, layer=layer, timestep=timestep, conversion=conversion)
    if adders is None:
        return ends
    return add_work(program, adders, "sum", ends, layer=layer, timestep=timestep)


def sum_of_blocks(matrix: MappedMatrix, context: BuildContext) -> Unit | None:
    """Return the adders of a matrix whose row blocks convert by themselves, None for others."""
    if matrix.row_blocks == 1:
        return None
    cost = sum_unit(
        matrix.arrays.columns,
        matrix.row_blocks,
        bits=matrix.banks[0].ramps[0].bits,
        design=context.digital_design(),
        library=context.library,
    )
    return Unit(f"{matrix.name}_sum", cost)


def stages(
    matrices: Sequence[MappedMatrix | None], recorder: Recorder, conversions: int, ends: Whole
) -> tuple[Any, ...]:
    """Return what a layer's kernel gets of its matrices; None for those that it does not have.

    Kernels are compiled for what there is, so that most users never wait for what they do not need.

    Parameters
    ----------
    matrices : sequence of MappedMatrix or None
        The matrices.
    recorder : Recorder
        Where what they do goes.
    conversions : int
        Conversions of the longest sequence that there may be.
    ends : int64 (sequences,)
        Conversions of each sequence.
    """
    there = [matrix.arrays for matrix in matrices if matrix is not None]
    disturbed = not all(matrix.is_ideal for matrix in there if not matrix.why)
    by_cycle = recorder.waveforms or any(matrix.why for matrix in there)
    return tuple(
        None
        if matrix is None
        else Stage(
            matrix.arrays.arrays,
            recorder.open(matrix, conversions, ends),
            matrix.arrays.imperfections if disturbed else None,
            matrix.arrays.cycle_by_cycle if by_cycle else None,
        )
        for matrix in matrices
    )


def deliver(
    program: Program, needs: Needs, *, spec: ChipSpec, layer: str, kind: str, timestep: int
) -> Needs:
    """Add the transfer of a layer's values over the bus, if there is one."""
    bus = spec.digital.bus
    if bus is None:
        return needs
    elements = transfers(spec)[kind]
    moved = -(-elements * (spec.tile.input_bits + 1) // bus.width)
    return (
        program.add(
            BUS, kind, layer=layer, timestep=timestep, duration=bus.latency + moved, needs=needs
        ),
    )


def transfers(spec: ChipSpec) -> dict[str, int]:
    """Return what goes over the bus, by kind of transfer: elements a timestep."""
    return {
        kind: elements
        for section in spec.network.layers
        for kind, elements in section.transfers.items()
    }


class ChipLayer(ABC):
    """A layer on the chip.

    Attributes
    ----------
    name : str
        Name of the layer.
    matrices : tuple of MappedMatrix
        Its matrices on tiles.
    units : tuple of Unit
        Its digital units.
    macs : int
        Multiply-accumulates of the network at each timestep at which the layer works (biases not
        counted).
    elements : int
        Elements of its output.
    bias_row : bool
        Whether the last row of its first matrix is that of the bias.
    in_words : bool
        Whether its outputs are fixed-point words, not codes of a converter.
    output_range : float
        The value that a full pulse width of its output stands for (`archsim.chip.layers.ranges`).
    watch : callable or None
        Told of what the float64 network holds on the way: the name, values (sequences, ...), and
        the timestep, None where the second axis are the timesteps (`LayerSection.range_keys`).
    """

    name: str
    matrices: tuple[MappedMatrix, ...]
    units: tuple[Unit, ...]
    macs: int
    elements: int
    output_range: float
    bias_row: bool = False
    in_words: bool = False
    watch: Watch | None = None

    @property
    def output_ranges(self) -> NDArray[np.float64]:
        """`output_range` of each element (elements,)."""
        return np.full(self.elements, self.output_range)

    @property
    def output_backward(self) -> NDArray[np.bool_]:
        """Which elements (elements,) of its output come last at the first timestep."""
        return np.zeros(self.elements, dtype=np.bool_)

    @property
    def banks(self) -> tuple[Bank, ...]:
        """All banks of its matrices."""
        return tuple(bank for matrix in self.matrices for bank in matrix.banks)

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """All tiles of its matrices."""
        return tuple(tile for matrix in self.matrices for tile in matrix.tiles)

    @abstractmethod
    def schedule(self, program: Program, inputs: Sequence[tuple[int, ...]]) -> list[Needs]:
        """Add the operations of one stream's sequence to `program`.

        Parameters
        ----------
        program : Program
            Where they go.
        inputs : sequence of tuple of int
            For each timestep, the operations that produce this layer's input.

        Returns
        -------
        list of tuple of int
            For each timestep of its output, the operations that produce it.
        """

    @abstractmethod
    def run(self, signal: Signal, recorder: Recorder, state: State | None = None) -> LayerResult:
        """Compute a block of sequences.

        Parameters
        ----------
        signal : Signal
            What goes in.
        recorder : Recorder
            Where what tiles do goes.
        state : State, optional
            `LayerResult.state` of an earlier chunk of the same sequences; a layer that carries
            nothing from timestep to timestep does not look at it.
        """

    @abstractmethod
    def run_float(self, x: NDArray[np.float64], length: Whole | None = None) -> NDArray[np.float64]:
        """Compute the layer in float64 from its unquantised weights.

        Parameters
        ----------
        x : float64 (sequences, timesteps, inputs)
            What goes in.
        length : int64 (sequences,), optional
            Timesteps of each sequence, all by default; what comes out behind its end means nothing.

        Returns
        -------
        float64 (sequences, timesteps at which the layer works, elements)
        """
