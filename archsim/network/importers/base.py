"""A network as a reader finds it: layers with their weights, named, in float64.

This is what stands between a file and a chip. Every reader gives it, the float reference
(`archsim.network.importers.reference`) runs it, and the writer
(`archsim.network.importers.writer`) makes a configuration and canonical weights of it. Gates are in
PyTorch's order, matrices have a row for each output.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from archsim.config.run import INPUT_BUFFER
from archsim.errors import NetworkError
from archsim.listing import shortened

Array = NDArray[np.float64]
Lengths = NDArray[np.int64]

MOST_LAYERS = 1000
MOST_NUMBERS = 1 << 27
"""Numbers of all tensors together: 1 GiB in float64."""


class Timesteps(StrEnum):
    """At which timesteps a layer takes its inputs."""

    ALL = "all"
    LAST = "last"
    """At the last timestep of a sequence, whichever way a layer before it runs."""
    FINAL = "final"
    """After each layer before it is through: the first timestep of one that runs backward."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ImportedLayer(ABC):
    """A layer.

    Attributes
    ----------
    name : str
        Its name, as its file has it or made from that.
    inputs : tuple of str, optional
        Layers above it whose outputs it takes, side by side; ``input_buffer`` is the network's
        input; None for the layer before.
    timesteps : Timesteps
        When it takes them.
    """

    name: str
    inputs: tuple[str, ...] | None = None
    timesteps: Timesteps = Timesteps.ALL

    @abstractmethod
    def elements(self, widths: tuple[int, ...]) -> int:
        """Return how many elements it hands on.

        Parameters
        ----------
        widths : tuple of int
            Elements of each of its inputs.

        Raises
        ------
        NetworkError
            If its tensors do not fit them, or each other.
        """

    @abstractmethod
    def run(self, taken: Sequence[Array], lengths: Lengths) -> Array:
        """Return what it computes, in float64.

        Parameters
        ----------
        taken : sequence of float64 (sequences, timesteps, elements) or (sequences, elements)
            Outputs of the layers that it takes in.
        lengths : int64 (sequences,)
            Timesteps of each sequence.
        """

    def keys(self) -> dict[str, object]:
        """Return its keys of a configuration, without kind, name, inputs and timesteps."""
        return {}

    def final_is_last(self) -> bool:
        """Return whether what it computes last is at the last timestep."""
        return True

    def tensors(self) -> Iterator[tuple[str, Array]]:
        """Yield its tensors by the names that PyTorch gives them."""
        yield from ()

    @property
    @abstractmethod
    def kind(self) -> str:
        """What it is called in a configuration."""

    def wrong(self, what: str) -> NetworkError:
        """Return the error that says what is wrong with it."""
        return NetworkError(f"layer '{shortened(self.name)}' {what}")

    def check_shape(self, tensor: str, array: Array | None, shape: tuple[int, ...]) -> None:
        """Raise NetworkError if there is a tensor and it has another shape."""
        if array is not None and array.shape != shape:
            raise self.wrong(f"has {tensor} of shape {array.shape} where {shape} is needed")


@dataclass(frozen=True)
class Notes:
    """What a reader tells of a file.

    Attributes
    ----------
    found : tuple of str
        What is in it.
    mapped : tuple of str
        What was made into something else that computes the same.
    assumed : tuple of str
        What the file does not say, and what was taken.
    left_out : tuple of str
        What was not taken, and why that changes nothing.
    """

    found: tuple[str, ...] = ()
    mapped: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ImportedNetwork:
    """A network that was read.

    Attributes
    ----------
    inputs : int
        Elements of a timestep's input; 1 where it is the index into an embedding.
    layers : tuple of ImportedLayer
        Layers, each below those that it takes in.
    source : str
        Where it came from.
    outputs : tuple of str, optional
        Layers whose outputs are the network's, side by side; None for the last.
    timesteps : Timesteps
        When they are taken.
    length : int, optional
        Timesteps of a sequence, where the file says.
    sort : str
        What sort of file it came from.
    notes : Notes
        What a reader tells of it.
    """

    inputs: int
    layers: tuple[ImportedLayer, ...]
    source: str
    outputs: tuple[str, ...] | None = None
    timesteps: Timesteps = Timesteps.ALL
    length: int | None = None
    sort: str = ""
    notes: Notes = field(default_factory=Notes)

    @property
    def sources(self) -> tuple[tuple[str, ...], ...]:
        """What each layer takes in."""
        before = (INPUT_BUFFER, *(layer.name for layer in self.layers))
        return tuple(
            layer.inputs or (last,) for layer, last in zip(self.layers, before, strict=False)
        )

    @property
    def ends(self) -> tuple[str, ...]:
        """Layers whose outputs are the network's."""
        return self.outputs or (self.layers[-1].name,)

    @property
    def by_name(self) -> dict[str, ImportedLayer]:
        """Layers by name."""
        return {layer.name: layer for layer in self.layers}
