"""An imported network in float64: what it computes, to hold readers against its own framework."""

from __future__ import annotations

import numpy as np

from archsim.config.run import INPUT_BUFFER
from archsim.errors import NetworkError
from archsim.network.importers.base import Array, ImportedNetwork, Lengths, Timesteps


def run_imported(network: ImportedNetwork, x: Array, lengths: Lengths | None = None) -> Array:
    """Run a network.

    Parameters
    ----------
    network : ImportedNetwork
        The network.
    x : float64 (sequences, timesteps, inputs)
        Inputs; indices (sequences, timesteps) too where its first layer is an embedding.
    lengths : int64 (sequences,), optional
        Timesteps of each sequence; all of `x` where not given.

    Returns
    -------
    float64 (sequences, timesteps, elements) or (sequences, elements)
        Its outputs at every timestep, or at one.

    Raises
    ------
    NetworkError
        If the inputs do not fit it.
    """
    x = np.asarray(x, dtype=np.float64)
    x = x[:, :, None] if x.ndim == 2 and network.inputs == 1 else x
    if x.ndim != 3 or x.shape[2] != network.inputs or not x.shape[1]:
        needed = f"(sequences, timesteps, {network.inputs})"
        msg = f"inputs have shape {x.shape} where {needed} is needed"
        raise NetworkError(msg)
    ends = np.full(x.shape[0], x.shape[1]) if lengths is None else np.asarray(lengths)
    if ends.shape != (x.shape[0],) or ends.min() < 1 or ends.max() > x.shape[1]:
        msg = f"lengths have to be {x.shape[0]} numbers from 1 to {x.shape[1]}"
        raise NetworkError(msg)
    found = {INPUT_BUFFER: x}
    for layer, sources in zip(network.layers, network.sources, strict=True):
        taken = [_taken(network, found, name, layer.timesteps, ends) for name in sources]
        found[layer.name] = layer.run(taken, ends)
    taken = [_taken(network, found, name, network.timesteps, ends) for name in network.ends]
    return np.concatenate(taken, axis=-1)


def _taken(
    network: ImportedNetwork,
    found: dict[str, Array],
    name: str,
    timesteps: Timesteps,
    lengths: Lengths,
) -> Array:
    """Return the output of a layer at the timesteps that another one takes."""
    out = found[name]
    if timesteps is Timesteps.ALL or out.ndim == 2:
        return out
    if timesteps is Timesteps.FINAL and not network.by_name[name].final_is_last():
        return np.asarray(out[:, 0])
    return np.asarray(out[np.arange(out.shape[0]), lengths - 1])
