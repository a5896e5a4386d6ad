"""Bit-serial inputs in a configuration: ``adc.kind: bit_serial``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from archsim.config.base import Section
from archsim.config.converter import CONVERTERS, ConverterKind
from archsim.config.sections import Range
from archsim.errors import DesignError

if TYPE_CHECKING:
    from archsim.config.converter import Converter
    from archsim.config.run import RunConfig


class BitSerial(Section):
    """Bit-serial inputs on bit-sliced weights (kind bit_serial), as ISAAC has them.

    A crossbar holds `tile.columns` weights a row, each in weight_bits / cell_bits cells, and one
    converter digitises its columns one after the other, one a clock cycle, for one bit of the
    inputs after the other. The defaults are those of Shafiee et al., ISCA 2016.
    """

    weight_bits: int = Field(16, ge=2, le=16, description="bits of a weight, sign included")
    cell_bits: int = Field(2, ge=1, le=8, description="bits of a weight that one cell holds")
    adc_bits: int = Field(
        8, ge=1, le=16, description="resolution of the converters, in steps of one cell's step"
    )
    read_cycles: int = Field(
        128,
        ge=1,
        le=16384,
        description="clock cycles for which a bit of the inputs drives the rows; it takes longer "
        "where all columns of a crossbar cannot be converted in that time",
    )
    flipped_columns: bool = Field(
        True,
        description="columns whose sum could exceed half of the largest hold their complement, "
        "which saves the converters a bit",
    )
    component: str = Field(
        "isaac_adc_{bits}b",
        description="component of the library that one converter costs as; {bits} in it becomes "
        "adc_bits",
    )

    @model_validator(mode="after")
    def _slices(self) -> BitSerial:
        if self.weight_bits % self.cell_bits:
            msg = (
                f"cell_bits ({self.cell_bits}) have to divide weight_bits ({self.weight_bits}), so "
                "that a weight fills its cells"
            )
            raise ValueError(msg)
        return self


@CONVERTERS.register
class BitSerialKind(ConverterKind):
    """Bit-serial inputs, bit-sliced weights, one converter a crossbar."""

    name = "bit_serial"
    key = "bit_serial"
    section = BitSerial
    digitising = "bit_serial"
    pulses = False
    weight_bits = ("bit_serial", "weight_bits")
    sees = "a shared converter"

    def build(self, spec: Any, bits: int) -> Any:
        """Return the columns' converters."""
        from archsim.chip.converters.bit_serial.build import BitSerialConverter

        return BitSerialConverter(spec, bits)

    def check(self, adc: Converter) -> None:
        """Refuse an early stop."""
        if adc.early_stop:
            msg = "early_stop is for ramps; bit-serial converters always convert every column"
            raise ValueError(msg)

    def design(self, function: Any, bits: int, *, limits: Range | None, spec: Any) -> Any:
        """Return the thresholds and levels of a function, as a ramp."""
        from archsim.chip.converters.design import usual_ramp

        return usual_ramp(function, bits, limits=limits, spec=spec)

    def check_run(self, config: RunConfig) -> None:
        """Refuse waveforms, which are of voltages."""
        if config.trace.waveforms:
            msg = (
                "trace.waveforms: this does not go with adc.kind bit_serial; sums are no voltages: "
                "set it to false"
            )
            raise DesignError(msg)

    def in_words(self, adc: Converter) -> list[str]:
        """Say the resolution of a read, and what a converter costs."""
        component = adc.own.component.format(bits=adc.own.adc_bits)
        return [f"{adc.own.adc_bits} bits a read, at the cost of '{component}'"]
