"""What experiments have in common: their files, their results, their registry.

To add one: a section with a ``kind`` and a `run` function here beside the others, registered with
`experiment`.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from archsim.blas import few_blas_threads
from archsim.config.base import Section
from archsim.config.merge import load_document
from archsim.config.validate import validate_document
from archsim.errors import ConfigError
from archsim.experiments.jobs import Executor
from archsim.listing import listed
from archsim.report.result import Column, ExperimentResult
from archsim.shipped import EXPERIMENTS, by_name

if TYPE_CHECKING:
    pass

Progress = Callable[[int, int], None]


__all__ = [
    "Column",
    "Executor",
    "ExperimentResult",
    "Named",
    "Progress",
    "distinct",
    "experiment",
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


Runner = Callable[[Any, Progress, Executor], ExperimentResult]

_REGISTRY: dict[str, tuple[type[Section], Runner]] = {}


def experiment(kind: str, section: type[Section]) -> Callable[[Runner], Runner]:
    """Decorate a function that runs experiments of a kind, described by a section."""

    def register(runner: Runner) -> Runner:
        _REGISTRY[kind] = (section, runner)
        return runner

    return register


def load_experiment(path: str | Path) -> Section:
    """Read an experiment's file.

    Raises
    ------
    ConfigError
        If it is not valid, or its kind is not known.
    """
    path = by_name(path, EXPERIMENTS)
    document = load_document(path)
    kind = document.data.get("kind")
    if not isinstance(kind, str) or kind not in _REGISTRY:
        near = get_close_matches(str(kind), _REGISTRY, n=1)
        hint = f" (did you mean '{near[0]}'?)" if near else ""
        known = listed(sorted(_REGISTRY))
        msg = f"{path}: kind: '{kind}' is not one of {known}{hint}"
        if kind is None:
            msg = f"{path}: the key 'kind' is missing; write one of {known}"
        raise ConfigError(msg)
    return validate_document(document, _REGISTRY[kind][0])


@few_blas_threads()
def run_experiment(
    section: Any, progress: Progress, executor: Executor | None = None
) -> ExperimentResult:
    """Run an experiment.

    Parameters
    ----------
    section : Section
        The experiment.
    progress : callable
        Called with the number of steps done and the number in all.
    executor : Executor, optional
        Does its jobs; one by one in this process, and none kept, where not given.
    """
    return _REGISTRY[section.kind][1](section, progress, executor or Executor())
