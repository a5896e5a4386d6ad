"""One class a sequence, in a configuration: ``task.kind: classification``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from archsim.config.tasks import TASKS, Answers, TaskSection
from archsim.errors import WorkloadError
from archsim.metrics import Metric, share_of

if TYPE_CHECKING:
    from archsim.config.run import Network
    from archsim.workloads.sequences import Sequences

ACCURACY = "accuracy"


@TASKS.register
class Classification(TaskSection):
    """One class a sequence: the largest output of the last timestep."""

    kind: Literal["classification"] = Field(description="task kind")

    @property
    def metrics(self) -> tuple[str, ...]:
        """The share of right classes."""
        return (ACCURACY,)

    @property
    def answers(self) -> Answers:
        """A class is a whole number, counted from 0."""
        return Answers("label", "class that the chip found", "right class")

    def check(self, data: Sequences, source: str, network: Network) -> None:
        """Check that the last layer has an output for every class."""
        classes = network.layers[-1].elements
        if len(data.classes) != classes:
            msg = (
                f"{source}: it has {len(data.classes)} classes but the last layer, "
                f"'{network.layers[-1].name}', has {classes} units: make them equal"
            )
            raise WorkloadError(msg)

    def answer(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        """Return the class of each sequence (sequences,)."""
        label: NDArray[np.int64] = outputs[:, -1].argmax(axis=1)
        return label

    def score(self, answer: NDArray[Any], data: Sequences) -> dict[str, Metric]:
        """Return the accuracy: the share of sequences whose class is the right one."""
        return {ACCURACY: share_of(int((answer == data.target).sum()), len(data))}
