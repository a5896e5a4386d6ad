"""Converters without quantisation, to see how much of an accuracy is the converters' to lose.

They compute the columns' functions as a nonlinear ramp does, in one cycle, with 65,536 levels
(`archsim.transfer.exact`) and without errors, and cost nothing: no chip has them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archsim.chip.analog import Scale
from archsim.chip.converters.base import Converter, thresholds_of
from archsim.chip.converters.cost import ConverterDesign
from archsim.chip.converters.ideal.cost import IdealDesign
from archsim.chip.converters.ideal.kernel import IdealReadout
from archsim.chip.programming import ProgrammedRamp
from archsim.chip.spec import TileSpec
from archsim.config.converter import Comparator
from archsim.devices import DeviceModel
from archsim.errors import DesignError
from archsim.transfer.ramp import Ramp
from archsim.vocabulary import Phase


class IdealConverter(Converter):
    """Converters without quantisation, time or cost."""

    phase = Phase.CONVERT

    def __init__(self, spec: TileSpec, bits: int) -> None:
        super().__init__(spec, bits)
        for refused, key in (
            (spec.adc.comparator != Comparator(), "adc.comparator"),
            (spec.adc.fixed_reference is not None, "adc.fixed_reference"),
        ):
            if refused:
                msg = f"{key}: an ideal converter (adc.kind ideal) has no errors: leave it out"
                raise DesignError(msg)

    def program(
        self,
        ramps: Sequence[Ramp],
        model: DeviceModel,  # noqa: ARG002 - nothing is programmed
        number: int,  # noqa: ARG002
    ) -> list[ProgrammedRamp]:
        """Return the exact thresholds."""
        return [ProgrammedRamp(ramp, None, 0.0, 0, 0.0) for ramp in ramps]

    def arrays(
        self, programmed: Sequence[ProgrammedRamp], ramp_of_column: NDArray[np.int64], scale: Scale
    ) -> IdealReadout:
        """Return what kernels see of a bank's converters."""
        return IdealReadout(*thresholds_of(programmed, ramp_of_column, scale))

    def cycles(self, ramps: Sequence[Ramp]) -> int:  # noqa: ARG002
        """Return the one cycle in which all columns are converted."""
        return 1

    def cost_design(
        self,
        programmed: Sequence[ProgrammedRamp],
        scale: Scale,  # noqa: ARG002
        read_charge: float,  # noqa: ARG002
    ) -> ConverterDesign:
        """Return a design that costs nothing."""
        return IdealDesign(bits=programmed[0].ramp.bits)
