"""Counting what a layer clips, from what it computed: kernels stay as they are, and as fast.

Most places cannot clip at all, or the largest and the least value of a block say that nothing was
clipped. Sums that stand at an end of a ramp are computed again in floating point, since their codes
do not say how far beyond the end they lie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.chip.mapped_matrix import MappedMatrix
from archsim.chip.mapping import weight_range
from archsim.clipping import Clipping, Place
from archsim.network.activations.base import Activation

Array = NDArray[np.float64]
Whole = NDArray[Any]

_VECTORS = 4096
"""Vectors whose sums are held at a time."""


def clipped_weights(matrices: Iterable[MappedMatrix], percentile: float) -> tuple[Clipping, ...]:
    """Count the weights of each matrix that conductances do not reach (`tile.weight_percentile`).

    Parameters
    ----------
    matrices : iterable of MappedMatrix
        The matrices.
    percentile : float
        Percent of the magnitudes that conductances reach; nothing is told where they reach all.
    """
    if percentile == 100:
        return ()
    found = []
    for matrix in matrices:
        size = np.abs(matrix.weight)
        reach, of = weight_range(matrix.weight, percentile), int(np.count_nonzero(size))
        count, largest = int(np.count_nonzero(size > reach)), float(size.max(initial=0.0))
        found.append(Clipping(matrix.name, Place.WEIGHTS, reach, count, of, count, largest))
    return tuple(found)


def by_length(
    length: NDArray[np.int64],
    timesteps: int,
    count: Callable[[NDArray[np.int64] | slice, slice], tuple[Clipping, ...]],
) -> tuple[Clipping, ...]:
    """Count what sequences clip before their ends.

    Parameters
    ----------
    length : int64 (sequences,)
        Timesteps of each sequence.
    timesteps : int
        Timesteps of the arrays that they lie in.
    count : callable
        Counts what some sequences (an index of their axis) clip in some timesteps, place by place.
    """
    if (length == timesteps).all():
        return count(slice(None), slice(None))
    found: list[tuple[Clipping, ...]] = [
        count(np.flatnonzero(length == some), slice(0, int(some))) for some in np.unique(length)
    ]
    return tuple(sum(rest, first) for first, *rest in zip(*found, strict=True))


def beyond(
    layer: str, place: Place, values: Whole, *, limit: int, one: int, slack: float = 0.0
) -> Clipping:
    """Count fixed-point values whose magnitude is above a limit.

    Parameters
    ----------
    layer, place : str, Place
        Where.
    values : int array
        The values.
    limit, one : int
        The limit, and what stands for 1.
    slack : float
        What a value may exceed the limit by, in the same units, and be no more off than rounded
        values are.
    """
    low, high = _ends(values)
    largest, count = max(-low, high), 0
    if largest > limit + slack:
        count = int(np.count_nonzero(np.abs(values) > limit + slack))
    known = float(largest / one)
    return Clipping(layer, place, limit / one, count, values.size, count, known)


def at_end_of_word(layer: str, place: Place, words: Whole, *, limit: int, one: int) -> Clipping:
    """Count words that stand at either end of their range, ``-limit - 1`` or `limit`."""
    low, high = _ends(words)
    count = int(np.count_nonzero(words >= limit)) if high >= limit else 0
    count += int(np.count_nonzero(words <= -limit - 1)) if low <= -limit - 1 else 0
    return Clipping(layer, place, limit / one, count, words.size, count)


def levels_beyond_words(
    layer: str, words: Whole, level: Array, *, limit: int, one: int
) -> Clipping:
    """Count outputs whose levels words do not hold; none where they hold all levels.

    Parameters
    ----------
    layer : str
        Name of the layer.
    words : int array
        Its outputs in fixed point.
    level : float64 (codes,)
        What its converter's codes stand for.
    limit, one : int
        As of `at_end_of_word`.
    """
    if -limit - 1.5 <= level[0] * one and level[-1] * one < limit + 1.5:
        return Clipping(layer, Place.OUTPUT_WORDS, limit / one, of=words.size)
    return at_end_of_word(layer, Place.OUTPUT_WORDS, words, limit=limit, one=one)


def _ends(values: Whole) -> tuple[Any, Any]:
    """Return the least and the largest value, 0 between them."""
    return values.min(initial=0), values.max(initial=0)


def goes_on(function: Activation, limit: float, most: float, *, step: float) -> bool:
    """Return whether a function changes beyond a limit, up to `most`, by more than half a step."""
    if most <= limit:
        return False
    value = function.value(np.array([-most, -limit, limit, most]))
    return bool(max(abs(value[1] - value[0]), abs(value[3] - value[2])) > step / 2)


def to_look_at(
    at_end: NDArray[np.bool_], *, matrix: MappedMatrix, function: Activation
) -> NDArray[np.int64]:
    """Return the vectors (of at_end: vectors, columns) whose sums `beyond_ramp` has to look at.

    Those with a code at an end of the ramp. Sums of row blocks that convert by themselves may be
    clipped whatever their codes add up to, so that all are looked at. A bounded function is flat
    at both ends.
    """
    if function.bounds is not None:
        return np.zeros(0, dtype=np.int64)
    return np.arange(len(at_end)) if matrix.row_blocks > 1 else np.flatnonzero(at_end.any(axis=1))


def beyond_ramp(
    layer: str,
    place: Place,
    x: Array,
    weight: Array,
    at_end: NDArray[np.bool_],
    *,
    of: int,
    matrix: MappedMatrix,
    function: Activation,
) -> tuple[Clipping, NDArray[np.bool_]]:
    """Count sums that lie beyond their ramp, where the function goes on; say which they are.

    Parameters
    ----------
    layer, place : str, Place
        Where.
    x : float64 (vectors, rows)
        What drives the rows, a full pulse width being 1.
    weight : float64 (rows, columns)
        What is mapped to `matrix`.
    at_end : bool (vectors, columns)
        Which codes stand at an end of the ramp.
    of : int
        Codes in all, those of vectors that need no look included.
    matrix : MappedMatrix
        The tiles.
    function : Activation
        What the converter computes.

    Returns
    -------
    Clipping
        The count.
    bool (vectors, columns)
        Where a sum is clipped.
    """
    lost = np.zeros(at_end.shape, dtype=np.bool_)
    ramp = matrix.banks[0].ramps[0]
    limit = max(abs(end) for end in ramp.x_range)
    count, largest, step = 0, 0.0, float(ramp.level[1] - ramp.level[0])
    for first in range(0, len(x), _VECTORS):
        some = slice(first, first + _VECTORS)
        for bank in matrix.banks:
            rows = slice(bank.first_input, bank.first_input + bank.rows)
            sums = x[some, rows] @ weight[rows, bank.column]
            inside = np.clip(sums, *ramp.x_range)
            off = np.abs(function.value(sums) - function.value(inside)) > step / 2
            if matrix.row_blocks == 1:
                off &= at_end[some, bank.column]
            if off.any():
                count += int(off.sum())
                largest = max(largest, float(np.abs(sums[off]).max()))
                lost[some, bank.column] |= off
    known = largest if count else None
    return Clipping(layer, place, limit, count, of * matrix.row_blocks, count, known), lost


def tied_at_an_end(code: Whole, top: int) -> NDArray[np.bool_]:
    """Return which codes (..., columns) tie where the largest of a vector is looked for.

    Several may be the largest code of all, or all may be the lowest, 0.
    """
    at_top = code == top
    several = at_top & (at_top.sum(axis=-1, keepdims=True) > 1)
    lowest = code.max(axis=-1, keepdims=True) == 0
    return np.asarray(several | (lowest & (code.shape[-1] > 1)))
