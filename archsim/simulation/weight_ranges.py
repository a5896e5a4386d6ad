"""How much of the weights conductances reach: the share with which a chip is nearest to float."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from archsim.chip.build import Chip
from archsim.chip.mapping import weight_range
from archsim.simulation.ranges import Method, Place, signal_to_noise

WEIGHTS = "tile.weight_percentile"
"""The key."""

_PERCENTS = (100.0, 99.9, 99.5, 99.0, 98.0, 95.0, 90.0)
"""Values of `tile.weight_percentile` that are tried; at equal errors the first is taken."""
_WORSE = 2
"""How many in a row may be worse than the best."""


def best_percentile(error: Callable[[float], float], method: Method, percentile: float) -> float:
    """Return a value of `tile.weight_percentile`.

    Errors of weights do not say which of them matter, so with the method of least errors the chip
    runs with one after the other. Two in a row that are worse than the best end the search.

    Parameters
    ----------
    error : callable
        How far the outputs of a chip with a value are from the float64 network's.
    method : Method
        How ranges are found; with the maximum, conductances reach all weights.
    percentile : float
        Percent of magnitudes below a range, of the method of that name.
    """
    if method is not Method.MSE:
        return _PERCENTS[0] if method is Method.MAXIMUM else max(percentile, 50.0)
    best, least, worse = _PERCENTS[0], math.inf, 0
    for percent in _PERCENTS:
        found = error(percent)
        best, least, worse = (percent, found, 0) if found < least else (best, least, worse + 1)
        if worse == _WORSE:
            break
    return best


def _weight_steps(chip: Chip) -> int:
    """Return the steps of a conductance from g_min to g_max."""
    device = chip.config.device
    levels = getattr(device, "levels", None)
    if isinstance(levels, int):
        return levels - 1
    return max(round(device.conductance_steps * (1 - device.g_min / device.g_max)), 1)


def weight_places(chip: Chip, percent: float) -> Iterator[Place]:
    """Yield what conductances reach of the weights of each matrix, before and with a percentile."""
    steps = _weight_steps(chip)
    for matrix in chip.matrices:
        weight = matrix.weight[matrix.weight != 0]
        if not weight.size:
            continue
        size, before = np.abs(weight), weight_range(weight, chip.config.tile.weight_percentile)
        end = weight_range(weight, percent)
        yield Place(
            layer=matrix.name,
            what="weights",
            key=WEIGHTS,
            largest=float(size.max()),
            before=before,
            after=end,
            clipped_before=float((size > before).mean()),
            clipped_after=float((size > end).mean()),
            noise_before=signal_to_noise(weight, before, steps=steps),
            noise_after=signal_to_noise(weight, end, steps=steps),
        )
