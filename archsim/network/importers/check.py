"""What every imported network has to be, whoever read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from archsim.config.run import INPUT_BUFFER
from archsim.errors import NetworkError
from archsim.listing import listed, shortened
from archsim.network.importers.base import (
    MOST_LAYERS,
    MOST_NUMBERS,
    ImportedLayer,
    ImportedNetwork,
    Timesteps,
)
from archsim.network.importers.recurrent import Recurrent

LARGEST = 1e30
"""Largest magnitude of a weight; products stay finite below."""


def checked(network: ImportedNetwork) -> ImportedNetwork:
    """Return a network after it was checked, without layers that nothing takes in.

    Raises
    ------
    NetworkError
        If it has no layer, none that is recurrent, or too many; if names repeat or stand for no
        layer above, tensors do not fit each other, hold what is not finite or are too many, or
        times do not fit.
    """
    try:
        if not network.layers:
            raise NetworkError("it has no layer that is known: give a recurrent network")
        if len(network.layers) > MOST_LAYERS:
            raise NetworkError(f"it has more than {MOST_LAYERS:,} layers, which no chip here takes")
        _check_names(network)
        network = _without_unread(network)
        _check_numbers(network)
        widths_of(network)
        timed_of(network)
        if not any(isinstance(layer, Recurrent) for layer in network.layers):
            raise NetworkError("it has no recurrent layer, and networks here have one")
    except NetworkError as error:
        raise NetworkError(f"{network.source}: {error}") from error
    return network


def widths_of(network: ImportedNetwork) -> dict[str, int]:
    """Return how many elements each layer hands on, the input buffer among them.

    Raises
    ------
    NetworkError
        If tensors do not fit.
    """
    widths = {INPUT_BUFFER: network.inputs}
    for layer, sources in zip(network.layers, network.sources, strict=True):
        widths[layer.name] = layer.elements(tuple(widths[name] for name in sources))
    return widths


def timed_of(network: ImportedNetwork) -> dict[str, bool]:
    """Return which layers hand something on at every timestep, the others once a sequence.

    Raises
    ------
    NetworkError
        If a layer takes in both, or takes a sequence where there is none.
    """
    timed = {INPUT_BUFFER: True}
    ends = (network.ends, network.timesteps, None)
    steps = [
        (sources, layer.timesteps, layer)
        for layer, sources in zip(network.layers, network.sources, strict=True)
    ]
    for sources, timesteps, layer in (*steps, ends):
        have = {timed[name] for name in sources}
        who = f"layer '{shortened(layer.name)}'" if layer is not None else "the output"
        if len(have) > 1:
            raise NetworkError(
                f"{who} takes in {listed(sources)} side by side, some at every timestep and some "
                "at one: take all at the same timesteps"
            )
        everywhere = have == {True}
        if isinstance(layer, Recurrent) and not everywhere:
            raise NetworkError(f"{who} is recurrent and takes in one timestep, no sequence")
        if timesteps is Timesteps.FINAL:
            _check_final(network, sources, who)
        if layer is not None:
            timed[layer.name] = everywhere and timesteps is Timesteps.ALL
    return timed


def _check_final(network: ImportedNetwork, sources: Iterable[str], who: str) -> None:
    """Refuse the final output of what does not go through time."""
    by_name = network.by_name
    for name in sources:
        if not isinstance(by_name.get(name), Recurrent):
            raise NetworkError(f"{who} takes the final output of '{name}', which is not recurrent")


def _check_names(network: ImportedNetwork) -> None:
    above = {INPUT_BUFFER}
    for layer, sources in zip(network.layers, network.sources, strict=True):
        if layer.name in above:
            raise NetworkError(f"two layers are called '{shortened(layer.name)}'")
        _check_known(sources, above, f"layer '{shortened(layer.name)}'")
        above.add(layer.name)
    _check_known(network.ends, above - {INPUT_BUFFER}, "the output")


def _check_known(sources: Iterable[str], above: set[str], who: str) -> None:
    for name in sources:
        if name not in above:
            raise NetworkError(
                f"{who} takes in '{shortened(name)}', which is no layer above it: a circle, or one "
                "that is missing"
            )


def _without_unread(network: ImportedNetwork) -> ImportedNetwork:
    """Leave out layers whose outputs go nowhere, such as a second head."""
    wanted = set(network.ends)
    kept: list[ImportedLayer] = []
    for layer, sources in zip(reversed(network.layers), reversed(network.sources), strict=True):
        if layer.name in wanted:
            wanted.update(sources)
            kept.append(layer if layer.inputs else replace(layer, inputs=sources))
    left = [layer.name for layer in network.layers if layer.name not in wanted]
    if not left:
        return network
    notes = network.notes
    told = f"{listed(left)}: nothing that the output depends on takes it in"
    return replace(
        network,
        layers=tuple(reversed(kept)),
        outputs=network.ends,
        notes=replace(notes, left_out=(*notes.left_out, told)),
    )


def _check_numbers(network: ImportedNetwork) -> None:
    numbers = 0
    for layer in network.layers:
        for name, array in layer.tensors():
            numbers += array.size
            if not array.size:
                raise layer.wrong(f"has an empty tensor {name}")
            if not np.isfinite(array).all():
                raise layer.wrong(f"has a number in {name} that is not finite; train it again")
            if float(np.abs(array).max()) > LARGEST:
                raise layer.wrong(
                    f"has {float(np.abs(array).max()):g} in {name}, which cannot be a weight"
                )
    if numbers > MOST_NUMBERS:
        raise NetworkError(f"it has {numbers:,} weights, more than 1 GiB in float64")
