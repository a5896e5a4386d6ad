"""Sequences that come in chunk by chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archsim.api.runs import Changes, Source, load

if TYPE_CHECKING:
    from archsim.simulation.streaming import Stream


def stream(config: Source, /, *, sequences: int = 1, set: Changes | None = None) -> Stream:
    """Build a configuration's chip, for sequences that come in chunk by chunk.

    Parameters
    ----------
    config, set
        As of `load`. Its workload is not read.
    sequences : int
        Sequences that come in side by side.

    Returns
    -------
    Stream
        Whose `feed` takes in timesteps and returns what the last layer gives.

    Raises
    ------
    ConfigError, WorkloadError
        If a layer goes backward through time, or as `build_chip`.

    Examples
    --------
    >>> listening = archsim.stream("kws", set={"network.layers.1.timesteps": "all"})
    >>> listening.feed(np.zeros((10, 40))).argmax(axis=1).shape
    (10,)
    """
    from archsim.simulation.streaming import Stream

    return Stream(load(config, set=set), sequences=sequences)
