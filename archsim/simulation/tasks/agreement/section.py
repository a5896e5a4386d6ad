"""What the float64 network answers, in a configuration: ``task.kind: agreement``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from archsim.config.tasks import TASKS, Answered, Dataset, TaskSection, at_end
from archsim.metrics import Metric, area_under_curve, ratio_of
from archsim.simulation.tasks.targets import check_every_timestep

if TYPE_CHECKING:
    from archsim.config.run import Network
    from archsim.workloads.sequences import Sequences


@TASKS.register
class Agreement(TaskSection):
    """The same decisions as the float64 network's: for data that nobody has labelled."""

    kind: Literal["agreement"] = Field(description="task kind")
    timesteps: Literal["last", "all"] = Field("last", description="when there is a decision")
    threshold: float | None = Field(
        None,
        description="a decision is whether the only output is above it; where not given, it is "
        "the largest output",
    )

    @property
    def metrics(self) -> tuple[str, ...]:
        """The share of equal decisions, and how far outputs are apart.

        With a threshold also the share among decisions that the float64 network makes above it and
        among those below, and how well the chip's output tells these two apart at any threshold.
        """
        usual = ("agreement", "mean_square_difference")
        if self.threshold is None:
            return usual
        return (*usual, "agreement_above", "agreement_below", "area_under_curve")

    @property
    def needs_target(self) -> bool:
        """Nobody says what is right."""
        return False

    @property
    def decides(self) -> Literal["last", "all", "never"]:
        """A threshold needs no largest output."""
        return self.timesteps if self.threshold is None else "never"

    @property
    def dataset(self) -> Dataset:
        """A decision is a whole number."""
        dims = ("sequence",) if self.timesteps == "last" else ("sequence", "timestep")
        return Dataset("decision", dims, "decision of the chip", "right decision")

    def check(self, data: Sequences, source: str, network: Network) -> None:
        """Check that there is an output when there is a decision."""
        del data
        if self.timesteps == "all":
            check_every_timestep(network)
        outputs = network.layers[-1].elements
        if self.threshold is not None and outputs != 1:
            from archsim.errors import WorkloadError

            msg = (
                f"{source}: task.threshold is for one output, but layer "
                f"'{network.layers[-1].name}' has {outputs}: take task.threshold away"
            )
            raise WorkloadError(msg)

    def answer(self, outputs: NDArray[Any], length: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return decisions (sequences,), or (sequences, timesteps) with -1 behind the ends."""
        values = at_end(outputs, length) if self.timesteps == "last" else outputs
        if self.threshold is None:
            decision = values.argmax(axis=-1)
        else:
            decision = (values[..., 0] > self.threshold).astype(np.int64)
        if self.timesteps == "last":
            return np.asarray(decision)
        return np.where(np.arange(decision.shape[1]) < length[:, None], decision, -1)

    def marks(
        self, outputs: NDArray[Any], answer: NDArray[Any], data: Sequences
    ) -> NDArray[np.float64]:
        """Return the outputs that decisions are made from (sequences, timesteps * outputs)."""
        del answer
        values = at_end(outputs, data.length)[:, None] if self.timesteps == "last" else outputs
        steps = np.arange(values.shape[1]) < data.length[:, None]
        return np.where(steps[:, :, None], values, np.nan).reshape(len(data), -1).astype(np.float64)

    def score(self, marks: NDArray[np.float64]) -> dict[str, Metric]:
        """Return nothing: outputs alone are neither right nor wrong."""
        del marks
        return {}

    def compared(self, found: Answered, reference: Answered) -> dict[str, Metric]:
        """Return the share of equal decisions, and the mean square difference of outputs."""
        mine, there = (each.answer.reshape(len(each.answer), -1) for each in (found, reference))
        made = there >= 0
        equal = ((mine == there) & made).sum(axis=1)
        apart = (found.marks - reference.marks) ** 2
        known = np.isfinite(apart)
        metrics = {
            "agreement": ratio_of(equal, made.sum(axis=1), share=True),
            "mean_square_difference": ratio_of(
                np.where(known, apart, 0).sum(axis=1), known.sum(axis=1)
            ),
        }
        if self.threshold is None:
            return metrics
        for name, decision in (("agreement_above", 1), ("agreement_below", 0)):
            those = there == decision
            agree = ((mine == there) & those).sum(axis=1)
            metrics[name] = ratio_of(agree, those.sum(axis=1), share=True)
        sequence = np.broadcast_to(np.arange(len(there))[:, None], there.shape)
        metrics["area_under_curve"] = area_under_curve(
            found.marks[made], there[made] == 1, sequence[made]
        )
        return metrics
