"""Flash converters at the feet of a bank's columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archsim.chip.analog import Scale
from archsim.chip.converters.base import Converter, thresholds_of
from archsim.chip.converters.cost import ConverterDesign
from archsim.chip.programming import ProgrammedRamp
from archsim.devices import DeviceModel
from archsim.transfer.ramp import Ramp
from archsim.vocabulary import Phase
from archsim_extension.flash.cost import FlashDesign
from archsim_extension.flash.kernel import FlashReadout


class FlashConverter(Converter):
    """A comparator for every threshold, against a reference that is no memristors."""

    phase = Phase.CONVERT

    def program(
        self, ramps: Sequence[Ramp], model: DeviceModel, number: int
    ) -> list[ProgrammedRamp]:
        """Return the exact thresholds."""
        return [ProgrammedRamp(ramp, None, 0.0, 0, 0.0) for ramp in ramps]

    def arrays(
        self, programmed: Sequence[ProgrammedRamp], ramp_of_column: NDArray[np.int64], scale: Scale
    ) -> FlashReadout:
        """Return what kernels see of a bank's converters."""
        return FlashReadout(*thresholds_of(programmed, ramp_of_column, scale))

    def cycles(self, ramps: Sequence[Ramp]) -> int:
        """Return the one cycle in which all columns are converted."""
        return 1

    def cost_design(
        self, programmed: Sequence[ProgrammedRamp], scale: Scale, read_charge: float
    ) -> ConverterDesign:
        """Return what the converters cost."""
        return FlashDesign(programmed[0].ramp.bits, self._spec.own.comparators)
