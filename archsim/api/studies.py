"""Many runs: experiments, and the simulator's own speed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsim.api.runs import Source, load

if TYPE_CHECKING:
    from archsim.bench.growth import Point
    from archsim.bench.peers.against import Against
    from archsim.bench.sections import Bench, Watch
    from archsim.experiments.base import Progress
    from archsim.experiments.jobs import Executor, Store
    from archsim.experiments.sweep import SweepResult
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


def sweep(
    config: Source,
    /,
    over: Mapping[str, Sequence[Any]],
    *,
    seeds: int | Sequence[int] | None = None,
    workers: int = 1,
    store: Store | str | Path | None = None,
    progress: Progress | None = None,
) -> SweepResult:
    """Run a configuration at every combination of some values.

    Parameters
    ----------
    config : str, Path, mapping or Config
        As of `load`.
    over : mapping of str to sequence
        The values of each key, such as ``{"adc.bits": [3, 4], "tile.v_read": ["100 mV"]}``.
    seeds : int or sequence of int, optional
        How many chips of each, seeds 0, 1, ...; or their seeds; that of the configuration by
        default.
    workers : int, optional
        Processes; results are the same with any number.
    store : Store or Path, optional
        Where results are kept and found again.
    progress : callable, optional
        Called with the number of runs done and the number in all.

    Returns
    -------
    SweepResult
        A point for each combination; one that fails has its reason and stops no other.

    Raises
    ------
    InputError
        If there is nothing to sweep over, or the configuration itself is wrong.

    Examples
    --------
    >>> few = archsim.load("kws", set={"workload.sequences": 24})
    >>> found = archsim.sweep(few, {"adc.bits": [3, 5]})
    >>> [row["adc.bits"] for row in found.rows]
    [3, 5]
    """
    from archsim.experiments.sweep import sweep as run_sweep

    return run_sweep(
        load(config), over, seeds=seeds, workers=workers, store=store, progress=progress
    )


def values_from_text(texts: Iterable[str]) -> dict[str, list[Any]]:
    """Return the values of keys from texts such as ``adc.bits=3,4,5``.

    Raises
    ------
    ConfigError
        If a text cannot be read, or a key is given twice.
    """
    from archsim.experiments.sweep import values_from_text as read

    return read(texts)


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

    Examples
    --------
    >>> archsim.measure_speed(only=["start"])  # doctest: +SKIP
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

    Returns
    -------
    Against
        Times of both, s.

    Raises
    ------
    InputError
        If it is none of them, or not installed.

    Examples
    --------
    >>> archsim.measure_against("ngspice")  # doctest: +SKIP
    """
    from archsim.bench.peers.against import measure_against as measured

    return measured(peer, progress or (lambda _done, _of: None))


def measure_growth(progress: Progress | None = None) -> list[Point]:
    """Measure how time and memory grow with sizes, timesteps, sequences and tiles.

    Parameters
    ----------
    progress : callable, optional
        Called with the steps done and in all.

    Returns
    -------
    list of Point
        Time, s, and memory, bytes, of each size.

    Examples
    --------
    >>> archsim.measure_growth()  # doctest: +SKIP
    """
    from archsim.bench.growth import growth

    return growth(progress or (lambda _done, _of: None))
