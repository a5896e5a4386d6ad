"""Configurations, runs, and the traces that they leave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.config.load import Config, is_config, load_config
from archsim.errors import ArchsimError
from archsim.trace.summary import Summary

if TYPE_CHECKING:
    from archsim.chip.build import Chip
    from archsim.costs.operation import ActionCounts
    from archsim.simulation.observer import Observer, Progress
    from archsim.trace.trace import Trace
    from archsim.workloads.sequences import Sequences

Source = str | Path | Mapping[str, Any] | Config
"""A configuration: a path, the name of one that comes with archsim, a mapping, or one at hand."""

Changes = Mapping[str, Any] | Iterable[str]
"""Values of single keys; texts such as ``adc.bits=4`` where they come from a command line."""


def load(config: Source, /, *, set: Changes | None = None) -> Config:
    """Load and check a configuration.

    Parameters
    ----------
    config : str, Path, mapping or Config
        A file; the name of a configuration that comes with archsim (``archsim list``); what would
        stand in a file, as plain data with quantities as text (``"200 mV"``), paths relative to the
        working folder; or a configuration at hand.
    set : mapping, or iterable of str, optional
        Values of single keys, such as ``{"adc.bits": 4, "tile.v_read": "150 mV"}``; None takes a
        key away. Of a file or a name also as texts, ``["adc.bits=4"]``.

    Returns
    -------
    Config
        The checked configuration.

    Raises
    ------
    ConfigError
        If it cannot be read or is wrong, with file, line and key.

    Examples
    --------
    >>> archsim.load("kws", set={"adc.bits": 4}).adc.bits
    4
    """
    if isinstance(config, Config):
        return config.with_values(set if isinstance(set, Mapping) else {})
    return load_config(config, set or {})


def check(config: Source, /, *, set: Changes | None = None) -> Config:
    """Check a configuration, the files that it names and the chip, without running it.

    Parameters
    ----------
    config, set
        As of `load`.

    Returns
    -------
    Config
        The configuration, which would run.

    Raises
    ------
    ConfigError, WorkloadError
        If it would not.

    Examples
    --------
    >>> archsim.check("kws").name
    'kws'
    """
    from archsim.simulation.prepare import check as check_all

    loaded = load(config, set=set)
    check_all(loaded)
    return loaded


@dataclass(frozen=True)
class Run:
    """A run that has ended: what it found, and the trace that it left.

    Attributes
    ----------
    config : Config
        What was run.
    summary : Summary
        Its numbers: metrics of its answers, energy, latency, area, ...
    answer : array (sequences, ...)
        What the chip answers for each sequence: of a classification its class, int64.
    energy : float64 (sequences, components)
        Energy of each sequence, J.
    components : tuple of str
        Names of the components.
    cycles : int64 (sequences,)
        Clock cycles of the group that each sequence ran in, from its first load to its last answer.
    seconds : dict of str to float
        Where the wall time went, s.

    Examples
    --------
    >>> run = archsim.run("kws", set={"workload.sequences": 12, "trace.level": "off"})
    >>> run.energy.shape == (12, len(run.components))
    True
    """

    config: Config
    summary: Summary
    answer: NDArray[Any]
    energy: NDArray[np.float64]
    components: tuple[str, ...]
    cycles: NDArray[np.int64]
    seconds: dict[str, float]
    _actions: ActionCounts = field(repr=False, compare=False)

    @property
    def latency(self) -> NDArray[np.float64]:
        """Latency of each sequence (sequences,), s."""
        return np.asarray(self.cycles / self.summary.clock_hz)

    @cached_property
    def trace(self) -> Trace:
        """The trace that it left.

        Raises
        ------
        ArchsimError
            If it left none: with ``trace.level`` off.
        """
        if self.summary.trace is None:
            msg = "the run left no trace: trace.level is off"
            raise ArchsimError(msg)
        return open_trace(self.summary.trace)

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """What each layer put out, by its name (`Trace.outputs`).

        Raises
        ------
        ArchsimError
            If it left no trace.
        """
        return {name: self.trace.outputs(name) for name in self.trace.parts["outputs"]}

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each place that clipped so much that answers may be others."""
        from archsim.clipping import worth_telling

        return tuple(item.sentence() for item in worth_telling(self.summary.clipped))

    def write_actions(self, folder: str | Path) -> list[Path]:
        """Write what the chip did, and what each action costs, as Accelergy's tables.

        Parameters
        ----------
        folder : str or Path
            Folder to write to; it is made where it is not there.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        OutputError
            If they cannot be written, or would overwrite something else.

        Examples
        --------
        >>> files = archsim.run("kws", set={"workload.sequences": 2}).write_actions("accelergy")
        """
        from archsim.simulation.recording.actions import write_actions

        return write_actions(Path(folder), self.config.config, self._actions)

    def __str__(self) -> str:
        from archsim.api.reports import report_of

        return str(report_of(self))

    def _repr_html_(self) -> str:
        from archsim.api.reports import report_of

        return report_of(self)._repr_html_()

    def __repr__(self) -> str:
        return f"<Run of {self.summary.name}: {self.summary.sequences} sequences>"


