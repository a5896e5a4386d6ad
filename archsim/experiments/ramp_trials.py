"""Monte Carlo of one ramp converter: linearity with and without calibration, over trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.chip.programming import program_ramp
from archsim.config.device import Device
from archsim.devices import Site, device_model
from archsim.experiments.base import Column, ExperimentResult, Progress
from archsim.network.activations import Activation
from archsim.transfer.decisions import first_above
from archsim.transfer.linearity import Linearity, linearity, mean_absolute, worst_absolute
from archsim.transfer.ramp import Ramp

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Trials:
    """What many programmed copies of one ramp are like.

    Attributes
    ----------
    calibrated : bool
        Whether the ramps were calibrated.
    linearity : list of Linearity
        One a trial.
    crossing : float64 (trials, steps - 1)
        Inputs at which the latched step changes, in units of x.
    pulses, energy : float
        Programming pulses and energy (J) of a ramp, mean over trials.
    """

    calibrated: bool
    linearity: list[Linearity]
    crossing: NDArray[np.float64]
    pulses: float
    energy: float

    def row(self) -> dict[str, Any]:
        """Return the numbers of the table."""
        each = self.linearity
        return {
            "calibrated": self.calibrated,
            "mean_inl_lsb": float(np.mean([mean_absolute(item.inl) for item in each])),
            "worst_inl_lsb": float(np.max([worst_absolute(item.inl) for item in each])),
            "mean_dnl_lsb": float(np.mean([mean_absolute(item.dnl) for item in each])),
            "worst_dnl_lsb": float(np.max([worst_absolute(item.dnl) for item in each])),
            "mean_inl_codes": float(np.mean([mean_absolute(item.inl_codes) for item in each])),
            "missing_codes": float(np.mean([len(item.missing) for item in each])),
            "enob": float(np.mean([item.enob for item in each])),
            "pulses": self.pulses,
            "programming_energy_j": self.energy,
        }


def run_trials(
    design: Ramp,
    activation: Activation,
    device: Device,
    *,
    trials: int,
    seed: int,
    calibrate: bool,
    copies: int = 1,
) -> Trials:
    """Program a ramp `trials` times and measure each."""
    model = device_model(device)
    programmed = [
        program_ramp(
            design,
            model,
            device=device,
            site=Site(seed, trial, 0),
            calibrate=calibrate,
            copies=copies,
        )
        for trial in range(trials)
    ]
    return Trials(
        calibrated=calibrate,
        linearity=[linearity(item.ramp, activation) for item in programmed],
        crossing=np.stack([item.ramp.crossing for item in programmed]),
        pulses=float(np.mean([item.pulses for item in programmed])),
        energy=float(np.mean([item.energy for item in programmed])),
    )


def compare_calibration(
    design: Ramp,
    activation: Activation,
    device: Device,
    *,
    trials: int,
    seed: int,
    modes: tuple[bool, ...] = (False, True),
    copies: int = 1,
    progress: Progress,
) -> ExperimentResult:
    """Compare ramps without and with calibration, or show one of the two.

    Parameters
    ----------
    design : Ramp
        The ideal ramp.
    activation : Activation
        The function that it is for.
    device : Device
        What it is programmed into.
    trials, seed : int
        Ramps that are programmed, and the seed of their errors.
    modes : tuple of bool
        Without (False) and with (True) calibration.
    copies : int
        Ramp columns of which the best is used.
    progress : callable
        Told about the modes that are done.
    """
    found = []
    for done, calibrate in enumerate(modes):
        found.append(
            run_trials(
                design,
                activation,
                device,
                trials=trials,
                seed=seed,
                calibrate=calibrate,
                copies=copies,
            )
        )
        progress(done + 1, len(modes))
    return ExperimentResult(
        title=f"{design.function}, {design.bits} bits, {trials} trials",
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
        rows=[trial.row() for trial in found],
        notes=(
            "means over trials; the worst is the worst of all",
            f"seed {seed}, best of {copies}, device model '{device.model}'",
            *_programming(found),
        ),
        draw=lambda figure: _draw(figure, design, activation, found),
    )


def _programming(found: list[Trials]) -> list[str]:
    """Return what programming cost, where its pulses were simulated."""
    return [
        f"programming {'with' if trials.calibrated else 'without'} calibration: "
        f"{trials.pulses:.1f} pulses and {trials.energy:.3g} J a ramp"
        for trials in found
        if trials.pulses
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
        for crossing in trials.crossing[:20]:
            curve.plot(x, transfer(design, crossing, x), color="#4c72b0", lw=0.5, alpha=0.5)
        curve.plot(x, activation.value(x), color="#c44e52", lw=1.5, label=design.function)
        curve.margins(y=0.05)
        curve.set_title("calibrated" if trials.calibrated else "not calibrated", fontsize=9)
        curve.set_xlabel("x")
        curve.set_ylabel("y")
        curve.legend(fontsize=8)
        inl = np.abs(np.stack([item.inl for item in trials.linearity])).mean(axis=0)
        error.bar(np.arange(1, inl.size + 1), inl, color="#4c72b0")
        error.set_xlabel("transition")
        error.set_ylabel("mean |INL| (LSB)")
