"""Jobs: each done once, side by side, and kept on disk by what it depends on.

A job is a run and what is read from it (`Job`), or a function's answer to some arguments
(`archsim.experiments.work.Calculation`). A `Store` keeps what jobs found; one that is in it is not
done again. One that fails is told with its reason and stops no other.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

from archsim.blas import few_blas_threads
from archsim.config.load import Config
from archsim.config.run import TraceLevel
from archsim.errors import DEBUG_VARIABLE, ArchsimError, InputError
from archsim.experiments.store import Outcome, Store, failure
from archsim.experiments.work import Work, digest_of
from archsim.listing import listed
from archsim.simulation.inputs import Inputs
from archsim.simulation.simulate import RunResult, run

__all__ = ["Executor", "Job", "Outcome", "Progress", "Read", "Store", "outcome_of"]

Read = Callable[[RunResult, Path], Any]
"""What is read from a run and its trace: plain data, as JSON has it.

Several workers need a function that stands in a module, not in a notebook.
"""

Progress = Callable[[int, int], None]


def _silent(done: int, of: int) -> None:
    del done, of


@dataclass(frozen=True)
class Job(Work):
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

    Examples
    --------
    >>> from archsim.simulation.inputs import Inputs
    >>> def accuracy(result, trace):
    ...     return result.summary.accuracy
    >>> few = {"workload.sequences": 12, "trace.level": "off"}
    >>> job = archsim.Job(archsim.load("kws", set=few), accuracy, "twelve words")
    >>> 0 <= job.do(Inputs()) <= 1
    True
    """

    config: Config
    read: Read
    label: str = ""

    @cached_property
    def id(self) -> str:
        """SHA-256 of all that its result depends on."""
        return digest_of(self.read, self.config.hash)

    @property
    def about(self) -> dict[str, str]:
        """The configuration's hash."""
        return {"config_hash": self.config.hash}

    def do(self, inputs: Inputs) -> Any:
        """Run it and read what is wanted of it.

        Parameters
        ----------
        inputs : Inputs
            Files that jobs share.

        Returns
        -------
        Any
            What was read, plain data.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trace.h5"
            off = self.config.trace.level is TraceLevel.OFF
            return self.read(run(self.config, None if off else path, inputs=inputs), path)


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
        Jobs that were asked for, and those that were done, for all calls together.

    Examples
    --------
    >>> def energy(result, trace):
    ...     return result.summary.energy_j  # J
    >>> few = {"workload.sequences": 12, "trace.level": "off"}
    >>> configs = [archsim.load("kws", set={**few, "adc.bits": bits}) for bits in (4, 5)]
    >>> jobs = [archsim.Job(config, energy) for config in configs]
    >>> executor = archsim.Executor()
    >>> four, five = executor.results(jobs)
    >>> four < five, executor.computed
    (True, 2)
    >>> [outcome.reason for outcome in executor.map(jobs[:1])]
    ['']
    """

    workers: int = 1
    store: Store | None = None
    asked: int = field(default=0, init=False)
    computed: int = field(default=0, init=False)

    def map(self, jobs: Iterable[Work], progress: Progress = _silent) -> list[Outcome]:
        """Do jobs; return what came of each, in their order.

        Results are kept as they come, so that an interrupt loses none of them: jobs that are at
        work end, and are kept too. A second interrupt ends them at once.

        Parameters
        ----------
        jobs : iterable of Work
            The jobs; equal ones are done once.
        progress : callable
            Called with the jobs done and in all.

        Returns
        -------
        list of Outcome
            What came of each.
        """
        wanted = list(jobs)
        times = Counter(job.id for job in wanted)
        self.asked += len(wanted)
        found: dict[str, Outcome] = {}
        todo: dict[str, Work] = {}
        for job in wanted:
            if job.id not in found and job.id not in todo:
                kept = self.store.get(job) if self.store else None
                if kept is None:
                    todo[job.id] = job
                else:
                    found[job.id] = kept
        done = sum(times[name] for name in found)
        if done:
            progress(done, len(wanted))
        with closing(self._do([*todo.values()])) as outcomes:
            for outcome in outcomes:
                found[outcome.job.id] = outcome
                done += times[outcome.job.id]
                progress(done, len(wanted))
        return [
            Outcome(job, came.data, came.reason, came.kept, came.wrong_input)
            for job, came in ((job, found[job.id]) for job in wanted)
        ]

    def results(self, jobs: Iterable[Work], progress: Progress = _silent) -> list[Any]:
        """Do jobs; return what each found, in their order.

        Parameters
        ----------
        jobs, progress
            As of `map`.

        Returns
        -------
        list
            What was read of each.

        Raises
        ------
        ArchsimError
            If some failed, when all others are done; says which and why. An `InputError` where the
            input of each is wrong.
        """
        outcomes = self.map(jobs, progress)
        failed = [outcome for outcome in outcomes if outcome.reason]
        if failed:
            raise failure(failed, len(outcomes), self.store)
        return [outcome.data for outcome in outcomes]

    def _do(self, jobs: Sequence[Work]) -> Generator[Outcome, None, None]:
        if self.workers == 1 or len(jobs) < 2:
            inputs = Inputs()
            for job in jobs:
                yield self._take(outcome_of(job, inputs))
            return
        first, *rest = jobs
        # The first one compiles what all need, and the others find it in the cache.
        yield self._take(outcome_of(first, Inputs()))
        yield from self._side_by_side(rest)

    def _take(self, outcome: Outcome) -> Outcome:
        """Count an outcome and keep it."""
        self.computed += 1
        if self.store:
            self.store.put(outcome)
        return outcome

    def _side_by_side(self, jobs: Sequence[Work]) -> Generator[Outcome, None, None]:
        running: dict[Future[_Found], Work] = {}
        left = iter(jobs)
        try:
            with _pool(min(self.workers, len(jobs))) as (pool, most):
                while True:
                    for job in left:
                        with _without_interrupts():  # processes start here, and inherit it
                            running[pool.submit(_in_worker, job)] = job
                        if len(running) >= most:
                            break
                    if not running:
                        return
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        outcome = self._take(_came(running[future], future))
                        del running[future]
                        yield outcome
        except BrokenProcessPool as error:
            names = listed(job.name for job in running.values())
            msg = (
                f"a process that did one of {names} was ended from outside, as happens where "
                "memory runs out: use fewer workers"
            )
            raise ArchsimError(msg) from error
        finally:
            for future, job in running.items():
                if future.done() and not future.cancelled() and future.exception() is None:
                    self._take(_came(job, future))


