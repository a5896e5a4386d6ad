"""One conversion of a trace, and which of its columns leave the rails."""

from __future__ import annotations

from dataclasses import dataclass

from archsim.config.quantity import parse_quantity
from archsim.trace.trace import Trace, Waveforms

LARGEST_VOLTAGE = 100.0
"""Largest supply that a configuration may have, V."""


@dataclass(frozen=True)
class Conversion(Waveforms):
    """What a trace says of one conversion.

    Attributes
    ----------
    supply : float
        Upper rail of the integrators, V; the lower one is 0 V.
    """

    supply: float

    @property
    def columns_beyond_rails(self) -> int:
        """How many columns go beyond 0 V or the supply, as only an ideal integrator can."""
        beyond = (self.v_mac < 0) | (self.v_mac > self.supply)
        return int(beyond.any(axis=0).sum())


def conversion_of(trace: Trace, number: int = 0, tile: str | None = None) -> Conversion:
    """Return one conversion of a trace with waveforms.

    Parameters
    ----------
    trace : Trace
        The trace.
    number : int
        Which of the recorded conversions of the tile, from 0.
    tile : str, optional
        Name of the tile; the first one by default.

    Raises
    ------
    TraceError, InputError
        If the trace has no waveforms, no such tile or no such conversion.
    """
    found = trace.waveforms(number, tile)
    with trace.reading():
        supply = parse_quantity(trace.setting("technology", "supply"), "V")
        if not 0 < supply <= LARGEST_VOLTAGE:
            raise trace.damage("config", f"has a supply of {supply:g} V")
    return Conversion(**vars(found), supply=supply)
