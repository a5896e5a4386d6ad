"""Ramp converters: every column has a comparator, and a ramp of memristors serves them all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archsim.chip.analog import Scale
from archsim.chip.converters.base import Converter, thresholds_of
from archsim.chip.converters.cost import ConverterDesign
from archsim.chip.converters.ramp.cost import RampDesign
from archsim.chip.converters.ramp.kernel import RampReadout
from archsim.chip.programming import ProgrammedRamp, program_ramp
from archsim.devices import DeviceModel, Site
from archsim.transfer.ramp import Ramp
from archsim.vocabulary import Phase

LARGEST_POSITION = float(1 << 60)
"""Charge quanta at which a noisy ramp's positions end: no charge is near it."""

LARGEST_STEP_NOISE = float(1 << 46)
"""The largest sigma of a ramp's step, quanta: 1,025 steps, each 8.6 sigma off, stay below 2**60."""


class RampConverter(Converter):
    """A ramp column of memristors for every function that the bank's columns need."""

    phase = Phase.RAMP

    def program(
        self, ramps: Sequence[Ramp], model: DeviceModel, number: int
    ) -> list[ProgrammedRamp]:
        """Program every ramp column."""
        spec = self._spec
        return [
            program_ramp(
                ramp,
                model,
                device=spec.device,
                site=Site(spec.seed, number, index),
                calibrate=spec.adc.calibrate,
                copies=spec.adc.copies,
            )
            for index, ramp in enumerate(ramps)
        ]

    def arrays(
        self, programmed: Sequence[ProgrammedRamp], ramp_of_column: NDArray[np.int64], scale: Scale
    ) -> RampReadout:
        """Return what kernels see of a bank's converters."""
        position, sigma = _noise(programmed, scale)
        table = thresholds_of(programmed, ramp_of_column, scale)
        return RampReadout(*table, position[None], sigma[None])

    def cycles(self, ramps: Sequence[Ramp]) -> int:
        """Return the steps of the longest ramp."""
        return max(ramp.steps for ramp in ramps)

    def cost_design(
        self, programmed: Sequence[ProgrammedRamp], scale: Scale, read_charge: float
    ) -> ConverterDesign:
        """Return the sizes of the ramps.

        Capacitors follow from the swing: a ramp cell of 1 S has to move its ramp by
        `x_per_siemens` units of x.
        """
        ramps = [item.ramp for item in programmed]
        cell = np.zeros((len(ramps), self.cycles(ramps)))
        for row, ramp in zip(cell, ramps, strict=True):
            row[: ramp.cell.size] = ramp.cell
        volts_per_unit = scale.quanta_per_unit * scale.volts_per_quantum
        return RampDesign(
            bits=ramps[0].bits,
            cell=cell,
            bias=np.array([ramp.bias.sum() for ramp in ramps]),
            memristors=self._spec.adc.copies
            * sum(ramp.cell.size + ramp.bias.size for ramp in ramps),
            c_fb=np.array([read_charge / (ramp.x_per_siemens * volts_per_unit) for ramp in ramps]),
            gated=self._spec.adc.gated_comparators,
        )


def _noise(
    programmed: Sequence[ProgrammedRamp], scale: Scale
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions (ramps, steps), sigmas (ramps, steps + 1) in quanta; empty without noise."""
    if all(item.cell_sigma is None for item in programmed):
        return np.zeros((0, 0)), np.zeros((0, 0))
    steps = max(item.ramp.cell.size for item in programmed)
    position = np.empty((len(programmed), steps))
    sigma = np.zeros((len(programmed), steps + 1))
    for index, item in enumerate(programmed):
        ramp, mine = item.ramp, item.ramp.cell.size
        per_siemens = ramp.x_per_siemens * scale.ramp
        position[index] = np.pad(ramp.position, (0, steps - mine), mode="edge") * scale.ramp
        if item.cell_sigma is not None:
            sigma[index, :mine] = item.cell_sigma * per_siemens
        sigma[index, steps] = item.bias_sigma * per_siemens
    np.clip(position, -LARGEST_POSITION, LARGEST_POSITION, out=position)
    return position, np.minimum(sigma, LARGEST_STEP_NOISE)
