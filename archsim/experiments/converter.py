"""A ramp of a function as somebody asks for it by name, designed, and programmed many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archsim.config.activations import load_tables
from archsim.config.device import load_device
from archsim.experiments.base import Executor, ExperimentResult, Progress
from archsim.experiments.ramp_trials import Asked, How, compare_calibration
from archsim.network.activations.base import Range
from archsim.transfer.ramp import Ramp


@dataclass(frozen=True)
class Wanted:
    """A ramp that is asked for.

    Attributes
    ----------
    function : str
        Name of the function.
    bits : int
        Resolution.
    input_range : (float, float) or None
        Where an unbounded function begins and ends.
    g_max : str or None
        Conductance of the largest cell, as text with a unit.
    device : Path or None
        Device file whose range the cells have.
    config : Path or None
        Configuration whose own functions are known.
    """

    function: str
    bits: int
    input_range: Range | None = None
    g_max: str | None = None
    device: Path | None = None
    config: Path | None = None

    def asked(self) -> Asked:
        """Return the same with the configuration's functions in place of its path."""
        tables = tuple(load_tables(self.config)) if self.config else ()
        return Asked(self.function, self.bits, self.input_range, self.g_max, tables)


def design(wanted: Wanted) -> Ramp:
    """Return the ideal ramp.

    Raises
    ------
    InputError
        If a file cannot be used, or the function cannot be such a ramp.
    """
    return wanted.asked().design(load_device(wanted.device) if wanted.device else None)


def trials_of(
    wanted: Wanted, how: How, *, modes: Sequence[bool], executor: Executor, progress: Progress
) -> ExperimentResult:
    """Program the ramp many times and measure it.

    Parameters
    ----------
    wanted : Wanted
        What was asked for, with a device.
    how : How
        How many ramps, and what their errors hang on.
    modes : sequence of bool
        Whether the bias cells are calibrated, once for every row of the table.
    executor : Executor
        Does the trials.
    progress : callable
        Called with the jobs done and in all.

    Raises
    ------
    InputError
        As `design` does.
    """
    assert wanted.device is not None
    return compare_calibration(
        wanted.asked(),
        load_device(wanted.device),
        how,
        modes=modes,
        executor=executor,
        progress=progress,
    )
