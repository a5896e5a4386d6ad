"""The symbol that comes next, in a configuration: ``task.kind: next_symbol``."""

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
class NextSymbol(TaskSection):
    """The symbol that comes next, at every timestep; targets are these symbols."""

    kind: Literal["next_symbol"] = Field(description="task kind")

    @property
    def metrics(self) -> tuple[str, ...]:
        """Bits a symbol, as language models are compared by, and the share of right symbols."""
        return ("bits_per_symbol", "accuracy")

    @property
    def decides(self) -> Literal["all"]:
        """There is an answer at every timestep."""
        return "all"

    @property
    def dataset(self) -> Dataset:
        """A symbol is a whole number, counted from 0."""
        text = "symbol that the chip finds most likely"
        return Dataset("symbol", ("sequence", "timestep"), text, "symbol that came")

    def check(self, data: Sequences, source: str, network: Network) -> None:
        """Check that there is a next symbol and an answer at every timestep."""
        check_every_timestep(network)
        check_classes(data, source, network)
        check_target(data, source, ("sequences", "timesteps"), whole=True, network=network)

    def answer(self, outputs: NDArray[Any], length: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the most likely symbol (sequences, timesteps), -1 behind a sequence's end."""
        symbol = outputs.argmax(axis=2)
        return np.where(np.arange(symbol.shape[1]) < length[:, None], symbol, -1)

    def marks(
        self, outputs: NDArray[Any], answer: NDArray[Any], data: Sequences
    ) -> NDArray[np.float64]:
        """Return bits, right symbols, and of how many.

        Bits are ``-log2`` of the probability that a softmax of the outputs gives what came.
        """
        z = outputs.astype(np.float64)
        z -= z.max(axis=2, keepdims=True)
        came = np.clip(data.right, 0, z.shape[2] - 1)[:, :, None]  # any, behind the ends
        of_came = np.take_along_axis(z, came, axis=2)[:, :, 0]
        bits = (np.log(np.exp(z).sum(axis=2)) - of_came) / np.log(2.0)
        right = sums(answer == data.right, data)
        return np.stack([sums(bits, data), right, data.length], axis=1)

    def score(self, marks: NDArray[np.float64]) -> dict[str, Metric]:
        """Return bits a symbol and the share of right ones."""
        bits, right, of = marks.T
        return {"bits_per_symbol": ratio_of(bits, of), "accuracy": ratio_of(right, of, share=True)}