def run(
    config: Source,
    /,
    *,
    set: Changes | None = None,
    data: Sequences | Iterable[Any] | None = None,
    out: str | Path | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    observers: Iterable[Observer] = (),
) -> Run:
    """Simulate a configuration.

    Parameters
    ----------
    config, set
        As of `load`.
    data : Sequences or iterable of arrays (timesteps, inputs), optional
        What goes into the network, in place of the configuration's workload.
    out : str or Path, optional
        Trace to write; ``traces/<name>.h5`` by default. Nothing is written at ``trace.level`` off.
    threads : int, optional
        Threads to compute with; results are the same bits with any number.
    progress : callable, optional
        Called with the number of sequences done and the number in all.
    observers : iterable of Observer, optional
        What else is told when the run begins, after every block of sequences and when it has ended.

    Returns
    -------
    Run
        What it found.

    Raises
    ------
    ConfigError, WorkloadError
        If the configuration, or a file that it names, is wrong.
    OutputError
        If the trace cannot be written.

    Examples
    --------
    >>> run = archsim.run("kws", set={"adc.bits": 4, "workload.sequences": 24})
    >>> run.summary.metrics["accuracy"].value > 0.5
    True
    """
    from archsim.simulation.simulate import run as simulate
    from archsim.workloads.sequences import Sequences

    loaded = load(config, set=set)
    given = data if data is None or isinstance(data, Sequences) else Sequences.of(data)
    found = simulate(
        loaded,
        None if out is None else Path(out),
        data=given,
        progress=progress,
        threads=threads,
        observers=observers,
    )
    return Run(
        loaded,
        found.summary,
        found.answer,
        found.energy,
        found.components,
        found.cycles,
        found.seconds,
        found.actions,
    )


def build_chip(config: Source, /, *, set: Changes | None = None) -> Chip:
    """Build a configuration's chip without running it: tiles, units, areas, the schedule.

    Parameters
    ----------
    config, set
        As of `load`.

    Returns
    -------
    Chip
        The chip.

    Raises
    ------
    ConfigError, WorkloadError
        If the network does not fit the chip, or a file that it names cannot be used.

    Examples
    --------
    >>> archsim.build_chip("kws").operations
    903936
    """
    from archsim.chip.build import build_chip as built
    from archsim.simulation.prepare import in_file

    loaded = load(config, set=set)
    with in_file(loaded):
        return built(loaded.config)


def open_trace(path: str | Path, /) -> Trace:
    """Open the trace of a run.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Trace
        The trace; what it holds is read when it is asked for.

    Raises
    ------
    TraceError
        If it is not a complete trace.

    Examples
    --------
    >>> run = archsim.run("kws", set={"workload.sequences": 2}, out="two.h5")
    >>> archsim.open_trace("two.h5").summary.energy_j == run.summary.energy_j
    True
    """
    from archsim.trace.trace import Trace

    return Trace(path)


def design_of(source: Source | Trace) -> Config | Trace:
    """Return a configuration or a trace, whichever a source is.

    Raises
    ------
    ConfigError, TraceError
        If it is neither.
    """
    from archsim.trace.trace import Trace

    if isinstance(source, Trace):
        return source
    if isinstance(source, str | Path) and not is_config(Path(source)):
        return Trace(source)
    return load(source)


def check_actions_folder(folder: str | Path, config: Config) -> None:
    """Refuse a folder that `Run.write_actions` could not write to, before anything runs.

    Raises
    ------
    OutputError
        If so.
    """
    from archsim.costs.accelergy import check_folder

    check_folder(Path(folder), inputs=config.inputs)


def when_compiling(tell: Callable[[], None]) -> None:
    """Have a function called when kernels are compiled, which takes a while, once a machine."""
    from archsim.numeric.jit import when_compiling as when

    when(tell)
