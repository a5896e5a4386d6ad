"""Ramps for converters without quantisation: so many levels that words cannot tell them apart.

Codes are 16 bits, so there are 65,536 levels from the least to the largest output. A digital word
is coarser than that: with 11 fraction bits one of its steps holds 16 levels of a tanh. What a level
rounds away is then less than what the word does, and rounding to the nearest level first can only
move a value by that much. Where levels are not finer than words, the design is refused.

Integrators swing as far as they do for a real ramp of the same function at ``adc.bits``: the
capacitors, and where integrators clip, stay as they are, and a run with such a converter differs
from one with a ramp by the converter alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.errors import DesignError
from archsim.network.activations import Activation, Range
from archsim.network.activations.quantised import outer_ends, quantise
from archsim.transfer.ramp import Ramp, ramp_edges

LEVEL_BITS = 16
"""Bits of a code, which is what a trace has room for."""


@dataclass(frozen=True)
class ExactRamp(Ramp):
    """Thresholds without memristors, exactly where a function changes its level.

    Attributes
    ----------
    edge : float64 (steps + 1,)
        Where steps begin and end, in units of x.
    swing : float
        Farthest that integrators go from V_CLP, in units of x.
    """

    edge: NDArray[np.float64]
    swing: float

    @property
    def start(self) -> float:
        """Where the first step begins, in units of x."""
        return float(self.edge[0])

    @property
    def position(self) -> NDArray[np.float64]:
        """Where every step ends (steps,), in units of x."""
        return self.edge[1:]

    @property
    def span(self) -> float:
        """Farthest that integrators go from V_CLP, in units of x."""
        return self.swing


def exact_ramp(
    activation: Activation, bits: int, *, input_range: Range | None, fraction_bits: int
) -> ExactRamp:
    """Return the thresholds of a function at `LEVEL_BITS`.

    Parameters
    ----------
    activation : Activation
        The function.
    bits : int
        Resolution of the ramp whose swing it has.
    input_range : (float, float) or None
        Where an unbounded function is clipped, in units of x.
    fraction_bits : int
        Bits of a word below the point, which levels have to be finer than.

    Raises
    ------
    DesignError
        If the function cannot be a ramp, or its levels are not finer than words.
    """
    domain = activation.domain(input_range)
    coarse = quantise(activation, bits, input_range)
    fine = quantise(activation, LEVEL_BITS, input_range)
    step = float(fine.level[1] - fine.level[0])
    if step > 2.0**-fraction_bits:
        msg = (
            f"the {2**LEVEL_BITS:,} levels of an ideal converter (adc.kind), {step:.2g} apart from "
            f"{fine.level[0]:g} to {fine.level[-1]:g}, are not finer than words of "
            f"{fraction_bits} fraction bits: narrow the range of '{activation.name}', or lower "
            "digital.fraction_bits"
        )
        raise DesignError(msg)
    edge = ramp_edges(fine, domain, input_range)
    return ExactRamp(
        function=activation.name,
        bits=LEVEL_BITS,
        level=fine.level,
        theta=fine.theta,
        cell=np.diff(edge),
        bias=np.zeros(0),
        x_per_siemens=1.0,
        step_code=fine.step_code,
        branches=fine.branches,
        x_range=outer_ends(fine, domain),
        edge=edge,
        swing=float(np.abs(ramp_edges(coarse, domain, input_range)).max()),
    )
