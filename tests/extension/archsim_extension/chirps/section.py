"""Chirps in a configuration: ``workload.kind: chirps``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from archsim.config.sections import WorkloadSection

if TYPE_CHECKING:
    from archsim.config.run import Network
    from archsim.workloads.features import FeatureSet


class Chirps(WorkloadSection):
    """Tones that rise or fall, one of as many channels as the network has inputs at a time."""

    kind: Literal["chirps"] = Field(description="workload kind")
    sequences: int = Field(10, ge=1, le=100_000, description="how many sequences to run")

    def load(self, network: Network, seed: int) -> FeatureSet:
        """Make the sequences."""
        from archsim.workloads.base import check_fit
        from archsim.workloads.features import FeatureSet

        rng = np.random.default_rng([seed, self.sequences])
        label = rng.integers(0, 2, self.sequences)
        channel = np.linspace(0, network.inputs - 1, network.timesteps).round().astype(int)
        x = rng.uniform(-0.1, 0.1, (self.sequences, network.timesteps, network.inputs))
        for place, falls in enumerate(label):
            x[place, np.arange(network.timesteps), channel[::-1] if falls else channel] += 0.8
        data = FeatureSet(
            features=x.astype(np.float32),
            labels=label.astype(np.int64),
            classes=("rises", "falls"),
            names=tuple(f"chirp {number}" for number in range(self.sequences)),
            synthetic=True,
            description="chirps",
        )
        check_fit(data, "workload", network)
        return data

    def in_words(self, count: int) -> str:
        """Say what it is."""
        return f"{count:,} chirps"