@contextmanager
def _pool(workers: int) -> Iterator[tuple[ProcessPoolExecutor, int]]:
    """Yield processes and how many jobs to hand them; none of them, nor a file, is left behind."""
    before = set(active_children())
    with tempfile.TemporaryDirectory() as folder:
        pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin, (folder,))
        try:
            yield pool, 2 * workers
        finally:
            try:
                pool.shutdown(wait=True, cancel_futures=True)
            except KeyboardInterrupt:
                for process in set(active_children()) - before:
                    process.terminate()
                raise


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back until the end; processes that start meanwhile never get it."""
    came: list[int] = []
    only_here = threading.current_thread() is threading.main_thread()  # others get no interrupt
    handler = signal.getsignal(signal.SIGINT) if only_here else None
    if handler is not None:
        signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    block = getattr(signal, "pthread_sigmask", lambda *_: None)  # Windows has none
    mask = block(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        block(signal.SIG_SETMASK, mask)
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)


_INPUTS = Inputs()

_Found = tuple[Any, str, bool]
"""Data, reason and whether the input is wrong, of an `Outcome`: its job need not come back."""


def _begin(folder: str) -> None:
    """Leave Ctrl-C to the process that hands jobs out; write traces where it clears them away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = folder


def _in_worker(job: Work) -> _Found:
    """Do a job in a process of its own; files that jobs share are read once a process."""
    outcome = outcome_of(job, _INPUTS)
    return outcome.data, outcome.reason, outcome.wrong_input


def _came(job: Work, future: Future[_Found]) -> Outcome:
    """Return what came of a job in another process; what cannot get there or back has failed."""
    try:
        data, reason, wrong_input = future.result()
    except BrokenProcessPool:
        raise
    except Exception as error:
        return _unforeseen(job, error)
    return Outcome(job, data, reason, wrong_input=wrong_input)


@few_blas_threads()
def outcome_of(job: Work, inputs: Inputs) -> Outcome:
    """Do a job; return what it found, or why it failed."""
    try:
        return Outcome(job, job.do(inputs))
    except ArchsimError as error:
        return Outcome(job, reason=str(error), wrong_input=isinstance(error, InputError))
    except MemoryError:
        return Outcome(job, reason="not enough memory: use fewer workers, or fewer sequences")
    except Exception as error:  # whatever a function that reads runs, or a plug-in, raises
        return _unforeseen(job, error)


def _unforeseen(job: Work, error: Exception) -> Outcome:
    """Return a failure by an error that nobody raised on purpose: what it says, and from where."""
    if os.environ.get(DEBUG_VARIABLE):
        raise error
    where = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {' '.join(str(error).split())}"
    hint = f"{where.filename}:{where.lineno}; {DEBUG_VARIABLE}=1 shows the traceback"
    return Outcome(job, reason=f"{what} ({hint})")
