"""What flows from layer to layer: each takes in what its section names, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from archsim.chip.layers.base import ChipLayer
from archsim.chip.program import Needs
from archsim.config.run import INPUT_BUFFER, Network

T = TypeVar("T")


def flow(
    network: Network,
    first: T,
    step: Callable[[int, T], T],
    join: Callable[[Sequence[T]], T],
) -> T:
    """Take something through a network's layers in their order; return what the last one gives.

    Parameters
    ----------
    network : Network
        Its layers, each of which names what it takes in.
    first : T
        What the input buffer gives.
    step : callable
        What a layer, by its number, makes of what it takes in.
    join : callable
        Puts side by side what a layer takes in from one source or several.
    """
    given = {INPUT_BUFFER: first}
    out = first
    for number, (layer, sources) in enumerate(zip(network.layers, network.sources, strict=True)):
        out = given[layer.name] = step(number, join([given[name] for name in sources]))
    return out


def join_arrays(arrays: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return arrays (..., elements) side by side."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=-1)


def join_needs(needs: Sequence[Sequence[Needs]]) -> Sequence[Needs]:
    """Return for each timestep the operations that produce what several sources give."""
    if len(needs) == 1:
        return needs[0]
    return [tuple(chain(*each)) for each in zip(*needs, strict=True)]


def float_outputs(
    network: Network,
    layers: Sequence[ChipLayer],
    x: NDArray[np.float64],
    length: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Return what the float64 network answers.

    Parameters
    ----------
    network : Network
        Which layer takes what.
    layers : sequence of ChipLayer
        The same layers on a chip.
    x : float64 (sequences, timesteps, inputs)
        What goes in.
    length : int64 (sequences,), optional
        Timesteps of each sequence; all by default.

    Returns
    -------
    float64 (sequences, timesteps at which the last layer works, its elements)
    """

    def run(number: int, taken: NDArray[np.float64]) -> NDArray[np.float64]:
        return layers[number].run_float(taken, length)

    return flow(network, x, run, join_arrays)
