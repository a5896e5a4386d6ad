"""Successive approximation in a configuration: ``adc.kind: sar``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from archsim.config.base import Section
from archsim.config.converter import CONVERTERS, ConverterKind
from archsim.config.sections import Range

if TYPE_CHECKING:
    from archsim.config.converter import Converter


class Sharing(Section):
    """Converters that several columns share in turn (kind sar)."""

    columns: int = Field(8, ge=1, le=65536, description="columns that one converter serves")
    cycles: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="clock cycles of one conversion; as many as bits where not given",
    )
    component: str = Field(
        "adc_survey_{bits}b",
        description="component of the library that one converter costs as; {bits} in it becomes "
        "the resolution",
    )


@CONVERTERS.register
class Sar(ConverterKind):
    """Converters by successive approximation, which columns share in turn."""

    name = "sar"
    key = "sharing"
    section = Sharing
    digitising = "sar"
    sees = "a shared converter"

    def build(self, spec: Any, bits: int) -> Any:
        """Return the columns' converters."""
        from archsim.chip.converters.sar.build import SarConverter

        return SarConverter(spec, bits)

    def check(self, adc: Converter) -> None:
        """Refuse fewer cycles than bits, and an early stop."""
        cycles = adc.own.cycles
        if cycles is not None and cycles < adc.bits:
            msg = (
                f"sharing.cycles ({cycles}) are fewer than the {adc.bits} bits that successive "
                "approximation decides, one a cycle"
            )
            raise ValueError(msg)
        if adc.early_stop:
            msg = "early_stop is for ramps; successive approximation always takes all its steps"
            raise ValueError(msg)

    def design(self, function: Any, bits: int, *, limits: Range | None, spec: Any) -> Any:
        """Return the thresholds and levels of a function, as a ramp."""
        from archsim.chip.converters.design import usual_ramp

        return usual_ramp(function, bits, limits=limits, spec=spec)

    def in_words(self, adc: Converter) -> list[str]:
        """Say how many columns share a converter, and what one costs."""
        component = adc.own.component.format(bits=adc.bits)
        return [f"each for {adc.own.columns} columns, at the cost of '{component}'"]
