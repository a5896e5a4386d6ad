"""A label at every timestep, in a configuration: ``task.kind: tagging``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from archsim.config.tasks import TASKS, Dataset, TaskSection
from archsim.metrics import Metric, ratio_of
from archsim.simulation.tasks.targets import check_classes, check_every_timestep, check_target, sums

if TYPE_CHECKING:
    from archsim.config.run import Network
    from archsim.workloads.sequences import Sequences


@TASKS.register
class Tagging(TaskSection):
    """A label at every timestep: the largest output there."""

    kind: Literal["tagging"] = Field(description="task kind")

    @property
    def metrics(self) -> tuple[str, ...]:
        """The share of right labels, of all timesteps."""
        return ("accuracy",)

    @property
    def decides(self) -> Literal["all"]:
        """There is an answer at every timestep."""
        return "all"

    @property
    def dataset(self) -> Dataset:
        """A label is a whole number, counted from 0."""
        return Dataset("label", ("sequence", "timestep"), "label that the chip found", "right one")

    def check(self, data: Sequences, source: str, network: Network) -> None:
        """Check that there is a label and an answer at every timestep."""
        check_every_timestep(network)
        check_classes(data, source, network)
        check_target(data, source, ("sequences", "timesteps"), whole=True, network=network)

    def answer(self, outputs: NDArray[Any], length: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the label of each timestep (sequences, timesteps), -1 behind a sequence's end."""
        label = outputs.argmax(axis=2)
        return np.where(np.arange(label.shape[1]) < length[:, None], label, -1)

    def marks(
        self, outputs: NDArray[Any], answer: NDArray[Any], data: Sequences
    ) -> NDArray[np.float64]:
        """Return how many labels are right, and of how many."""
        del outputs
        return np.stack([sums(answer == data.right, data), data.length], axis=1)

    def score(self, marks: NDArray[np.float64]) -> dict[str, Metric]:
        """Return the share of right labels."""
        return {"accuracy": ratio_of(*marks.T, share=True)}
