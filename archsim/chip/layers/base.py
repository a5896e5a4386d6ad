"""The interface of a layer that is built on a chip, and the registry of layer kinds.

To add a kind of layer: a section in `archsim.config.run`, a kernel that runs its sequences, and a
file here that subclasses `ChipLayer` and registers it under the section's ``kind``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from archsim.chip.program import Needs, Program
from archsim.chip.tile import Tile
from archsim.config.run import RunConfig
from archsim.costs.digital import DigitalDesign, UnitCost
from archsim.costs.library import ComponentLibrary
from archsim.kernels.record import TileRecord, make_record
from archsim.network.weights import Weights


@dataclass(frozen=True)
class BuildContext:
    """What a layer is built from."""

    config: RunConfig
    library: ComponentLibrary
    weights: Weights

    @property
    def drive_steps(self) -> int:
        """Largest pulse width of an input, in cycles: ``2**n_in - 1``, which stands for 1."""
        return int(2**self.config.tile.input_bits - 1)

    @property
    def word_limit(self) -> int:
        """Largest value of a fixed-point word."""
        return int(2 ** (self.config.digital.word_bits - 1) - 1)

    def to_fixed(self, value: NDArray[np.float64]) -> NDArray[np.int64]:
        """Round numbers half up to fixed point and saturate them."""
        scaled = np.floor(value * 2.0**self.config.digital.fraction_bits + 0.5)
        return np.clip(scaled, -self.word_limit - 1, self.word_limit).astype(np.int64)

    def digital_design(self) -> DigitalDesign:
        """Return the sizes of the digital units."""
        digital = self.config.digital
        return DigitalDesign(digital.word_bits, digital.lanes, digital.buffer_word_bits)


@dataclass(frozen=True)
class Unit:
    """A digital unit: its name in the trace and what it costs."""

    name: str
    cost: UnitCost

    def duration(self, kind: str) -> int:
        """Return how many cycles an operation of this kind takes."""
        return int(self.cost.energy[kind].fixed.shape[0])


@dataclass(frozen=True)
class Signal:
    """What one layer hands to the next, for a block of sequences.

    Attributes
    ----------
    drive : int16 (sequences, timesteps, elements)
        As signed pulse widths.
    fixed : int32 (sequences, timesteps, elements)
        In fixed point.
    """

    drive: NDArray[np.int16]
    fixed: NDArray[np.int32]


@dataclass(frozen=True)
class LayerResult:
    """What a layer computed: the signal for the next one, and arrays for the trace."""

    signal: Signal
    outputs: dict[str, NDArray[Any]]


@dataclass
class Recorder:
    """Hands out the records of a block of sequences and keeps them by tile.

    Attributes
    ----------
    slot : int64 (sequences,)
        Place of each sequence among those whose cycles are kept, -1 for the others.
    first : int
        Number of the block's first sequence in the run.
    waveforms : bool
        Whether columns' charges are kept as well.
    records : dict of str to TileRecord
        What each tile did.
    """

    slot: NDArray[np.int64]
    first: int
    waveforms: bool
    records: dict[str, TileRecord] = field(default_factory=dict)

    def open(self, tile: Tile, conversions: int) -> TileRecord:
        """Make the record of a tile."""
        record = make_record(
            tile.arrays,
            self.slot,
            first=self.first,
            conversions=conversions,
            waveforms=self.waveforms,
        )
        self.records[tile.name] = record
        return record


class ChipLayer(ABC):
    """A layer on the chip.

    Attributes
    ----------
    name : str
        Name of the layer.
    tiles : tuple of Tile
        Its tiles.
    units : tuple of Unit
        Its digital units.
    macs : int
        Multiply-accumulates of the network in one sequence (biases not counted).
    elements : int
        Elements of its output.
    """

    name: str
    tiles: tuple[Tile, ...]
    units: tuple[Unit, ...]
    macs: int
    elements: int

    @abstractmethod
    def schedule(self, program: Program, inputs: Sequence[tuple[int, ...]]) -> list[Needs]:
        """Add a sequence's operations to `program`.

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
    def run(self, signal: Signal, recorder: Recorder) -> LayerResult:
        """Compute a block of sequences."""

    @abstractmethod
    def run_float(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the layer in float64 from its unquantised weights."""


class LayerBuilder(ABC):
    """Builds one kind of layer from its section of the configuration."""

    kind: ClassVar[str]

    @abstractmethod
    def build(self, section: Any, inputs: int, context: BuildContext) -> ChipLayer:
        """Build a layer of `inputs` inputs."""


_REGISTRY: dict[str, type[LayerBuilder]] = {}


def register(cls: type[LayerBuilder]) -> type[LayerBuilder]:
    """Class decorator: make a layer builder known under its ``kind``."""
    _REGISTRY[cls.kind] = cls
    return cls


def build_layer(section: Any, inputs: int, context: BuildContext) -> ChipLayer:
    """Build the layer that a section of the configuration describes."""
    return _REGISTRY[section.kind]().build(section, inputs, context)
