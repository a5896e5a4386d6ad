"""Numbers, in a configuration: ``task.kind: regression``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from archsim.config.tasks import TASKS, TaskSection, at_end
from archsim.metrics import Metric, ratio_of
from archsim.simulation.tasks.targets import check_every_timestep, check_target, sums

if TYPE_CHECKING:
    from archsim.config.run import Network
    from archsim.workloads.sequences import Sequences


@TASKS.register
class Regression(TaskSection):
    """Numbers: the outputs themselves, of the last timestep or of every one."""

    kind: Literal["regression"] = Field(description="task kind")
    timesteps: Literal["last", "all"] = Field("last", description="when there is an answer")

    @property
    def metrics(self) -> tuple[str, ...]:
        """Errors, over all numbers."""
        return ("mean_square_error", "mean_absolute_error")

    @property
    def decides(self) -> Literal["never"]:
        """The outputs are the answer."""
        return "never"

    def check(self, data: Sequences, source: str, network: Network) -> None:
        """Check that there is a target for every output."""
        axes: tuple[str, ...] = ("sequences", "outputs")
        if self.timesteps == "all":
            check_every_timestep(network)
            axes = ("sequences", "timesteps", "outputs")
        check_target(data, source, axes, whole=False, network=network)

    def answer(self, outputs: NDArray[Any], length: NDArray[np.int64]) -> NDArray[Any]:
        """Return the outputs (sequences, outputs), or (sequences, timesteps, outputs)."""
        return at_end(outputs, length) if self.timesteps == "last" else np.asarray(outputs)

    def marks(
        self, outputs: NDArray[Any], answer: NDArray[Any], data: Sequences
    ) -> NDArray[np.float64]:
        """Return squares and magnitudes of errors, and of how many numbers."""
        del outputs
        error = answer.astype(np.float64) - data.right
        parts = [(error**2).sum(axis=-1), np.abs(error).sum(axis=-1)]
        count = np.full(len(data), error.shape[-1])
        if self.timesteps == "all":
            parts = [sums(part, data) for part in parts]
            count = count * data.length
        return np.stack([*parts, count], axis=1)

    def score(self, marks: NDArray[np.float64]) -> dict[str, Metric]:
        """Return mean errors."""
        squares, magnitudes, of = marks.T
        return {
            "mean_square_error": ratio_of(squares, of),
            "mean_absolute_error": ratio_of(magnitudes, of),
        }
