"""Monte Carlo of one ramp converter: linearity with and without calibration, over trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.chip.programming import program_ramp
from archsim.config.activations import TableActivation
from archsim.config.device import Device
from archsim.devices import Site, device_model
from archsim.experiments.base import Calculation, Column, Executor, ExperimentResult, Progress
from archsim.network.activations import Activation, get_activation, own_activations
from archsim.network.activations.base import Range
from archsim.transfer.decisions import first_above
from archsim.transfer.linearity import linearity, mean_absolute, worst_absolute
from archsim.transfer.ramp import Ramp, design_from_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLOCK = 250
"""Trials of a job: some tenths of a second."""

DRAWN = 20
"""Trials whose transfer curves are drawn."""


@dataclass(frozen=True)
class Asked:
    """A ramp that is asked for, as plain data.

    Attributes
    ----------
    function : str
        Name of the function.
    bits : int
        Resolution.
    input_range : (float, float) or None
        Where an unbounded function begins and ends.
    g_max : str or None
        Conductance of the largest cell, as text with a unit; that of the device by default.
    tables : tuple of TableActivation
        Functions of the user's own.
    """

    function: str
    bits: int
    input_range: Range | None = None
    g_max: str | None = None
    tables: tuple[TableActivation, ...] = ()

    def design(self, device: Device | None) -> Ramp:
        """Return the ideal ramp, for a device's range.

        Raises
        ------
        InputError
            If the function cannot be such a ramp.
        """
        return design_from_text(
            self.function,
            self.bits,
            g_max=self.g_max,
            input_range=self.input_range,
            range_of=device,
            own=own_activations(self.tables),
        )

    @property
    def activation(self) -> Activation:
        """The function."""
        return get_activation(self.function, own=own_activations(self.tables))


@dataclass(frozen=True)
class How:
    """How ramps are programmed: how many, what keys their errors, columns of which the best is."""

    trials: int
    seed: int = 0
    copies: int = 1


@dataclass(frozen=True)
class Trials:
    """What many programmed copies of one ramp are like.

    Attributes
    ----------
    calibrated : bool
        Whether the ramps were calibrated.
    numbers : dict of str to list
        Numbers of each trial: mean and worst ``|INL|`` and ``|DNL|`` (LSB), mean ``|INL|`` (codes),
        missing codes, effective bits, programming pulses and energy (J).
    crossing : float64 (trials that are drawn, steps - 1)
        Inputs at which the latched step changes, in units of x.
    profile : float64 (transitions,)
        Mean ``|INL|`` of each transition, LSB.
    """

    calibrated: bool
    numbers: dict[str, list[float]]
    crossing: NDArray[np.float64]
    profile: NDArray[np.float64]

    def mean(self, name: str) -> float:
        """Return the mean of a number over trials."""
        return float(np.mean(self.numbers[name]))

    def row(self) -> dict[str, Any]:
        """Return the numbers of the table."""
        means = ("mean_inl_codes", "missing_codes", "enob", "pulses", "programming_energy_j")
        return {
            "calibrated": self.calibrated,
            "mean_inl_lsb": self.mean("mean_inl_lsb"),
            "worst_inl_lsb": float(np.max(self.numbers["worst_inl_lsb"])),
            "mean_dnl_lsb": self.mean("mean_dnl_lsb"),
            "worst_dnl_lsb": float(np.max(self.numbers["worst_dnl_lsb"])),
            **{name: self.mean(name) for name in means},
        }


def measure_ramps(
    asked: dict[str, Any], device: Device, *, seed: int, copies: int, calibrate: bool, trials: range
) -> dict[str, Any]:
    """Program a ramp for some trials and measure each.

    Parameters
    ----------
    asked : dict
        The fields of an `Asked`.
    device : Device
        What it is programmed into.
    seed, copies : int
        What the errors are keyed by, and columns of which the best is used.
    calibrate : bool
        Whether the bias cells are calibrated.
    trials : range
        Which trials.

    Returns
    -------
    dict
        ``numbers`` of each trial as of `Trials`, ``crossing`` of the first `DRAWN` trials, and in
        ``inl`` the sum of ``|INL|`` over trials, of each transition.
    """
    wanted = Asked(**asked)
    design, activation, model = wanted.design(device), wanted.activation, device_model(device)
    numbers: dict[str, list[float]] = {}
    crossing, inl = [], []
    for trial in trials:
        site = Site(seed, trial, 0)
        done = program_ramp(
            design, model, device=device, site=site, calibrate=calibrate, copies=copies
        )
        found = linearity(done.ramp, activation)
        inl.append(np.abs(found.inl))
        if trial < DRAWN:
            crossing.append(done.ramp.crossing.tolist())
        for name, value in {
            "mean_inl_lsb": mean_absolute(found.inl),
            "worst_inl_lsb": worst_absolute(found.inl),
            "mean_dnl_lsb": mean_absolute(found.dnl),
            "worst_dnl_lsb": worst_absolute(found.dnl),
            "mean_inl_codes": mean_absolute(found.inl_codes),
            "missing_codes": len(found.missing),
            "enob": found.enob,
            "pulses": done.pulses,
            "programming_energy_j": done.energy,
        }.items():
            numbers.setdefault(name, []).append(float(value))
    return {"numbers": numbers, "crossing": crossing, "inl": np.sum(inl, axis=0).tolist()}


def compare_calibration(
    asked: Asked,
    device: Device,
    how: How,
    *,
    modes: Sequence[bool] = (False, True),
    executor: Executor,
    progress: Progress,
) -> ExperimentResult:
    """Compare ramps without and with calibration, or show one of the two.

    Parameters
    ----------
    asked : Asked
        The ramp.
    device : Device
        What it is programmed into.
    how : How
        How many ramps, and what their errors hang on.
    modes : sequence of bool
        Without (False) and with (True) calibration.
    executor : Executor
        Does the trials.
    progress : callable
        Told about the jobs that are done.

    Raises
    ------
    ArchsimError
        If a job failed.
    """
    design = asked.design(device)
    jobs = [_jobs(asked, device, how, calibrate) for calibrate in modes]
    blocks = iter(executor.results([job for each in jobs for job in each], progress))
    found = [
        _joined(calibrate, [next(blocks) for _ in each])
        for calibrate, each in zip(modes, jobs, strict=True)
    ]
    return ExperimentResult(
        title=f"{design.function}, {design.bits} bits, {how.trials} trials",
        columns=(
            Column("calibrated", "calibrated"),
            Column("mean_inl_lsb", "|INL| mean (LSB)", ".3f"),
            Column("worst_inl_lsb", "worst", ".2f"),
            Column("mean_dnl_lsb", "|DNL| mean (LSB)", ".3f"),
            Column("worst_dnl_lsb", "worst", ".2f"),
            Column("mean_inl_codes", "|INL| mean (codes)", ".3f"),
            Column("missing_codes", "missing codes", ".2f"),
            Column("enob", "ENOB (bits)", ".2f"),
        ),
        rows=[trials.row() for trials in found],
        notes=(
            "means over trials; the worst is the worst of all",
            f"seed {how.seed}, best of {how.copies}, device model '{device.model}'",
            *_programming(found),
        ),
        draw=lambda figure: _draw(figure, design, asked.activation, found),
    )


def _jobs(asked: Asked, device: Device, how: How, calibrate: bool) -> list[Calculation]:
    """Return the jobs of one row: a block of trials each."""
    return [
        Calculation(
            measure_ramps,
            {
                "asked": dict(vars(asked)),
                "device": device,
                "seed": how.seed,
                "copies": how.copies,
                "calibrate": calibrate,
                "trials": range(first, min(first + BLOCK, how.trials)),
            },
            f"{'calibrated' if calibrate else 'not calibrated'}, from trial {first}",
        )
        for first in range(0, how.trials, BLOCK)
    ]


def _joined(calibrated: bool, blocks: Sequence[dict[str, Any]]) -> Trials:
    numbers = {
        name: [value for block in blocks for value in block["numbers"][name]]
        for name in blocks[0]["numbers"]
    }
    crossing = np.array([each for block in blocks for each in block["crossing"]])
    profile = np.sum([block["inl"] for block in blocks], axis=0) / len(numbers["enob"])
    return Trials(calibrated, numbers, crossing, profile)


def _programming(found: list[Trials]) -> list[str]:
    """Return what programming cost, where its pulses were simulated."""
    return [
        f"programming {'with' if trials.calibrated else 'without'} calibration: "
        f"{trials.mean('pulses'):.1f} pulses and {trials.mean('programming_energy_j'):.3g} J a ramp"
        for trials in found
        if trials.mean("pulses")
    ]


def transfer(
    design: Ramp, crossing: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the outputs for inputs x (points,) of a ramp that crosses at `crossing` (steps - 1,).

    Inputs beyond the last crossing get the last step, as in `Ramp.step`.
    """
    return np.asarray(design.level[design.step_code[first_above(crossing, x)]])


def _draw(figure: Figure, design: Ramp, activation: Activation, found: list[Trials]) -> None:
    """Draw the transfer curve of some trials over the function, and mean |INL|, a row a mode."""
    figure.set_size_inches(8.0, 3.0 * len(found))
    axes = figure.subplots(len(found), 2, squeeze=False)
    x = np.linspace(-1.05 * design.span, 1.05 * design.span, 800)
    for (curve, error), trials in zip(axes, found, strict=True):
        for crossing in trials.crossing:
            curve.plot(x, transfer(design, crossing, x), color="#4c72b0", lw=0.5, alpha=0.5)
        curve.plot(x, activation.value(x), color="#c44e52", lw=1.5, label=design.function)
        curve.margins(y=0.05)
        curve.set_title("calibrated" if trials.calibrated else "not calibrated", fontsize=9)
        curve.set_xlabel("x")
        curve.set_ylabel("y")
        curve.legend(fontsize=8)
        error.bar(np.arange(1, trials.profile.size + 1), trials.profile, color="#4c72b0")
        error.set_xlabel("transition")
        error.set_ylabel("mean |INL| (LSB)")
