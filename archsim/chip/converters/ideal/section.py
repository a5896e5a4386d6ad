"""Ideal converters in a configuration: ``adc.kind: ideal``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archsim.config.converter import CONVERTERS, ConverterKind
from archsim.config.sections import Range

if TYPE_CHECKING:
    from archsim.config.converter import Converter


@CONVERTERS.register
class Ideal(ConverterKind):
    """Converters without quantisation, time or cost."""

    name = "ideal"
    computes = True
    digitising = "ideal"
    sees = "an ideal converter"
    buildable = False

    def build(self, spec: Any, bits: int) -> Any:
        """Return the columns' converters."""
        from archsim.chip.converters.ideal.build import IdealConverter

        return IdealConverter(spec, bits)

    def check(self, adc: Converter) -> None:
        """Refuse an early stop."""
        if adc.early_stop:
            msg = "early_stop is for ramps; an ideal converter takes one cycle"
            raise ValueError(msg)

    def design(self, function: Any, bits: int, *, limits: Range | None, spec: Any) -> Any:
        """Return thresholds that are as fine as words of codes are."""
        from archsim.transfer.exact import exact_ramp

        return exact_ramp(
            function, bits, input_range=limits, fraction_bits=spec.digital.fraction_bits
        )
