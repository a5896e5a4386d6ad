"""Random sequences: for time and energy of networks whose data or weights are not at hand."""

from __future__ import annotations

import numpy as np

from archsim.config.run import Network
from archsim.workloads.sequences import Sequences


def random_sequences(network: Network, seed: int, count: int) -> Sequences:
    """Return `count` sequences of uniform inputs; their labels mean nothing.

    Inputs are numbers in -1 .. 1, or indices where the network takes them so.
    """
    rng = np.random.default_rng([seed, count])
    shape = (count, network.timesteps, network.inputs)
    return Sequences(
        inputs=(
            rng.integers(0, network.entries, shape)
            if network.entries
            else rng.uniform(-1.0, 1.0, shape)
        ).astype(np.float32),
        target=np.zeros(count, dtype=np.int64),
        classes=tuple(f"class {index}" for index in range(network.layers[-1].elements)),
        names=tuple(f"random {index}" for index in range(count)),
        synthetic=True,
        description="uniform random inputs",
    )
