"""One class a sequence, in a configuration: ``task.kind: classification``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from archsim.config.tasks import TASKS, Dataset, TaskSection, at_end
from archsim.metrics import Metric, share_of
from archsim.simulation.tasks.targets import check_classes, check_target

if TYPE_CHECKING:
    from archsim.config.run import Network
    from archsim.workloads.sequences import Sequences

ACCURACY = "accuracy"


@TASKS.register
class Classification(TaskSection):
    """One class a sequence: the largest output of its last timestep."""

    kind: Literal["classification"] = Field(description="task kind")

    @property
    def metrics(self) -> tuple[str, ...]:
        """The share of right classes."""
        return (ACCURACY,)

    @property
    def dataset(self) -> Dataset:
        """A class is a whole number, counted from 0."""
        return Dataset("label", ("sequence",), "class that the chip found", "right class")

    def check(self, data: Sequences, source: str, network: Network) -> None:
        """Check that the last layer has an output for every class."""
        check_classes(data, source, network)
        check_target(data, source, ("sequences",), whole=True, network=network)

    def answer(self, outputs: NDArray[Any], length: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the class of each sequence (sequences,)."""
        label: NDArray[np.int64] = at_end(outputs, length).argmax(axis=1)
        return label

    def marks(
        self, outputs: NDArray[Any], answer: NDArray[Any], data: Sequences
    ) -> NDArray[np.float64]:
        """Return 1 for each right class."""
        del outputs
        return np.asarray(answer == data.right, dtype=np.float64)[:, None]

    def score(self, marks: NDArray[np.float64]) -> dict[str, Metric]:
        """Return the accuracy: the share of sequences whose class is the right one."""
        return {ACCURACY: share_of(int(marks.sum()), len(marks))}
