"""Sequences that go into a network, and what is right for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Sequences:
    """What a workload gives a run.

    Attributes
    ----------
    inputs : float32 (sequences, timesteps, inputs)
        What goes into the network.
    target : array (sequences, ...)
        What is right: whatever the run's task scores answers by. Of classes, their indices.
    classes : tuple of str
        Names of the classes, in the order of the network's outputs; empty where there are none.
    names : tuple of str
        Where each sequence is from.
    synthetic : bool
        Whether a program made them.
    description : str
        Free text.
    """

    inputs: NDArray[np.float32]
    target: NDArray[Any]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    synthetic: bool
    description: str

    def __len__(self) -> int:
        return len(self.inputs)

    def as_sequences(self) -> Sequences:
        """Return itself; other forms of data have this method too."""
        return self
