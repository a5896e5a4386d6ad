"""archsim from Python: load a configuration, run it, look at what it left.

``import archsim`` offers what is here and imports it when it is used::

    import archsim

    run = archsim.run("kws", set={"adc.bits": 4})
    run.summary.accuracy, run.summary.energy_j
    run.trace.cycles("lstm")

"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.chip.build import Chip
from archsim.chip.build import build_chip as built
from archsim.config.load import Config, load_config
from archsim.devices.base import DeviceModel
from archsim.errors import ArchsimError
from archsim.experiments.jobs import Executor, Job, Store
from archsim.experiments.sweep import sweep
from archsim.network.activations.base import Activation
from archsim.simulation.prepare import in_file
from archsim.simulation.simulate import Progress, RunResult
from archsim.simulation.simulate import run as simulate
from archsim.trace.summary import Summary
from archsim.trace.trace import Trace

__all__ = [
    "Activation",
    "ArchsimError",
    "Chip",
    "Config",
    "DeviceModel",
    "Executor",
    "Job",
    "Run",
    "Store",
    "Summary",
    "Trace",
    "build_chip",
    "load",
    "open_trace",
    "run",
    "sweep",
]

Source = str | Path | Mapping[str, Any] | Config
"""A configuration: a path, the name of one that comes with archsim, a mapping, or one at hand."""


def load(config: Source, /, *, set: Mapping[str, Any] | None = None) -> Config:
    """Load and check a configuration.

    Parameters
    ----------
    config : str, Path, mapping or Config
        A file; the name of a configuration that comes with archsim (``archsim list``); what would
        stand in a file, as plain data with quantities as text (``"200 mV"``), paths relative to the
        working folder; or a configuration at hand.
    set : mapping, optional
        Values of single keys, such as ``{"adc.bits": 4, "tile.v_read": "150 mV"}``; None takes a
        key away.

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
        return config.with_values(set or {})
    return load_config(config, set or {})


@dataclass(frozen=True)
class Run:
    """A run that has ended: what it found, and the trace that it left.

    Attributes
    ----------
    config : Config
        What was run.
    summary : Summary
        Its numbers: accuracy, energy, latency, area, ...
    label : int64 (sequences,)
        The class that the chip found for each sequence.
    energy : float64 (sequences, components)
        Energy of each sequence, J.
    components : tuple of str
        Names of the components.
    """

    config: Config
    summary: Summary
    label: NDArray[np.int64]
    energy: NDArray[np.float64]
    components: tuple[str, ...]

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
        return Trace(self.summary.trace)

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """What each layer put out, by its name (`Trace.outputs`)."""
        return {name: self.trace.outputs(name) for name in self.trace.parts["outputs"]}

    def __str__(self) -> str:
        from archsim.report.render import as_text
        from archsim.report.run import run_report

        return as_text(run_report(self.summary))

    def _repr_html_(self) -> str:
        from archsim.report.render import as_html
        from archsim.report.run import run_report

        return as_html(run_report(self.summary))

    def __repr__(self) -> str:
        return f"<Run of {self.summary.name}: {self.summary.sequences} sequences>"


def run(
    config: Source,
    /,
    *,
    set: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> Run:
    """Simulate a configuration.

    Parameters
    ----------
    config, set
        As of `load`.
    out : str or Path, optional
        Trace to write; ``traces/<name>.h5`` by default. Nothing is written at ``trace.level`` off.
    threads : int, optional
        Threads to compute with; results are the same bits with any number.
    progress : callable, optional
        Called with the number of sequences done and the number in all.

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
    >>> archsim.run("kws", set={"adc.bits": 4}).summary.accuracy
    """
    loaded = load(config, set=set)
    path = None if out is None else Path(out)
    found: RunResult = simulate(loaded, path, progress=progress, threads=threads)
    return Run(loaded, found.summary, found.label, found.energy, found.components)


def build_chip(config: Source, /, *, set: Mapping[str, Any] | None = None) -> Chip:
    """Build a configuration's chip without running it: tiles, units, areas, the schedule.

    Parameters
    ----------
    config, set
        As of `load`.

    Raises
    ------
    ConfigError, WorkloadError
        If the network does not fit the chip, or a file that it names cannot be used.

    Examples
    --------
    >>> archsim.build_chip("kws").operations
    """
    loaded = load(config, set=set)
    with in_file(loaded):
        return built(loaded.config)


def open_trace(path: str | Path, /) -> Trace:
    """Open the trace of a run.

    Raises
    ------
    TraceError
        If it is not a complete trace.

    Examples
    --------
    >>> archsim.open_trace("traces/kws.h5").summary.energy_j
    """
    return Trace(path)
