"""Random sequences in a configuration: ``workload.kind: synthetic``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from archsim.config.sections import WORKLOADS, WorkloadSection

if TYPE_CHECKING:
    from archsim.config.run import Network
    from archsim.workloads.sequences import Sequences


@WORKLOADS.register
class Synthetic(WorkloadSection):
    """Random sequences without labels: for time and energy, where accuracy does not matter."""

    kind: Literal["synthetic"] = Field(description="workload kind")
    sequences: int = Field(1, ge=1, le=1_000_000, description="how many sequences to run")

    def load(self, network: Network, seed: int) -> Sequences:
        """Draw the sequences."""
        from archsim.workloads.synthetic.sequences import random_sequences

        return random_sequences(network, seed, self.sequences)

    @property
    def has_labels(self) -> bool:
        """Whether accuracy means something, which it does not."""
        return False

    def in_words(self, count: int) -> str:
        """Say that they are random."""
        return f"{count:,} sequence{'' if count == 1 else 's'} of random numbers"
