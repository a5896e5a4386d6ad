"""Flash converters in a configuration: ``adc.kind: flash``."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from archsim.config.base import Section
from archsim.config.converter import ConverterKind
from archsim.config.sections import Range


class FlashOptions(Section):
    """What only flash converters have."""

    comparators: str = Field("comparator", description="component of the library that one costs as")


class Flash(ConverterKind):
    """A comparator for every threshold of every column: one cycle, and the function for nothing."""

    name = "flash"
    key = "flash"
    section = FlashOptions
    computes = True
    digitising = "flash"
    sees = "a flash converter"

    def build(self, spec: Any, bits: int) -> Any:
        """Return the columns' converters."""
        from archsim_extension.flash.build import FlashConverter

        return FlashConverter(spec, bits)

    def design(self, function: Any, bits: int, *, limits: Range | None, spec: Any) -> Any:
        """Return the thresholds and levels of a function, as a ramp."""
        from archsim.chip.converters.design import usual_ramp

        return usual_ramp(function, bits, limits=limits, spec=spec)

    def in_words(self, adc: Any) -> list[str]:
        """Say what a comparator costs as."""
        return [f"{2**adc.bits - 1} comparators a column, each a '{adc.own.comparators}'"]
