"""One-point calibration of programmed ramps (article, Fig. 3a): INL with and without."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from archsim.chip.programming import program_ramp, transition_errors
from archsim.config.device import Device, load_device
from archsim.config.quantity import ConfigPath
from archsim.devices import DeviceModel, Programmed, Site, device_model
from archsim.experiments.base import (
    EXPERIMENTS,
    Calculation,
    Column,
    Executor,
    ExperimentResult,
    ExperimentSection,
    Progress,
)
from archsim.experiments.functions import OfFunctions
from archsim.numeric.philox import Purpose

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

BLOCK = 1000
"""Trials of a job: a quarter of a second."""


@EXPERIMENTS.register
class Calibration(OfFunctions, ExperimentSection):
    """Programs a ramp many times, calibrated and not, and with cells that are stuck off."""

    kind: Literal["calibration"]
    device: ConfigPath = Field(description="device file")
    trials: int = Field(1000, ge=1, le=1_000_000, description="ramps that are programmed")
    stuck_off: tuple[Annotated[int, Field(ge=0, le=1023)], ...] = Field(
        (0,), description="numbers of ramp cells stuck at g_min"
    )
    copies: int = Field(1, ge=1, le=64, description="ramp columns of which the best is used")
    seed: int = Field(0, ge=0, lt=2**63, description="seed")
    published: str = Field("", description="what the article says, printed below the table")

    def run(self, progress: Progress, executor: Executor) -> ExperimentResult:
        """Compare the INL of ramps with and without one-point calibration."""
        device = load_device(self.device)
        cases = [(name, stuck) for name in self.functions for stuck in self.stuck_off]
        each = [(*case, calibrate) for case in cases for calibrate in (False, True)]
        spans = [(first, min(first + BLOCK, self.trials)) for first in range(0, self.trials, BLOCK)]
        jobs = [self._job(case, span, device) for case in each for span in spans]
        found = iter(executor.results(jobs, progress))
        blocks = {case: [next(found) for _ in spans] for case in each}
        rows = [
            _row(*case, {mode: _joined(blocks[*case, mode]) for mode in (False, True)})
            for case in cases
        ]
        notes = [f"{self.trials} trials, {self.bits} bits, {self.device.name}"]
        if self.published:
            notes.append(f"published: {self.published}")
        return ExperimentResult(
            title="ramp INL without and with one-point calibration",
            columns=(
                Column("function", "function"),
                Column("stuck_off", "cells stuck off"),
                Column("mean_inl_uncalibrated", "mean |INL| without (LSB)", ".3f"),
                Column("mean_inl_calibrated", "with (LSB)", ".3f"),
                Column("worst_inl_uncalibrated", "worst |INL| without (LSB)", ".2f"),
                Column("worst_inl_calibrated", "with (LSB)", ".2f"),
                Column("improved", "trials improved", ".1%"),
            ),
            rows=rows,
            notes=tuple(notes),
            draw=lambda figure: _draw(figure, rows),
        )

    def _job(
        self, case: tuple[str, int, bool], trials: tuple[int, int], device: Device
    ) -> Calculation:
        """Return the job of some trials, with as many cells stuck, and calibrated or not."""
        name, stuck, calibrate = case
        arguments = {
            "ramp": self.only(name),
            "device": device,
            "stuck": stuck,
            "calibrate": calibrate,
            "copies": self.copies,
            "seed": self.seed,
            "place": self.functions.index(name),
            "trials": trials,
        }
        how = "calibrated" if calibrate else "not calibrated"
        label = f"{name}, {stuck} stuck off, {how}, trials {trials[0]} to {trials[1] - 1}"
        return Calculation(measure_inl, arguments, label)


class _SomeStuck(DeviceModel):
    """A device model whose ramp has some cells stuck off; bias cells are left alone."""

    def __init__(self, inner: DeviceModel, device: Device, count: int) -> None:
        super().__init__(inner.section)
        self._inner, self._device, self._count = inner, device, count

    def program(self, target: Array, site: Site) -> Programmed:
        """Program the cells, and turn off those with the smallest random numbers."""
        written = self._inner.program(target, site)
        rows, columns = target.shape
        if columns == 1 or self._count == 0:
            return written
        draw = site.uniform(Purpose.STUCK, (rows, columns), trial=1)
        off = np.argsort(draw[0])[: self._count]
        conductance, fresh = written.conductance.copy(), written.verified.copy()
        conductance[0, off] = fresh[0, off] = self._device.g_min
        return replace(written, conductance=conductance, fresh=fresh)


def measure_inl(
    ramp: OfFunctions,
    device: Device,
    *,
    stuck: int,
    calibrate: bool,
    copies: int,
    seed: int,
    place: int,
    trials: tuple[int, int],
) -> dict[str, Any]:
    """Program a ramp for some trials; return what its INL (local LSB) is like.

    Parameters
    ----------
    ramp : OfFunctions
        Its one function.
    device : Device
        What it is programmed into.
    stuck : int
        Its cells that are stuck off.
    calibrate : bool
        Whether the bias cells are calibrated.
    copies : int
        Columns of which the best is used.
    seed, place : int
        What the errors are keyed by.
    trials : (int, int)
        The first trial, and the one after the last.

    Returns
    -------
    dict
        ``mean``: mean ``|INL|`` of each trial; ``worst``: the largest ``|INL|``; ``profile``: the
        sum of ``|INL|`` over trials, of each transition.
    """
    (name,) = ramp.functions
    design, model = ramp.design(name, device), _SomeStuck(device_model(device), device, stuck)
    inl: Array = np.abs(
        [
            transition_errors(
                program_ramp(
                    design,
                    model,
                    device=device,
                    site=Site(seed, trial, place),
                    calibrate=calibrate,
                    copies=copies,
                ).ramp
            )
            for trial in range(*trials)
        ]
    )
    return {
        "mean": inl.mean(axis=1).tolist(),
        "worst": float(inl.max()),
        "profile": inl.sum(axis=0).tolist(),
    }


@dataclass(frozen=True)
class _Inl:
    """What ``|INL|`` of all trials is like: mean of each, the worst, mean along the ramp."""

    mean: Array
    worst: float
    profile: Array


def _joined(blocks: list[dict[str, Any]]) -> _Inl:
    mean = np.concatenate([block["mean"] for block in blocks])
    profile = np.sum([block["profile"] for block in blocks], axis=0) / mean.size
    return _Inl(mean, max(block["worst"] for block in blocks), profile)


def _row(name: str, stuck: int, inl: dict[bool, _Inl]) -> dict[str, Any]:
    without, calibrated = inl[False], inl[True]
    return {
        "function": name,
        "stuck_off": stuck,
        "mean_inl_uncalibrated": float(without.mean.mean()),
        "mean_inl_calibrated": float(calibrated.mean.mean()),
        "worst_inl_uncalibrated": without.worst,
        "worst_inl_calibrated": calibrated.worst,
        "improved": float((calibrated.mean < without.mean).mean()),
        "profile_uncalibrated": without.profile.tolist(),
        "profile_calibrated": calibrated.profile.tolist(),
    }


def _draw(figure: Figure, rows: list[dict[str, Any]]) -> None:
    """Draw mean |INL| along the ramp, a panel a function and number of stuck cells."""
    functions = list(dict.fromkeys(row["function"] for row in rows))
    stuck = list(dict.fromkeys(row["stuck_off"] for row in rows))
    figure.set_size_inches(3.2 * len(stuck), 2.6 * len(functions))
    axes = figure.subplots(len(functions), len(stuck), squeeze=False, sharex=True, sharey="row")
    for row in rows:
        axis = axes[functions.index(row["function"])][stuck.index(row["stuck_off"])]
        code = np.arange(1, len(row["profile_calibrated"]) + 1)
        axis.plot(code, row["profile_uncalibrated"], "o-", ms=3, color="#c44e52", label="without")
        axis.plot(code, row["profile_calibrated"], "s-", ms=3, color="#4c72b0", label="with")
        axis.set_title(f"{row['function']}, {row['stuck_off']} stuck off", fontsize=9)
        axis.grid(alpha=0.3)
    for axis in axes[-1]:
        axis.set_xlabel("threshold k")
    for line in axes:
        line[0].set_ylabel("mean |INL| (LSB)")
    axes[0][0].legend(title="calibration", fontsize=8, title_fontsize=8)
