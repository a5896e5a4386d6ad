"""What came of jobs, and where it is kept: a folder, a file a job."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archsim.errors import ArchsimError, InputError, OutputError
from archsim.experiments.work import Work
from archsim.listing import listed

SCHEMA = "archsim-job/1"

MOST_REASONS = 5
"""Reasons that one error names."""


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Attributes
    ----------
    job : Work
        The job.
    data : Any
        What it found; None where it failed.
    reason : str
        Why it failed, empty where it did not.
    kept : bool
        Whether it was in the store and not done again.
    wrong_input : bool
        Whether it failed for a fault of its input, such as a network that does not fit the chip.
    """

    job: Work
    data: Any = None
    reason: str = ""
    kept: bool = False
    wrong_input: bool = False

    def result(self) -> Any:
        """Return what it found.

        Raises
        ------
        ArchsimError
            If the job failed, with its name and the reason; an `InputError` where its input is
            wrong.
        """
        if self.reason:
            name = f"{self.job.label}: " if self.job.label else ""
            raise (InputError if self.wrong_input else ArchsimError)(f"{name}{self.reason}")
        return self.data


class Store:
    """A folder of results, a file a job.

    Parameters
    ----------
    folder : Path
        The folder; made when the first result is kept.

    Examples
    --------
    >>> def energy(result, trace):
    ...     return result.summary.energy_j  # J
    >>> few = {"workload.sequences": 12, "trace.level": "off"}
    >>> job = archsim.Job(archsim.load("kws", set=few), energy)
    >>> store = archsim.Store(Path("results"))
    >>> store.get(job) is None
    True
    >>> (outcome,) = archsim.Executor(store=store).map([job])
    >>> store.get(job).data == outcome.data
    True
    >>> store.put(outcome)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, job: Work) -> Outcome | None:
        """Return what a job found before; None where that is not known, or its file is damaged.

        Parameters
        ----------
        job : Work
            The job.
        """
        try:
            found = json.loads(self._path(job).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(found, dict) or found.get("schema") != SCHEMA or "data" not in found:
            return None
        return Outcome(job, found["data"], kept=True)

    def put(self, outcome: Outcome) -> None:
        """Keep what a job found; that a job failed is written down beside it.

        Parameters
        ----------
        outcome : Outcome
            What came of it.

        Raises
        ------
        OutputError
            If the folder cannot be written, or what was found is no plain data.
        """
        path, job = self._path(outcome.job), outcome.job
        failed = path.with_suffix(".failed.json")
        found = {"reason": outcome.reason} if outcome.reason else {"data": outcome.data}
        if outcome.reason:
            path = failed
        try:
            text = json.dumps({"schema": SCHEMA, "label": job.label, **job.about, **found})
        except (TypeError, ValueError) as error:
            msg = (
                f"{job.name}: what it found cannot be kept ({error}): return "
                "numbers, text, and lists and mappings of these"
            )
            raise OutputError(msg) from error
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
            if not outcome.reason:
                failed.unlink(missing_ok=True)
        except OSError as error:
            reason = error.strerror or str(error)
            msg = f"{self.folder}: results cannot be kept ({reason}): choose another --store"
            raise OutputError(msg) from error

    def _path(self, job: Work) -> Path:
        return self.folder / f"{job.id}.json"


def failure(failed: Sequence[Outcome], of: int, store: Store | None) -> ArchsimError:
    """Return an error that says which jobs failed, those with the same reason together.

    Parameters
    ----------
    failed : sequence of Outcome
        What came of those that failed.
    of : int
        How many there were in all.
    store : Store, optional
        Where what the others found is kept.
    """
    by_reason: dict[str, list[str]] = {}
    for outcome in failed:
        by_reason.setdefault(outcome.reason, []).append(outcome.job.name)
    said = [f"{listed(names)}: {reason}" for reason, names in by_reason.items()]
    more = len(said) - MOST_REASONS
    told = "; ".join([*said[:MOST_REASONS], *([f"and {more} more reasons"] if more > 0 else [])])
    if of > 1:
        others = f", the others are kept in {store.folder}" if store and len(failed) < of else ""
        told = f"{len(failed)} of {of} failed{others}: {told}"
    return (InputError if all(each.wrong_input for each in failed) else ArchsimError)(told)
