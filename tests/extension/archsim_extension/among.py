"""A task of this package: whether the right class is among the largest outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from archsim.config.tasks import Dataset, TaskSection, at_end
from archsim.metrics import Metric, share_of

if TYPE_CHECKING:
    from archsim.config.run import Network
    from archsim.workloads.sequences import Sequences


class Among(TaskSection):
    """One class a sequence, right where it is among the largest outputs of the last timestep."""

    kind: Literal["among"] = Field(description="task kind")
    most: int = Field(2, ge=1, description="how many outputs count")

    @property
    def metrics(self) -> tuple[str, ...]:
        """The share of sequences whose class is among them."""
        return ("among_largest",)

    @property
    def dataset(self) -> Dataset:
        """In the trace stands the largest alone."""
        return Dataset("label", ("sequence",), "class that the chip found", "right class")

    def check(self, data: Sequences, source: str, network: Network) -> None:
        """Any classes will do."""

    def answer(self, outputs: NDArray[Any], length: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the largest output's class (sequences,)."""
        return np.asarray(at_end(outputs, length).argmax(axis=1))

    def marks(
        self, outputs: NDArray[Any], answer: NDArray[Any], data: Sequences
    ) -> NDArray[np.float64]:
        """Return 1 for each sequence whose class is among the largest (sequences, 1)."""
        order = np.argsort(-at_end(outputs, data.length), axis=1)[:, : self.most]
        return np.any(order == data.right[:, None], axis=1)[:, None].astype(np.float64)

    def score(self, marks: NDArray[np.float64]) -> dict[str, Metric]:
        """Return their share, with its interval."""
        return {"among_largest": share_of(int(marks.sum()), len(marks))}
