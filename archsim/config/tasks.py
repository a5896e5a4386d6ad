"""What a run answers and how it is scored: the section of a configuration, and its kinds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
class Dataset:
    """How a task's answers stand in a trace.

    Attributes
    ----------
    name : str
        Name of the dataset.
    dims : tuple of str
        Its axes: ``sequence``, or ``sequence`` and ``timestep``.
    text, right : str
        What an answer is, and what a right one is.
    """

    name: str
    dims: tuple[str, ...]
    text: str
    right: str


@dataclass(frozen=True)
class Answered:
    """What a network answers, the chip's or the float64 one.

    Attributes
    ----------
    answer : array (sequences, ...)
        The answers.
    marks : float64 (sequences, marks)
        What counts of each sequence.
    """

    answer: NDArray[Any]
    marks: NDArray[np.float64]


class TaskSection(Section, ABC):
    """What a run answers and how that is scored; a kind subclasses it and registers with `TASKS`.

    Outputs are scored sequence by sequence: `marks` says what counts of each, such as how many
    steps are right and how many there are, and `score` makes metrics of the marks of all.

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
    def needs_target(self) -> bool:
        """Whether it is scored by what the workload says is right."""
        return True

    @property
    def decides(self) -> Literal["last", "all", "never"]:
        """At which timesteps the chip finds the largest output, for which it has a unit."""
        return "last"

    @property
    def dataset(self) -> Dataset | None:
        """How its answers stand in a trace; None where the outputs are the answers."""
        return None

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
    def answer(self, outputs: NDArray[Any], length: NDArray[np.int64]) -> NDArray[Any]:
        """Return what outputs answer.

        Parameters
        ----------
        outputs : float (sequences, timesteps, elements)
            What the last layer gives, of the timesteps at which it works; of the chip or of the
            float64 network; what lies behind a sequence's end means nothing.
        length : int64 (sequences,)
            Timesteps of each sequence.

        Returns
        -------
        array (sequences, ...)
            The answers.
        """

    @abstractmethod
    def marks(self, outputs: NDArray[Any], answer: NDArray[Any], data: Any) -> NDArray[np.float64]:
        """Return what counts of each sequence.

        Parameters
        ----------
        outputs : float (sequences, timesteps, elements)
            As of `answer`.
        answer : array (sequences, ...)
            What `answer` returned.
        data : archsim.workloads.sequences.Sequences
            The same sequences, with what is right.

        Returns
        -------
        float64 (sequences, marks)
            As many marks for each sequence of every run.
        """

    @abstractmethod
    def score(self, marks: NDArray[np.float64]) -> Mapping[str, Metric]:
        """Return how good answers are, by the names of `metrics`.

        Parameters
        ----------
        marks : float64 (sequences, marks)
            Those of all sequences.
        """

    def compared(self, found: Answered, reference: Answered) -> dict[str, Metric]:
        """Return how good the chip's answers are, beside those of the float64 network."""
        mine, there = self.score(found.marks), self.score(reference.marks)
        return {name: mine[name].beside(there[name].value) for name in self.metrics}

    def answered(self, outputs: NDArray[Any], data: Any) -> Answered:
        """Return what outputs answer, with the marks.

        Parameters
        ----------
        outputs : float (sequences, timesteps, elements)
            As of `answer`.
        data : archsim.workloads.sequences.Sequences
            The same sequences.
        """
        answer = self.answer(outputs, data.length)
        scored = data.target is not None or not self.needs_target
        marks = self.marks(outputs, answer, data) if scored else np.zeros((len(answer), 0))
        return Answered(answer, marks)


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


def at_end(outputs: NDArray[Any], length: NDArray[np.int64]) -> NDArray[Any]:
    """Return what a network gives at the last timestep of each sequence (sequences, elements).

    Parameters
    ----------
    outputs, length
        As of `TaskSection.answer`.
    """
    last = np.minimum(length, outputs.shape[1]) - 1  # a layer may work at the last timestep alone
    return np.asarray(outputs[np.arange(length.size), last])


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
    whole = np.full(1, outputs.shape[1], dtype=np.int64)
    one = task.answer(np.zeros((1, *outputs.shape[1:]), dtype=outputs.dtype), whole)
    return np.zeros((sequences, *one.shape[1:]), dtype=one.dtype)
