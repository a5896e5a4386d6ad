"""The ramp's part of a conversion: where it stands, and which columns trip in a cycle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.arrays import TileArrays
from archsim.kernels.ramp_noise import disturbed_thresholds, draw_ramps, ramp_scratch
from archsim.numeric.jit import kernel
from archsim.numeric.philox import Purpose, normal_pair, philox
from archsim.vocabulary import Activity

NOT_LATCHED = -1
"""Code of a column that has not latched yet."""

_UNDECIDED = int(Activity.UNDECIDED)
_LATCHED = int(Activity.LATCHED)
_DECISION_NOISE = int(Purpose.DECISION_NOISE)


@kernel
def thresholds_of_conversion(tile: TileArrays, sequence: int, conversion: int) -> NDArray[np.int64]:
    """Return where the ramps stand in this conversion: with the noise of their cells, if any."""
    analog = tile.analog
    if analog.ramp_sigma.shape[0] == 0:
        return tile.threshold
    threshold = np.empty_like(tile.threshold)
    ramps, steps = threshold.shape
    noise = ramp_scratch(ramps, steps)
    draw_ramps((analog.seed, analog.tile), sequence, conversion, ramps, steps, noise)
    for ramp in range(ramps):
        disturbed_thresholds(analog.ramp_position[ramp], analog.ramp_sigma[ramp], ramp, noise)
        for step in range(steps):
            threshold[ramp, step] = np.int64(noise.threshold[step])
    return threshold


@kernel
def decision_noise(
    seed: int, tile: int, column: int, step: int, sequence: int, conversion: int
) -> float:
    """Return the noise of one comparison, standard normal."""
    place = tile + ((step + 1) << 32)
    word_0, word_1, _, _ = philox(seed, _DECISION_NOISE, column, sequence, conversion, place)
    return normal_pair(word_0, word_1)[0]


@kernel
def compare_with_ramp(
    tile: TileArrays,
    threshold: NDArray[np.int64],
    step: int,
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    activity: NDArray[np.int64],
    sequence: int,
    conversion: int,
) -> None:
    """Let every undecided column compare with its ramp, and latch those that trip.

    What the loop needs is taken out of the tile first: handing a tile to a function for every
    column costs more than the comparison.
    """
    ramp_of_column, step_code = tile.ramp_of_column, tile.step_code
    offset = tile.analog.comparator_offset
    sigma, seed, number = tile.analog.decision_sigma, tile.analog.seed, tile.analog.tile
    for column in range(charge.shape[0]):
        if code[column] != NOT_LATCHED:
            continue
        activity[_UNDECIDED] += 1
        ramp = ramp_of_column[column]
        seen = charge[column] + offset[column]
        if sigma == 0.0:
            trips = threshold[ramp, step] > seen
        else:
            noise = decision_noise(seed, number, column, step, sequence, conversion)
            trips = threshold[ramp, step] > seen + sigma * noise
        if trips:
            code[column] = step_code[ramp, step]
            activity[_LATCHED] += 1
