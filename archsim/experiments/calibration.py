"""One-point calibration of programmed ramps (article, Fig. 3a): INL with and without."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from archsim.chip.programming import program_ramp, transition_errors
from archsim.config.device import Device, load_device
from archsim.config.quantity import ConfigPath
from archsim.devices import DeviceModel, Programmed, Site, device_model
from archsim.experiments.base import Column, Executor, ExperimentResult, Progress, experiment
from archsim.experiments.functions import OfFunctions
from archsim.numeric.philox import Purpose
from archsim.transfer.ramp import Ramp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]


class Calibration(OfFunctions):
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


@experiment("calibration", Calibration)
def run_calibration(
    section: Calibration, progress: Progress, executor: Executor
) -> ExperimentResult:
    """Compare the INL of ramps with and without one-point calibration."""
    del executor  # it simulates ramps, not chips
    device = load_device(section.device)
    model = device_model(device)
    cases = [(name, stuck) for name in section.functions for stuck in section.stuck_off]
    rows = []
    for done, (name, stuck) in enumerate(cases):
        design = section.design(name, device)
        some = _SomeStuck(model, device, stuck)
        inl = {
            calibrate: _trials(design, some, device, section, calibrate=calibrate)
            for calibrate in (False, True)
        }
        rows.append(_row(name, stuck, inl))
        progress(done + 1, len(cases))
    notes = [f"{section.trials} trials, {section.bits} bits, {section.device.name}"]
    if section.published:
        notes.append(f"published: {section.published}")
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


def _trials(
    design: Ramp, model: DeviceModel, device: Device, section: Calibration, *, calibrate: bool
) -> Array:
    """Return the INL of every trial (trials, transitions), local LSB."""
    return np.stack(
        [
            transition_errors(
                program_ramp(
                    design,
                    model,
                    device=device,
                    site=Site(section.seed, trial, section.functions.index(design.function)),
                    calibrate=calibrate,
                    copies=section.copies,
                ).ramp
            )
            for trial in range(section.trials)
        ]
    )


def _row(name: str, stuck: int, inl: dict[bool, Array]) -> dict[str, Any]:
    mean = {key: np.abs(values).mean(axis=1) for key, values in inl.items()}
    return {
        "function": name,
        "stuck_off": stuck,
        "mean_inl_uncalibrated": float(mean[False].mean()),
        "mean_inl_calibrated": float(mean[True].mean()),
        "worst_inl_uncalibrated": float(np.abs(inl[False]).max()),
        "worst_inl_calibrated": float(np.abs(inl[True]).max()),
        "improved": float((mean[True] < mean[False]).mean()),
        "profile_uncalibrated": np.abs(inl[False]).mean(axis=0).tolist(),
        "profile_calibrated": np.abs(inl[True]).mean(axis=0).tolist(),
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
