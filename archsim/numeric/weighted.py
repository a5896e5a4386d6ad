"""Sums of counts times amounts, in an order that nothing changes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.numeric.jit import kernel


class Weights(NamedTuple):
    """Amounts of several things for each count of several activities, those that are not zero.

    Attributes
    ----------
    pointer : int64 (things + 1,)
        ``pointer[k]:pointer[k + 1]`` are the entries of thing k.
    activity : int64 (entries,)
        The activity of each entry, ascending within a thing.
    amount : float64 (entries,)
        The amount of the thing for one count of it.
    """

    pointer: NDArray[np.int64]
    activity: NDArray[np.int64]
    amount: NDArray[np.float64]


def make_weights(amounts: NDArray[np.float64]) -> Weights:
    """Return the entries of a table (activities, things) that are not zero."""
    thing, activity = np.nonzero(amounts.T)
    pointer = np.searchsorted(thing, np.arange(amounts.shape[1] + 1))
    return Weights(
        pointer.astype(np.int64), activity.astype(np.int64), amounts[activity, thing].copy()
    )


@kernel
def add_weighted(
    fixed: NDArray[np.float64],
    weights: Weights,
    count: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Write ``fixed + sum_i count_i * amount_i`` for several rows.

    The sum is formed first, activity by activity, and then added, so that its bits depend on
    neither batch nor number of threads.

    Parameters
    ----------
    fixed : float64 (cycles, things)
        Amounts whatever the counts; row n uses ``fixed[n % cycles]``.
    weights : Weights
        Amounts for each count.
    count : int64 (rows, activities)
        Counts.
    out : float64 (rows, things)
        Out.
    """
    pointer, activity, amount = weights.pointer, weights.activity, weights.amount
    cycles, things = fixed.shape
    for row in range(count.shape[0]):
        cycle = row % cycles
        for thing in range(things):
            total = 0.0
            for entry in range(pointer[thing], pointer[thing + 1]):
                total += count[row, activity[entry]] * amount[entry]
            out[row, thing] = fixed[cycle, thing] + total
