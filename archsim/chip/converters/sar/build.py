"""Converters by successive approximation, which columns share in turn.

Their reference is an ordinary one: no memristors, no programming error, the thresholds of a
linear ramp. A comparator's offset belongs to a converter, and so to all of its columns alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archsim.chip.analog import Scale
from archsim.chip.converters.base import Converter, thresholds_of
from archsim.chip.converters.cost import ConverterDesign
from archsim.chip.converters.sar.cost import SarDesign
from archsim.chip.converters.sar.kernel import SarReadout
from archsim.chip.programming import ProgrammedRamp
from archsim.devices import DeviceModel
from archsim.errors import DesignError
from archsim.transfer.ramp import Ramp
from archsim.vocabulary import Phase


class SarConverter(Converter):
    """Converters by successive approximation."""

    phase = Phase.CONVERT

    def program(
        self,
        ramps: Sequence[Ramp],
        model: DeviceModel,  # noqa: ARG002 - nothing is programmed
        number: int,  # noqa: ARG002
    ) -> list[ProgrammedRamp]:
        """Return the ideal linear ramps whose thresholds the converters compare with.

        Raises
        ------
        DesignError
            If a function is asked for that is no straight line.
        """
        for ramp in ramps:
            if ramp.function != "identity":
                msg = (
                    f"adc.kind: sar cannot compute '{ramp.function}', it only digitises: take a "
                    "ramp, or function identity"
                )
                raise DesignError(msg)
        return [ProgrammedRamp(ramp, None, 0.0, 0, 0.0) for ramp in ramps]

    def arrays(
        self, programmed: Sequence[ProgrammedRamp], ramp_of_column: NDArray[np.int64], scale: Scale
    ) -> SarReadout:
        """Return what kernels see of a bank's converters."""
        table = thresholds_of(programmed, ramp_of_column, scale)
        return SarReadout(*table, self.columns_per_converter, self.cycles_per_conversion)

    def cycles(self, ramps: Sequence[Ramp]) -> int:  # noqa: ARG002
        """Return the cycles in which a converter serves all of its columns."""
        return self.columns_per_converter * self.cycles_per_conversion

    def cost_design(
        self,
        programmed: Sequence[ProgrammedRamp],
        scale: Scale,  # noqa: ARG002
        read_charge: float,  # noqa: ARG002
    ) -> ConverterDesign:
        """Return how many converters there are and what each one is."""
        bits = programmed[0].ramp.bits
        return SarDesign(
            bits=bits,
            cycles_per_conversion=self.cycles_per_conversion,
            columns_per_converter=self.columns_per_converter,
            component=self._spec.own.component.replace("{bits}", str(bits)),
        )

    @property
    def columns_per_converter(self) -> int:
        """Columns that one converter serves in turn."""
        return int(self._spec.own.columns)

    @property
    def cycles_per_conversion(self) -> int:
        """Cycles that a converter is at a column."""
        return int(self._spec.own.cycles or self._bits)
