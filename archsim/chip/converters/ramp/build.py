"""Ramp converters: every column has a comparator, and a ramp of memristors serves them all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from archsim.chip.analog import Scale
from archsim.chip.converters.base import Converter, register
from archsim.chip.converters.cost import ConverterDesign
from archsim.chip.converters.ramp.cost import RampDesign
from archsim.chip.programming import ProgrammedRamp, program_ramp
from archsim.config.hardware import ConverterKind
from archsim.devices import DeviceModel, Site
from archsim.kernels.arrays import Conversion
from archsim.transfer.ramp import Ramp
from archsim.vocabulary import Phase


@register(ConverterKind.NONLINEAR_RAMP, ConverterKind.LINEAR_RAMP)
class RampConverter(Converter):
    """A ramp column of memristors for every function that the bank's columns need."""

    conversion = Conversion.RAMP
    phase = Phase.RAMP

    def program(
        self, ramps: Sequence[Ramp], model: DeviceModel, number: int
    ) -> list[ProgrammedRamp]:
        """Program every ramp column."""
        config = self._config
        return [
            program_ramp(
                ramp,
                model,
                device=config.device,
                site=Site(config.seed, number, index),
                calibrate=config.adc.calibrate,
                copies=config.adc.copies,
            )
            for index, ramp in enumerate(ramps)
        ]

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
            memristors=self._config.adc.copies
            * sum(ramp.cell.size + ramp.bias.size for ramp in ramps),
            c_fb=np.array([read_charge / (ramp.x_per_siemens * volts_per_unit) for ramp in ramps]),
            gated=self._config.adc.gated_comparators,
        )
