"""Random sequences: for time and energy of networks whose data or weights are not at hand."""

from __future__ import annotations

import numpy as np

from archsim.config.run import RunConfig
from archsim.workloads.features import FeatureSet


def random_sequences(config: RunConfig, count: int) -> FeatureSet:
    """Return `count` sequences of uniform inputs in -1 .. 1; their labels mean nothing."""
    network = config.network
    rng = np.random.default_rng([config.seed, count])
    shape = (count, network.timesteps, network.inputs)
    return FeatureSet(
        features=rng.uniform(-1.0, 1.0, shape).astype(np.float32),
        labels=np.zeros(count, dtype=np.int64),
        classes=tuple(f"class {index}" for index in range(network.layers[-1].units)),
        names=tuple(f"random {index}" for index in range(count)),
        synthetic=True,
        description="uniform random inputs",
    )
