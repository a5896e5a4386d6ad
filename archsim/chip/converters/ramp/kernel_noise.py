"""Where ramps stand in a conversion with read noise of their cells."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.numeric.jit import kernel, leaf
from archsim.numeric.normal import NormalScratch, draw_pairs, fill_short_normal, normal_scratch
from archsim.numeric.philox import Purpose
from archsim.vocabulary import ROUNDING_GUARD

_RAMP_NOISE = int(Purpose.RAMP_NOISE)


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
def draw_ramps(
    key: tuple[int, int],
    sequence: int,
    conversion: int,
    ramps: int,
    steps: int,
    noise: RampScratch,
) -> None:
    """Draw the variates of a conversion; `key` is the seed and the number of the tile."""
    count = ramps * (steps + 1)
    draw_pairs(key[0], _RAMP_NOISE, sequence, conversion, key[1], count, noise.pairs)
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


@leaf
def disturb_rungs(
    position: NDArray[np.float64],
    sigma: NDArray[np.float64],
    first: int,
    ramps: int,
    key: tuple[int, int],
    sequence: int,
    conversion: int,
    ordered: int,
    never: int,
    rungs: int,
    noise: RampScratch,
    rung: NDArray[Any],
) -> None:
    """Write the rungs of a bank's conversion with noise of the ramps' cells.

    The thresholds are those of `thresholds_of_conversion`.

    Parameters
    ----------
    position, sigma : float64 (ramps, steps), (ramps, steps + 1)
        As `ramp_position` and `ramp_sigma` in `AnalogArrays`.
    first, ramps : int
        Which ramps are the bank's.
    key : tuple of int
        Seed of the run and number of the tile.
    sequence, conversion : int
        Which conversion of the run it is.
    ordered : int
        Rungs that are running maxima, or 0 if all are thresholds as they are.
    never : int
        What no charge reaches.
    rungs : int
        Rungs of a ramp, ``2**n - 1``.
    noise : RampScratch
        Scratch.
    rung : int64 or int32 (ramps * rungs,)
        Out; those beyond the ramp stay as they are.
    """
    steps, threshold = position.shape[1], noise.threshold
    draw_ramps(key, sequence, conversion, ramps, steps, noise)
    reached = min(steps, ordered if ordered > 0 else rungs)
    for ramp in range(ramps):
        disturbed_thresholds(position[first + ramp], sigma[first + ramp], ramp, noise)
        mine = rung[(first + ramp) * rungs :][:reached]
        if ordered > 0:
            highest = threshold[0]
            for step in range(reached):
                highest = max(highest, threshold[step])
                threshold[step] = highest
        for step in range(reached):
            mine[step] = np.int64(min(max(threshold[step], -never), never))
