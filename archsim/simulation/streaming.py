"""A chip that takes in sequences chunk by chunk, and keeps its state between them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from archsim.chip.build import build_chip
from archsim.chip.flow import flow
from archsim.chip.layers.signal import Recorder, Signal
from archsim.config.load import Config
from archsim.errors import ConfigError, WorkloadError
from archsim.kernels.recurrent import State
from archsim.simulation.prepare import in_file, shown_name
from archsim.simulation.recording.layout import last_outputs


class Stream:
    """Sequences whose timesteps come in chunk by chunk, as from a microphone.

    What layers hold goes on from chunk to chunk: outputs are the same bits as those of a run over
    the whole sequences, noise included. Made by `archsim.stream`.

    Attributes
    ----------
    config : Config
        The chip and its network.
    sequences : int
        Sequences that come in side by side.
    timesteps : int
        Timesteps of each that have come in so far.

    Examples
    --------
    >>> stream = archsim.stream("kws", set={"network.layers.1.timesteps": "all"})
    >>> stream.feed(np.zeros((10, 40))).shape
    (10, 12)
    >>> stream.feed(np.zeros((3, 40))).shape, stream.timesteps
    ((3, 12), 13)
    >>> stream.reset()
    """

    def __init__(self, config: Config, *, sequences: int = 1) -> None:
        if sequences < 1:
            msg = f"sequences: {sequences} is not at least 1"
            raise WorkloadError(msg)
        for number, layer in enumerate(config.config.network.layers):
            if getattr(layer, "direction", "forward") != "forward":
                msg = (
                    f"{shown_name(config)}: network.layers.{number}: '{layer.name}' begins at the "
                    "last timestep, which a stream does not have: run whole sequences"
                )
                raise ConfigError(msg)
        self.config = config
        self.sequences = sequences
        with in_file(config):
            self._chip = build_chip(config.config)
        self.reset()

    def reset(self) -> None:
        """Begin new sequences."""
        self.timesteps = 0
        self._states: dict[str, State | None] = {}
        self._conversions: dict[str, int] = {}

    def feed(self, x: ArrayLike) -> NDArray[np.float64]:
        """Take in the next timesteps.

        Parameters
        ----------
        x : array_like of float (timesteps, inputs), or (sequences, timesteps, inputs)
            At least one timestep; with one sequence, its axis may be left out.

        Returns
        -------
        float64 (timesteps, elements), or (sequences, timesteps, elements)
            What the last layer gives, of the timesteps at which it works: of one that works at the
            last timestep, that of the chunk.

        Raises
        ------
        WorkloadError
            If the chunk has another shape, or numbers that are not finite.
        """
        given = np.asarray(x, dtype=np.float32)
        chunk = given[None] if given.ndim == 2 and self.sequences == 1 else given
        inputs = self.config.config.network.inputs
        wanted = (self.sequences, inputs)
        if chunk.ndim != 3 or (chunk.shape[0], chunk.shape[2]) != wanted or not chunk.shape[1]:
            sides = f"({self.sequences}, timesteps, {inputs})"
            msg = f"a chunk of shape {given.shape} where {sides} is needed"
            raise WorkloadError(msg)
        if not np.isfinite(chunk).all():
            msg = "a chunk has numbers that are not finite"
            raise WorkloadError(msg)
        outputs: dict[str, Any] = {}

        def run(number: int, taken: Signal) -> Signal:
            layer = self._chip.layers[number]
            nowhere = np.full(self.sequences, -1, dtype=np.int64)
            done = self._conversions.get(layer.name, 0)
            recorder = Recorder(nowhere, 0, waveforms=False, begins=done)
            result = layer.run(taken, recorder, self._states.get(layer.name))
            self._states[layer.name] = result.state
            self._conversions[layer.name] = done + result.signal.drive.shape[1]
            outputs.update(last=result.outputs)
            return result.signal

        flow(self.config.config.network, self._chip.encode(chunk), run, Signal.side_by_side)
        self.timesteps += chunk.shape[1]
        found = np.asarray(last_outputs(outputs["last"]), dtype=np.float64)
        return found[0] if chunk is not given else found
