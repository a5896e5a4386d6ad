"""What a run answers and how it is scored: the section of a configuration, and its kinds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray

from archsim.config.base import Section
from archsim.config.fields import OneOf
from archsim.config.kinds import Kinds
from archsim.config.sections import kind_of, unfinished
from archsim.metrics import Metric

if TYPE_CHECKING:
    from archsim.config.run import Network


@dataclass(frozen=True)
class Answers:
    """How a task's answers stand in a trace.

    Attributes
    ----------
    name : str
        Name of the dataset.
    text, right : str
        What an answer is, and what a right one is.
    """

    name: str
    text: str
    right: str


class TaskSection(Section, ABC):
    """What a run answers and how that is scored; a kind subclasses it and registers with `TASKS`.

    Attributes
    ----------
    kind : str
        Its name.
    """

    kind: str

    @property
    @abstractmethod
    def metrics(self) -> tuple[str, ...]:
        """Names of what it measures, the main one first."""

    @property
    @abstractmethod
    def answers(self) -> Answers:
        """How its answers stand in a trace."""

    @abstractmethod
    def check(self, data: Any, source: str, network: Network) -> None:
        """Check that a workload has what the task is scored by, and that the network answers it.

        Parameters
        ----------
        data : archsim.workloads.sequences.Sequences
            The workload's sequences.
        source : str
            Where they are from, for messages.
        network : Network
            The network.

        Raises
        ------
        WorkloadError
            If it does not.
        """

    @abstractmethod
    def answer(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return what outputs answer.

        Parameters
        ----------
        outputs : float (sequences, timesteps, elements)
            What the last layer gives, of the timesteps at which it works; of the chip or of the
            float64 network.

        Returns
        -------
        array (sequences, ...)
            The answers.
        """

    @abstractmethod
    def score(self, answer: NDArray[Any], data: Any) -> Mapping[str, Metric]:
        """Return how good answers are, by the names of `metrics`.

        Parameters
        ----------
        answer : array (sequences, ...)
            Answers of `answer`, of all sequences.
        data : archsim.workloads.sequences.Sequences
            The sequences with what is right.
        """

    def compared(
        self, answer: NDArray[Any], reference: NDArray[Any], data: Any
    ) -> dict[str, Metric]:
        """Return how good the chip's answers are, beside those of the float64 network."""
        found, there = self.score(answer, data), self.score(reference, data)
        return {name: found[name].beside(there[name].value) for name in self.metrics}


TASKS: Kinds[TaskSection] = Kinds(
    "task kind",
    "archsim.tasks",
    TaskSection,
    shipped="archsim.simulation.tasks",
    part="section",
    name_of=kind_of,
    check=unfinished,
)
"""All kinds of tasks."""

Task = Annotated[TaskSection, OneOf(TASKS)]


def usual_task() -> TaskSection:
    """Return the task of a run that names none: one class a sequence."""
    return TASKS.get("classification").model_validate({"kind": "classification"})


def empty_answers(task: TaskSection, outputs: NDArray[Any], sequences: int) -> NDArray[Any]:
    """Return room for the answers of all sequences, of the shape and type that a task gives.

    Parameters
    ----------
    task : TaskSection
        The task.
    outputs : float (0, timesteps, elements)
        What the last layer gives, of no sequence.
    sequences : int
        How many there are.
    """
    one = task.answer(np.zeros((1, *outputs.shape[1:]), dtype=outputs.dtype))
    return np.zeros((sequences, *one.shape[1:]), dtype=one.dtype)
