"""Experiments: what their sections have in common, and where their kinds are found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from archsim.config.base import Section
from archsim.config.kinds import Kinds
from archsim.config.sections import kind_of, unfinished


class ExperimentSection(Section, ABC):
    """An experiment's file; a kind subclasses it and registers with `EXPERIMENTS`."""

    kind: str

    @abstractmethod
    def run(self, progress: Any, executor: Any) -> Any:
        """Do the experiment.

        Parameters
        ----------
        progress : callable
            Called with the number of jobs done and the number in all.
        executor : archsim.experiments.jobs.Executor
            Does its jobs, side by side and each once.

        Returns
        -------
        archsim.report.result.ExperimentResult
            Rows, what their columns are, and a figure.

        Raises
        ------
        ArchsimError
            If a job failed; says which and why.
        """


EXPERIMENTS: Kinds[ExperimentSection] = Kinds(
    "experiment kind",
    "archsim.experiments",
    ExperimentSection,
    shipped="archsim.experiments",
    part="",
    name_of=kind_of,
    article="an",
    check=unfinished,
)
"""All kinds of experiments."""
