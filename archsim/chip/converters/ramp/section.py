"""Ramps of memristors in a configuration: ``adc.kind: nonlinear_ramp`` and ``linear_ramp``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from archsim.config.base import Rule, only_if
from archsim.config.converter import CONVERTERS, ConverterKind
from archsim.config.sections import Range

if TYPE_CHECKING:
    from archsim.config.converter import Converter
    from archsim.config.run import RunConfig


class _Ramp(ConverterKind):
    """What both have in common."""

    digitising = "linear_ramp"
    has_ramps = True

    def build(self, spec: Any, bits: int) -> Any:
        """Return the columns' converters."""
        from archsim.chip.converters.ramp.build import RampConverter

        return RampConverter(spec, bits)

    def design(self, function: Any, bits: int, *, limits: Range | None, spec: Any) -> Any:
        """Return the thresholds and levels of a function, as a ramp."""
        from archsim.chip.converters.design import usual_ramp

        return usual_ramp(function, bits, limits=limits, spec=spec)

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:
        """Yield keys that may change nothing, with the reason where they change nothing."""
        yield from super().without_effect(config)
        exact = config.device.exact and config.device.g_min == 0
        why = "with device.model ideal, on which ramps are exact"
        yield "calibrate", only_if(exact, why)

    def in_words(self, adc: Converter) -> list[str]:
        """Say how ramps are programmed and when they stop."""
        return [
            "calibrated" if adc.calibrate else "not calibrated",
            f"best of {adc.copies}" if adc.copies > 1 else "one copy",
            "early stop" if adc.early_stop else "no early stop",
        ]


@CONVERTERS.register
class NonlinearRamp(_Ramp):
    """A ramp that computes a function while it digitises."""

    name = "nonlinear_ramp"
    computes = True
    sees = "a nonlinear ramp"


@CONVERTERS.register
class LinearRamp(_Ramp):
    """A ramp of equal steps, which only digitises."""

    name = "linear_ramp"
    sees = "a linear ramp"
