"""A ramp of a function as somebody asks for it by name, designed, and programmed many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archsim.config.device import load_device
from archsim.experiments.base import ExperimentResult, Progress
from archsim.experiments.ramp_trials import compare_calibration
from archsim.network.activations import Activation, get_activation, load_activations
from archsim.network.activations.base import Range
from archsim.transfer.ramp import Ramp, design_from_text


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

    @property
    def own(self) -> Sequence[Activation]:
        """Functions that the configuration brings."""
        return load_activations(self.config) if self.config else ()


def design(wanted: Wanted) -> Ramp:
    """Return the ideal ramp.

    Raises
    ------
    InputError
        If a file cannot be used, or the function cannot be such a ramp.
    """
    return design_from_text(
        wanted.function,
        wanted.bits,
        g_max=wanted.g_max,
        input_range=wanted.input_range,
        range_of=load_device(wanted.device) if wanted.device else None,
        own=wanted.own,
    )


def trials_of(
    wanted: Wanted,
    ramp: Ramp,
    how: tuple[int, int, int],
    *,
    modes: Sequence[bool],
    progress: Progress,
) -> ExperimentResult:
    """Program the ramp many times and measure it.

    Parameters
    ----------
    wanted : Wanted
        What was asked for, with a device.
    ramp : Ramp
        What `design` returned.
    how : tuple of int
        How many ramps, the seed of the devices' errors, and columns of which the best is used.
    modes : sequence of bool
        Whether the bias cells are calibrated, once for every row of the table.
    progress : callable
        Called with the modes done and in all.
    """
    assert wanted.device is not None
    trials, seed, copies = how
    return compare_calibration(
        ramp,
        get_activation(wanted.function, own=wanted.own),
        load_device(wanted.device),
        trials=trials,
        seed=seed,
        modes=tuple(modes),
        copies=copies,
        progress=progress,
    )
