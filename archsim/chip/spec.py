"""What the parts of a chip are built from: no part is handed more of a configuration than this."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from archsim.config.activations import TableActivation
from archsim.config.converter import Converter, ConverterKind
from archsim.config.device import Device
from archsim.config.hardware import Digital, Technology, Tile
from archsim.config.run import Network, RunConfig
from archsim.costs.library import ComponentLibrary


@dataclass(frozen=True)
class TileSpec:
    """What a tile and its converters are built from.

    Attributes
    ----------
    technology : Technology
        Clock and supply.
    device : Device
        Memristors.
    tile : Tile
        Sizes, phases, voltages, integrators, wires.
    adc : Converter
        What converters of every kind have.
    kind : ConverterKind
        Kind of the converters: that of `adc`, or one that only digitises in its place.
    digital : Digital
        Format of the words that take codes in.
    seed : int
        Seed of everything random.
    exact : bool
        Whether devices take and keep exactly what they are programmed to, whatever their model.
    """

    technology: Technology
    device: Device
    tile: Tile
    adc: Converter
    kind: ConverterKind
    digital: Digital
    seed: int
    exact: bool = field(default=False, kw_only=True)

    @property
    def own(self) -> Any:
        """The section of what only converters of this kind have."""
        return getattr(self.adc, self.kind.key)


@dataclass(frozen=True)
class MatrixSpec:
    """What a mapped matrix is built from.

    Attributes
    ----------
    name : str
        Name of the matrix.
    tile : TileSpec
        Its tiles.
    library : ComponentLibrary
        Costs.
    diagonal : bool
        Whether there are memristors only where row and column have the same number; a column block
        then has the rows of its columns' numbers.
    """

    name: str
    tile: TileSpec
    library: ComponentLibrary
    diagonal: bool = False


@dataclass(frozen=True)
class ChipSpec(TileSpec):
    """What a chip is built from; all of its tiles are alike.

    Attributes
    ----------
    network : Network
        Layers and sizes.
    streams : int
        Sequences that are at work at the same time.
    activations : tuple of TableActivation
        Functions that the configuration brings.
    decides : str
        At which timesteps of a sequence the largest output is found: ``last``, ``all``, ``never``.
    """

    network: Network
    streams: int
    activations: tuple[TableActivation, ...]
    decides: str


def chip_spec(config: RunConfig) -> ChipSpec:
    """Return what a run's chip is built from."""
    return ChipSpec(
        technology=config.technology,
        device=config.device,
        tile=config.tile,
        adc=config.adc,
        kind=config.adc.of_kind,
        digital=config.digital,
        seed=config.seed,
        network=config.network,
        streams=config.streams,
        activations=config.activations,
        decides=config.task.decides,
    )
