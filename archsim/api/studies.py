"""Many runs: experiments, and the simulator's own speed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archsim.bench.growth import Point
    from archsim.bench.peers.against import Against
    from archsim.bench.sections import Bench, Watch
    from archsim.experiments.base import Progress
    from archsim.experiments.jobs import Executor
    from archsim.report.result import ExperimentResult


def experiment(
    file: str | Path, /, *, executor: Executor | None = None, progress: Progress | None = None
) -> ExperimentResult:
    """Run an experiment: a figure or a table from one file.

    Parameters
    ----------
    file : str or Path
        The experiment's file, or the name of one that comes with archsim.
    executor : Executor, optional
        Does its runs, side by side and kept; one by one in this process, and none kept, by default.
    progress : callable, optional
        Called with the steps done and in all.

    Returns
    -------
    ExperimentResult
        Rows, and what draws its figure.

    Raises
    ------
    ConfigError, WorkloadError
        If the file, or one that it names, is wrong.

    Examples
    --------
    >>> archsim.experiment("fig1c").rows[0]["processors"] >= 1
    True
    """
    from archsim.experiments import load_experiment, run_experiment

    return run_experiment(load_experiment(file), progress or (lambda _done, _of: None), executor)


def executor(workers: int = 1, store: str | Path | None = None) -> Executor:
    """Return what does jobs, in several processes, and keeps their results.

    Parameters
    ----------
    workers : int
        Processes.
    store : str or Path, optional
        Folder of results, which are found there again.

    Raises
    ------
    OutputError
        If the store cannot be used.
    """
    from archsim.experiments.jobs import Executor, Store

    return Executor(workers, Store(Path(store)) if store else None)


def measure_speed(
    networks: Iterable[str | Path] = (),
    /,
    *,
    only: Iterable[str] = (),
    watch: Watch | None = None,
) -> Bench:
    """Measure the simulator's speed and hold it against its aims.

    Parameters
    ----------
    networks : iterable of str or Path
        Configurations; the two networks of the article by default.
    only : iterable of str
        Sections: speed, recording, noise, limits, file, start; all by default.
    watch : callable, optional
        Given what is measured and what it is counted in, returns a context manager of what is
        called with the steps done and in all.

    Returns
    -------
    Bench
        Times (s) and ratios, with their aims.

    Raises
    ------
    InputError
        If there is no such section.
    """
    from archsim.bench.sections import NETWORKS, measure, sections_of
    from archsim.experiments.side_by_side import unwatched

    paths = [Path(network) for network in networks]
    return measure(paths or NETWORKS, sections_of(tuple(only)), watch or unwatched)


def measure_against(peer: str, /, progress: Progress | None = None) -> Against:
    """Measure another simulator beside this one, on the same products.

    Parameters
    ----------
    peer : str
        verilator, ngspice, crosssim or aihwkit; it has to be installed.
    progress : callable, optional
        Called with the cases done and in all.

    Raises
    ------
    InputError
        If it is none of them, or not installed.
    """
    from archsim.bench.peers.against import measure_against as measured

    return measured(peer, progress or (lambda _done, _of: None))


def measure_growth(progress: Progress | None = None) -> list[Point]:
    """Measure how time and memory grow with sizes, timesteps, sequences and tiles.

    Parameters
    ----------
    progress : callable, optional
        Called with the steps done and in all.
    """
    from archsim.bench.growth import growth

    return growth(progress or (lambda _done, _of: None))
