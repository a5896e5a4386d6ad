"""Runs as jobs: each done once, side by side, and kept on disk by what it depends on.

A job's id is a digest of its configuration with the contents of the files that it names, of what is
read from the run, and of archsim's own code. A `Store` keeps what was read; a job that is in it is
not run again. One that fails is told with its reason and stops no other.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from types import CodeType
from typing import Any

import archsim
from archsim.blas import few_blas_threads
from archsim.config.load import Config
from archsim.config.run import TraceLevel
from archsim.errors import ArchsimError, OutputError
from archsim.simulation.inputs import Inputs
from archsim.simulation.simulate import RunResult, run

SCHEMA = "archsim-job/1"

Read = Callable[[RunResult, Path], Any]
"""What is read from a run and its trace: plain data, as JSON has it.

Several workers need a function that stands in a module, not in a notebook.
"""

Progress = Callable[[int, int], None]


def _silent(done: int, of: int) -> None:
    del done, of


@dataclass(frozen=True)
class Job:
    """A run, and what is wanted of it.

    Attributes
    ----------
    config : Config
        What is run.
    read : callable
        Gets the run and the path of its trace, which is gone after that (and never was there at
        ``trace.level`` off); returns plain data.
    label : str
        What it is called in messages.
    """

    config: Config
    read: Read
    label: str = ""

    @property
    def id(self) -> str:
        """SHA-256 of all that its result depends on."""
        digest = hashlib.sha256(f"{self.config.hash} {_own_code()} ".encode())
        _note_function(digest, getattr(self.read, "__code__", None))
        closed = [cell.cell_contents for cell in getattr(self.read, "__closure__", None) or ()]
        digest.update(repr((closed, getattr(self.read, "__defaults__", None))).encode())
        digest.update(f"{self.read.__module__}.{self.read.__qualname__}".encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Attributes
    ----------
    job : Job
        The job.
    data : Any
        What was read; None where it failed.
    reason : str
        Why it failed, empty where it did not.
    kept : bool
        Whether it was in the store and not run again.
    """

    job: Job
    data: Any = None
    reason: str = ""
    kept: bool = False

    def result(self) -> Any:
        """Return what was read.

        Raises
        ------
        ArchsimError
            If the job failed, with its name and the reason.
        """
        if self.reason:
            name = f"{self.job.label}: " if self.job.label else ""
            raise ArchsimError(f"{name}{self.reason}")
        return self.data


class Store:
    """A folder of results, a file a job.

    Parameters
    ----------
    folder : Path
        The folder; made when the first result is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, job: Job) -> Outcome | None:
        """Return what a job found before; None where that is not known, or its file is damaged."""
        try:
            found = json.loads(self._path(job).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(found, dict) or found.get("schema") != SCHEMA or "data" not in found:
            return None
        return Outcome(job, found["data"], kept=True)

    def put(self, outcome: Outcome) -> None:
        """Keep what a job found; that a job failed is written down beside it.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        """
        path = self._path(outcome.job)
        failed = path.with_suffix(".failed.json")
        if outcome.reason:
            path = failed
        content = {
            "schema": SCHEMA,
            "label": outcome.job.label,
            "config_hash": outcome.job.config.hash,
            **({"reason": outcome.reason} if outcome.reason else {"data": outcome.data}),
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            draft.write_text(json.dumps(content), encoding="utf-8")
            draft.replace(path)
            if not outcome.reason:
                failed.unlink(missing_ok=True)
        except OSError as error:
            reason = error.strerror or str(error)
            msg = f"{self.folder}: results cannot be kept ({reason}): choose another --store"
            raise OutputError(msg) from error

    def _path(self, job: Job) -> Path:
        return self.folder / f"{job.id}.json"


@dataclass
class Executor:
    """Does jobs: in this process, or in several beside each other.

    Attributes
    ----------
    workers : int
        Processes; each computes with one thread, and all use one cache of kernels.
    store : Store, optional
        Where results are kept and found again.
    asked, computed : int
        Jobs that were asked for, and those that were run, for all calls together.
    """

    workers: int = 1
    store: Store | None = None
    asked: int = field(default=0, init=False)
    computed: int = field(default=0, init=False)

    def map(self, jobs: Iterable[Job], progress: Progress = _silent) -> list[Outcome]:
        """Do jobs; return what came of each, in their order.

        Results are kept as they come, so that an interrupt loses none of them.
        """
        wanted = list(jobs)
        self.asked += len(wanted)
        found: dict[str, Outcome] = {}
        ids = [job.id for job in wanted]
        for name, job in zip(ids, wanted, strict=True):
            kept = self.store.get(job) if self.store and name not in found else None
            if kept is not None:
                found[name] = kept
        todo = {name: job for name, job in zip(ids, wanted, strict=True) if name not in found}
        if found:
            progress(sum(name in found for name in ids), len(ids))
        for name, outcome in self._do(todo):
            self.computed += 1
            if self.store:
                self.store.put(outcome)
            found[name] = outcome
            progress(sum(each in found for each in ids), len(ids))
        return [
            Outcome(job, found[name].data, found[name].reason, found[name].kept)
            for name, job in zip(ids, wanted, strict=True)
        ]

    def _do(self, jobs: dict[str, Job]) -> Iterator[tuple[str, Outcome]]:
        if self.workers == 1 or len(jobs) < 2:
            inputs = Inputs()
            for name, job in jobs.items():
                yield name, _outcome(job, inputs)
            return
        first, *rest = jobs.items()
        # The first one compiles what all need, and the others find it in the cache.
        yield first[0], _outcome(first[1], Inputs())
        yield from self._side_by_side(rest)

    def _side_by_side(self, jobs: Sequence[tuple[str, Job]]) -> Iterator[tuple[str, Outcome]]:
        workers = min(self.workers, len(jobs))
        pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin)
        left = iter(jobs)
        running: dict[Future[tuple[Any, str]], tuple[str, Job]] = {}
        try:
            while True:
                for name, job in left:
                    running[pool.submit(_in_worker, job)] = name, job
                    if len(running) >= 2 * workers:
                        break
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    name, job = running.pop(future)
                    data, reason = future.result()
                    yield name, Outcome(job, data, reason)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_INPUTS = Inputs()


def _begin() -> None:
    """Leave Ctrl-C to the process that hands jobs out: a job that is at work ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _in_worker(job: Job) -> tuple[Any, str]:
    """Do a job in a process of its own; files that jobs share are read once a process."""
    outcome = _outcome(job, _INPUTS)
    return outcome.data, outcome.reason


@few_blas_threads()
def _outcome(job: Job, inputs: Inputs) -> Outcome:
    """Run a job and read what is wanted of it."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trace.h5"
            off = job.config.trace.level is TraceLevel.OFF
            result = run(job.config, None if off else path, inputs=inputs)
            return Outcome(job, job.read(result, path))
    except ArchsimError as error:
        return Outcome(job, reason=str(error))
    except MemoryError:
        return Outcome(job, reason="not enough memory: use fewer workers, or fewer sequences")


def _note_function(digest: Any, code: Any) -> None:
    """Add what a function does to a digest, wherever it stands; other functions by their names."""
    if not isinstance(code, CodeType):
        digest.update(repr(code).encode())
        return
    digest.update(repr((code.co_code, code.co_names, code.co_varnames)).encode())
    for constant in code.co_consts:
        _note_function(digest, constant)


@cache
def _own_code() -> str:
    """Return a digest of archsim's own code: other code may find other results."""
    digest = hashlib.sha256()
    root = Path(archsim.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
