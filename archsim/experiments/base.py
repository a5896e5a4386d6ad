"""What experiments have in common: their files, their results, and how they are run.

To add one: a section with a ``kind`` and a `run` method here beside the others, registered with
`EXPERIMENTS` (`archsim.config.experiment`); or in a package of one's own, with an entry point.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeVar

from archsim import shipped
from archsim.blas import few_blas_threads
from archsim.config.experiment import EXPERIMENTS, ExperimentSection
from archsim.config.merge import load_document
from archsim.config.validate import validate_document
from archsim.errors import ArchsimError, ConfigError, DesignError
from archsim.experiments.jobs import Executor, Job, Progress
from archsim.experiments.work import Calculation
from archsim.listing import listed
from archsim.report.result import Column, ExperimentResult
from archsim.shipped import by_name

__all__ = [
    "EXPERIMENTS",
    "Calculation",
    "Column",
    "Executor",
    "ExperimentResult",
    "ExperimentSection",
    "Job",
    "Named",
    "Progress",
    "distinct",
    "load_experiment",
    "run_experiment",
]


class Named(Protocol):
    """What a table's rows are called by."""

    @property
    def name(self) -> str:
        """The name."""
        ...


N = TypeVar("N", bound=Named)


def distinct(items: tuple[N, ...]) -> tuple[N, ...]:
    """Return items whose names differ; rows of a table are told apart by them.

    Raises
    ------
    ValueError
        If two have the same name.
    """
    names = [item.name for item in items]
    for name in names:
        if names.count(name) > 1:
            msg = f"two are called '{name}': give each its own name"
            raise ValueError(msg)
    return items


def load_experiment(path: str | Path) -> ExperimentSection:
    """Read an experiment's file.

    Raises
    ------
    ConfigError
        If it is not valid, or its kind is not known.
    """
    path = by_name(path, shipped.EXPERIMENTS)
    document = load_document(path)
    kind, at = document.data.get("kind"), document.origin(("kind",))
    if kind is None:
        known = listed(EXPERIMENTS.names())
        msg = f"{path}: the key 'kind' is missing; write one of {known}"
        raise ConfigError(msg)
    try:
        section = EXPERIMENTS.get(str(kind))
    except DesignError as error:
        raise at.error(f"kind: {error}") from error
    return validate_document(document, section)


@few_blas_threads()
def run_experiment(
    section: ExperimentSection, progress: Progress, executor: Executor | None = None
) -> ExperimentResult:
    """Run an experiment.

    Parameters
    ----------
    section : ExperimentSection
        The experiment.
    progress : callable
        Called with the number of jobs done and the number in all.
    executor : Executor, optional
        Does its jobs; one by one in this process, and none kept, where not given.

    Raises
    ------
    ArchsimError
        If a job failed; says which and why.
    """
    result = section.run(progress, executor or Executor())
    if not isinstance(result, ExperimentResult):  # of a package
        msg = f"an experiment of kind '{section.kind}' returned a {type(result).__name__}"
        raise ArchsimError(f"{msg}: make run return an archsim.report.result.ExperimentResult")
    return result
