"""A sweep of the read voltage (article, Fig. 3b): a ramp in memory follows it, a fixed one not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from archsim.chip.programming import program_ramp
from archsim.config.device import Device, load_device
from archsim.config.quantity import ConfigPath, Quantity
from archsim.devices import Site, device_model
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
from archsim.transfer.ramp import Ramp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Volts = Annotated[float, Quantity("V", gt=0)]
POINTS = 4001
"""Inputs of the sweep that codes are compared at."""


@EXPERIMENTS.register
class ReadVoltage(OfFunctions, ExperimentSection):
    """Sweeps the read voltage of a converter that was designed for another one."""

    kind: Literal["v_read"]
    device: ConfigPath = Field(description="device file")
    v_design: Volts = Field(description="read voltage that the fixed ramp was made for")
    v_read: tuple[Volts, ...] = Field(min_length=1, description="read voltages")
    offset: Annotated[float, Quantity("V", ge=0)] = Field(
        0.0, description="offset of the comparator, which does not follow the read voltage"
    )
    full_scale: Volts = Field(0.3, description="swing of the ramp at the design read voltage")
    seed: int = Field(0, ge=0, lt=2**63, description="seed")
    published: str = Field("", description="what the article says, printed below the table")

    def run(self, progress: Progress, executor: Executor) -> ExperimentResult:
        """Compare the codes of a ramp in memory and of a fixed one over the read voltage."""
        device = load_device(self.device)
        jobs = [self._job(name, device) for name in self.functions]
        rows = [row for found in executor.results(jobs, progress) for row in found]
        largest = f"largest change of any code from that at {self.v_design:g} V"
        offset = f"a comparator offset of {self.offset * 1e3:g} mV does not follow the read voltage"
        notes = [f"{largest}; {offset}"]
        if self.published:
            notes.append(f"published: {self.published}")
        return ExperimentResult(
            title=f"codes against the read voltage, {self.bits} bits",
            columns=(
                Column("function", "function"),
                Column("v_read", "V_read (V)", ".3f"),
                Column("in_memory_ideal", "ramp in memory, ideal (LSB)", "d"),
                Column("in_memory_device", "in memory, device (LSB)", "d"),
                Column("in_memory_device_mean", "mean", ".3f"),
                Column("fixed", "fixed ramp (LSB)", "d"),
                Column("fixed_mean", "mean", ".3f"),
            ),
            rows=rows,
            notes=tuple(notes),
            draw=lambda figure: _draw(figure, rows),
        )

    def _job(self, name: str, device: Device) -> Calculation:
        """Return the job of a function at all read voltages."""
        arguments = {
            "ramp": self.only(name),
            "device": device,
            "seed": self.seed,
            "v_design": self.v_design,
            "v_read": self.v_read,
            "offset": self.offset / self.full_scale,
        }
        return Calculation(compare_codes, arguments, name)


def compare_codes(
    ramp: OfFunctions,
    device: Device,
    *,
    seed: int,
    v_design: float,
    v_read: Sequence[float],
    offset: float,
) -> list[dict[str, Any]]:
    """Return how far codes move with the read voltage, a row of the table for each.

    Parameters
    ----------
    ramp : OfFunctions
        The one function.
    device : Device
        What its ramp is programmed into.
    seed : int
        What the device's errors are keyed by.
    v_design, v_read : float, and sequence of float
        Read voltage that the fixed ramp was made for, and those that are tried, V.
    offset : float
        Offset of the comparator as a share of the ramp's swing at the design read voltage.
    """
    (name,) = ramp.functions
    ideal = ramp.design(name, device)
    programmed = program_ramp(
        ideal, device_model(device), device=device, site=Site(seed, 0, 0), calibrate=True
    ).ramp
    in_x = offset * ideal.span
    return [
        {
            "function": name,
            "v_read": volts,
            **_changes(v_design / volts, in_x, ideal=ideal, device=programmed),
        }
        for volts in v_read
    ]


def codes_at(ramp: Ramp, x: Array, *, ramp_ratio: float, offset: float) -> NDArray[np.int64]:
    """Return the codes of inputs x where the ramp moves `ramp_ratio` times as far as the columns.

    Parameters
    ----------
    ramp : Ramp
        The ramp.
    x : float64 (points,)
        Inputs.
    ramp_ratio : float
        1 for a ramp in memory; design over actual read voltage for a fixed one.
    offset : float
        Offset of the comparator in units of x at the actual read voltage.
    """
    return ramp.code((x + offset) / ramp_ratio)


def _changes(ratio: float, in_x: float, *, ideal: Ramp, device: Ramp) -> dict[str, Any]:
    """Return the largest and the mean change of a code, of ramps in memory and of a fixed one.

    Parameters
    ----------
    ratio : float
        Design over actual read voltage.
    in_x : float
        Offset of the comparator in units of x, at the design read voltage.
    ideal, device : Ramp
        The ramp as it is designed and as it is programmed.
    """
    x = np.linspace(-1.2 * ideal.span, 1.2 * ideal.span, POINTS)
    found: dict[str, Any] = {}
    for key, ramp, ramp_ratio, offset in (
        ("in_memory_ideal", ideal, 1.0, 0.0),
        ("in_memory_device", device, 1.0, in_x),
        ("fixed", ideal, ratio, in_x),
    ):
        before = codes_at(ramp, x, ramp_ratio=1.0, offset=offset)
        after = codes_at(ramp, x, ramp_ratio=ramp_ratio, offset=offset * ratio)
        change = np.abs(after - before)
        found[key], found[f"{key}_mean"] = int(change.max()), float(change.mean())
    return found


def _draw(figure: Figure, rows: list[dict[str, Any]]) -> None:
    """Draw largest and mean change of a code over the read voltage, a column a function."""
    functions = list(dict.fromkeys(row["function"] for row in rows))
    figure.set_size_inches(4.2 * len(functions), 5.4)
    axes = figure.subplots(2, len(functions), squeeze=False, sharex=True, sharey="row")
    for place, name in enumerate(functions):
        mine = [row for row in rows if row["function"] == name]
        v_read = [row["v_read"] for row in mine]
        for key, label, style in (
            ("fixed", "fixed ramp", "o-"),
            ("in_memory_device", "ramp in memory, device", "s-"),
            ("in_memory_ideal", "ramp in memory, ideal", "^--"),
        ):
            for axis, suffix in zip(axes[:, place], ("", "_mean"), strict=True):
                axis.plot(v_read, [row[key + suffix] for row in mine], style, ms=4, label=label)
                axis.grid(alpha=0.3)
        axes[0, place].set_title(name)
        axes[1, place].set_xlabel("V_read (V)")
    axes[0, 0].set_ylabel("largest change of a code (LSB)")
    axes[1, 0].set_ylabel("mean change (LSB)")
    axes[0, 0].legend(fontsize=8)
