"""Where ramps stand in a conversion with read noise of their cells."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.thresholds import ThresholdTable
from archsim.numeric.jit import kernel, leaf
from archsim.numeric.normal import (
    DrawKey,
    NormalScratch,
    draw_pairs,
    fill_short_normal,
    normal_scratch,
)
from archsim.vocabulary import ROUNDING_GUARD


class RampScratch(NamedTuple):
    """Memory for the ramps of a bank.

    Attributes
    ----------
    pairs : NormalScratch
        For all of them.
    normal : float64 (ramps * (steps + 1),)
        A variate for every step of every ramp and, behind its steps, one for its bias cells.
    threshold : float64 (steps,)
        Thresholds of one ramp.
    """

    pairs: NormalScratch
    normal: NDArray[np.float64]
    threshold: NDArray[np.float64]


@kernel
def ramp_scratch(ramps: int, steps: int) -> RampScratch:
    """Make memory for a bank's ramps."""
    count = ramps * (steps + 1)
    return RampScratch(
        normal_scratch(count),
        np.zeros(count, dtype=np.float64),
        np.zeros(steps, dtype=np.float64),
    )


@leaf
def draw_ramps(key: DrawKey, ramps: int, steps: int, noise: RampScratch) -> None:
    """Draw the variates of a conversion of some ramps."""
    count = ramps * (steps + 1)
    draw_pairs(key, count, noise.pairs)
    fill_short_normal(noise.pairs, noise.normal[:count])


@leaf
def disturbed_thresholds(
    position: NDArray[np.float64], sigma: NDArray[np.float64], ramp: int, noise: RampScratch
) -> None:
    """Write where a ramp stands after each step, in whole quanta, to the scratch.

    Parameters
    ----------
    position, sigma : float64 (steps,), (steps + 1,)
        The ramp's `ramp_position` and `ramp_sigma` of `AnalogArrays`.
    ramp : int
        Its number in the bank.
    noise : RampScratch
        With the variates of `draw_ramps`.
    """
    steps, threshold = position.shape[0], noise.threshold
    normal = noise.normal[ramp * (steps + 1) :][: steps + 1]
    for step in range(steps):
        threshold[step] = sigma[step] * normal[step]
    moved = -sigma[steps] * normal[steps]
    for step in range(steps):
        moved += threshold[step]
        threshold[step] = moved
    for step in range(steps):
        threshold[step] = np.ceil(position[step] + threshold[step] - ROUNDING_GUARD)


class RampNoise(NamedTuple):
    """Noise of the ramps' cells for the fused kernel: of all banks' ramps, or of none.

    Attributes
    ----------
    position, sigma : float64 (all ramps, steps), (all ramps, steps + 1)
        Where each ramp stands after each step, and the noise of each step and of the bias cells,
        quanta.
    """

    position: NDArray[np.float64]
    sigma: NDArray[np.float64]


@leaf
def disturb_thresholds(
    ramps_noise: RampNoise,
    place: np.void,
    key: DrawKey,
    table: ThresholdTable,
    never: int,
    noise: RampScratch,
    threshold: NDArray[Any],
) -> None:
    """Write the thresholds of a bank's conversion with noise of the ramps' cells.

    The thresholds are those of a conversion that is made cycle by cycle.

    Parameters
    ----------
    ramps_noise : RampNoise
        Noise of all ramps.
    place : BANK
        The bank.
    key : DrawKey
        What it is drawn for.
    table : ThresholdTable
        Says which thresholds are running maxima; none are if none are in order.
    never : int
        What no charge reaches.
    noise : RampScratch
        Scratch.
    threshold : int64 or int32 (ramps * entries,)
        Out; those beyond the ramp stay as they are.
    """
    first, steps, disturbed = place["ramp"], ramps_noise.position.shape[1], noise.threshold
    entries, ordered = table.threshold.shape[1], table.ordered
    draw_ramps(key, place["ramps"], steps, noise)
    reached = min(steps, ordered if ordered > 0 else entries)
    for ramp in range(place["ramps"]):
        of_ramp = first + ramp
        disturbed_thresholds(ramps_noise.position[of_ramp], ramps_noise.sigma[of_ramp], ramp, noise)
        mine = threshold[of_ramp * entries :][:reached]
        if ordered > 0:
            highest = disturbed[0]
            for step in range(reached):
                highest = max(highest, disturbed[step])
                disturbed[step] = highest
        for step in range(reached):
            mine[step] = np.int64(min(max(disturbed[step], -never), never))
