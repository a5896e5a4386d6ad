"""Imperfections of a tile's analog circuits, on the scale of its integer charge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.chip.spec import TileSpec
from archsim.devices import Site
from archsim.errors import DesignError
from archsim.kernels.bank import NO_RAIL, AnalogArrays
from archsim.numeric.philox import Purpose
from archsim.transfer.decisions import half_up

LARGEST_OFFSET = float(1 << 59)
"""Charge quanta at which offsets and rails end: no charge is near it (conductances of 2**28 steps,
2**10 cycles and 2**17 rows make 2**55), and two of them and a charge still fit 64 bits."""


@dataclass(frozen=True)
class Scale:
    """How x, charge and voltage of a tile hang together.

    Attributes
    ----------
    quanta_per_unit : float
        Charge quanta that one unit of the ramps' x stands for.
    volts_per_quantum : float
        Voltage that one quantum moves an integrator, V.
    reference_ratio : float
        How much farther the ramps move than ramps in memory do: 1, unless they have a reference of
        their own.
    """

    quanta_per_unit: float
    volts_per_quantum: float
    reference_ratio: float = 1.0

    @property
    def ramp(self) -> float:
        """Charge quanta that the ramps move by for one unit of x."""
        return self.quanta_per_unit * self.reference_ratio


def analog_arrays(
    scale: Scale,
    *,
    spec: TileSpec,
    columns: int,
    columns_per_converter: int,
    read_variance: NDArray[np.float64],
    number: int,
) -> AnalogArrays:
    """Return a bank's imperfections as kernels see them; those that are off cost nothing there.

    Columns that share a converter share its comparator's offset.
    """
    integrator, comparator = spec.tile.integrator, spec.adc.comparator
    site = Site(spec.seed, number, 0)
    low, high = -NO_RAIL, NO_RAIL
    if integrator.saturation:
        swing = scale.volts_per_quantum
        room = spec.technology.supply - integrator.headroom
        if not integrator.headroom < spec.tile.v_clp < room:
            msg = (
                f"tile.integrator.headroom: V_CLP ({spec.tile.v_clp:g} V) has to lie between the "
                f"rails, {integrator.headroom:g} V and {room:g} V"
            )
            raise DesignError(msg)
        low = -_rail(spec.tile.v_clp - integrator.headroom, swing)
        high = _rail(room - spec.tile.v_clp, swing)

    def offsets(purpose: Purpose, volts: float, shared_by: int = 1) -> NDArray[np.int64]:
        if volts == 0:
            return np.zeros(columns, dtype=np.int64)
        drawn = site.normal(purpose, (1, -(-columns // shared_by)))[0]
        quanta = np.rint(drawn * (volts / scale.volts_per_quantum))
        bounded = np.clip(quanta, -LARGEST_OFFSET, LARGEST_OFFSET)
        return np.repeat(bounded, shared_by)[:columns].astype(np.int64)

    variance, variance_step = _whole_variance(read_variance)
    return AnalogArrays(
        read_variance=variance,
        variance_step=variance_step,
        offset=offsets(Purpose.INTEGRATOR_OFFSET, integrator.offset_sigma),
        comparator_offset=offsets(
            Purpose.COMPARATOR_OFFSET, comparator.offset_sigma, columns_per_converter
        ),
        leak=float(integrator.leak),
        rail_low=low,
        rail_high=high,
        decision_sigma=float(comparator.noise_sigma / scale.volts_per_quantum),
        seed=spec.seed,
        tile=number,
    )


def _rail(distance: float, volts_per_quantum: float) -> int:
    """Return how far from V_CLP a rail is, in whole quanta."""
    return round(min(distance / volts_per_quantum, LARGEST_OFFSET))


def _whole_variance(
    variance: NDArray[np.float64],
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return variances (quanta^2) as whole multiples of each column's step, and the steps.

    The largest of a column is 255 steps. What rounding takes from a cell, or gives it, the next
    cell of the column makes up for: sums over rows are as exact as their first and last cell.
    """
    largest = np.iinfo(np.uint8).max
    step = variance.max(axis=0, initial=0.0) / largest
    step[step == 0] = 1.0
    sums = half_up(np.cumsum(variance / step, axis=0))  # 255 stays 255
    whole = np.diff(sums, axis=0, prepend=0.0)
    return np.minimum(whole, largest).astype(np.uint8), step
