"""What the fused kernel spends its time in: loops whose vector instructions compilers do not find.

Each function says what is computed and is its own definition: the interpreter runs it as it stands.
Kernels get vector instructions in its place (`archsim.numeric.inner.llvm`), or the loops compiled
as they stand here where these cannot be had (`archsim.numeric.inner.choice`). All numbers are whole
and wrap around alike, so all three give the same bits. Arrays are flat, and whatever is read or
written lies in them: nothing is checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.numeric.jit import when_starting

LANES = 16
"""Columns of a panel: what one vector of int32 sums holds."""

HALVES = 2
"""Rows that are multiplied and added at a time."""

MANY_LANES = 128
"""Numbers that `count_reached` compares at a time."""

MOST_REACHED = 255
"""The largest number that `count_reached` knows."""

_PAIR = LANES * HALVES
"""Elements of a pair of rows in a panel."""

_LOW = (1 << 32) - 1


def _products_of(sequences: int, panels: int) -> Callable[..., None]:
    """Return what multiplies so many vectors of pulse widths with so many panels of cells."""

    def add_products(
        drive: NDArray[np.int16],
        drive_stride: int,
        cell: NDArray[Any],
        panel_stride: int,
        pairs: int,
        total: NDArray[np.int32],
        total_stride: int,
    ) -> None:
        """Add ``sum_rows drive[sequence, row] * cell[row, column]`` to `total`.

        Parameters
        ----------
        drive : int16 (elements,)
            Pulse widths, a vector every `drive_stride` elements.
        cell : int16 or uint8 (elements,)
            Panels of `LANES` columns every `panel_stride` elements; a panel is
            ``(pairs, LANES, HALVES)``: two rows of a column lie side by side.
        pairs : int
            Pairs of rows that are summed.
        total : int32 (elements,)
            Added to: a vector every `total_stride` elements. Sums keep their lowest 32 bits.
        """
        for panel in range(panels):
            cells = cell[panel * panel_stride :]
            for sequence in range(sequences):
                mine = drive[sequence * drive_stride :]
                sums = total[sequence * total_stride + panel * LANES :]
                for pair in range(pairs):
                    both = cells[pair * _PAIR :]
                    even, odd = np.int64(mine[HALVES * pair]), np.int64(mine[HALVES * pair + 1])
                    for lane in range(LANES):
                        product = even * both[HALVES * lane] + odd * both[HALVES * lane + 1]
                        sums[lane] = np.uint32((sums[lane] + product) & _LOW).view(np.int32)

    return add_products


def _counts_below_of(panels: int) -> Callable[..., None]:
    """Return what compares so many panels of columns with thresholds."""

    def count_below(
        seen: NDArray[Any], threshold: NDArray[Any], thresholds: int, count: NDArray[np.int32]
    ) -> None:
        """Write how many of the first `thresholds` are not above what each column shows.

        What is seen and thresholds are int32, or both int64.
        """
        for lane in range(LANES * panels):
            below = 0
            for place in range(thresholds):
                below += int(threshold[place] <= seen[lane])
            count[lane] = below

    return count_below


def count_reached(number: NDArray[np.int32], steps: int, count: NDArray[np.int64]) -> None:
    """Add to ``count[n]`` how many of the first `MANY_LANES` numbers are at least ``n + 1``.

    Neither they nor `steps` are above `MOST_REACHED`, and no number is negative.
    """
    for lane in range(MANY_LANES):
        for step in range(min(int(number[lane]), steps)):
            count[step] += 1


def multiply_high(a: np.uint64, b: np.uint64) -> np.uint64:
    """Return the upper 64 bits of a 64 x 64 bit product, by halves of 32 bits."""
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    low_a, high_a, low_b, high_b = a & low, a >> half, b & low, b >> half
    middle = high_a * low_b + (low_a * low_b >> half)
    rest = low_a * high_b + (middle & low)
    return high_a * high_b + (middle >> half) + (rest >> half)


ADD_PRODUCTS = {shape: _products_of(*shape) for shape in ((1, 1), (1, 4), (4, 1), (4, 4))}
"""Products, by vectors of pulse widths and panels of cells."""

COUNT_BELOW = {panels: _counts_below_of(panels) for panels in (1, 2, 4)}
"""Counts of thresholds, by panels of columns."""

add_products_1x1, add_products_1x4 = ADD_PRODUCTS[1, 1], ADD_PRODUCTS[1, 4]
add_products_4x1, add_products_4x4 = ADD_PRODUCTS[4, 1], ADD_PRODUCTS[4, 4]
count_below_1, count_below_2, count_below_4 = COUNT_BELOW[1], COUNT_BELOW[2], COUNT_BELOW[4]


def _tell_numba() -> None:
    from archsim.numeric.inner.choice import tell_numba

    tell_numba()


when_starting(_tell_numba)
