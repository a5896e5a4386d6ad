"""What the fused kernel spends its time in, in instructions that compilers do not find.

The interpreter computes as it says here; kernels get vector instructions of the machine for it
(`archsim.numeric.inner.llvm`). All numbers are whole, so both give the same bits. Arrays are
flat and whatever is read or written lies in them: nothing is checked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LANES = 16
"""Columns of a panel: what one vector of int32 sums holds."""

HALVES = 2
"""Rows that are multiplied and added at a time."""

MANY_LANES = 128
"""Numbers that `count_reached` compares at a time."""

MOST_REACHED = 255
"""The largest number that `count_reached` knows."""


class Generated:
    """A function whose machine code is written for kernels, not compiled from Python.

    Attributes
    ----------
    name, parameters
        What `archsim.numeric.inner.llvm` generates.
    """

    name = ""
    parameters: tuple[int, ...] = ()

    @property
    def _numba_type_(self) -> Any:
        """What Numba takes this for; asked only by Numba, so nothing is imported before it is."""
        from archsim.numeric.inner.llvm import type_of

        return type_of(self.name, self.parameters)


class AddProducts(Generated):
    """Products of some vectors of pulse widths with some panels of cells, added to sums.

    Parameters
    ----------
    sequences, panels : int
        How many vectors, and how many panels of `LANES` columns.
    """

    name = "add_products"

    def __init__(self, sequences: int, panels: int) -> None:
        self.parameters = sequences, panels

    def __call__(
        self,
        drive: NDArray[np.int16],
        drive_at: int,
        drive_stride: int,
        cell: NDArray[Any],
        cell_at: int,
        panel_stride: int,
        pairs: int,
        total: NDArray[np.int32],
        total_at: int,
        total_stride: int,
    ) -> None:
        """Add ``sum_rows drive[sequence, row] * cell[row, column]`` to `total`.

        Parameters
        ----------
        drive : int16 (elements,)
            Pulse widths, a vector every `drive_stride` elements from `drive_at` on.
        cell : int16 or uint8 (elements,)
            Panels every `panel_stride` elements from `cell_at` on; a panel is
            ``(pairs, LANES, HALVES)``: two rows of a column lie side by side.
        pairs : int
            Pairs of rows that are summed.
        total : int32 (elements,)
            Added to: a vector every `total_stride` elements from `total_at` on.
        """
        sequences, panels = self.parameters
        rows = HALVES * pairs
        for panel in range(panels):
            first = cell_at + panel * panel_stride
            block = cell[first : first + rows * LANES].reshape(pairs, LANES, HALVES)
            matrix = block.transpose(0, 2, 1).reshape(rows, LANES).astype(np.int64)
            for sequence in range(sequences):
                begin = drive_at + sequence * drive_stride
                place = total_at + sequence * total_stride + panel * LANES
                sums = drive[begin : begin + rows].astype(np.int64) @ matrix
                total[place : place + LANES] += sums.astype(np.int32)


class CountBelow(Generated):
    """How many rungs are at or below what each column shows.

    Parameters
    ----------
    panels : int
        How many panels of `LANES` columns.
    """

    name = "count_below"

    def __init__(self, panels: int) -> None:
        self.parameters = (panels,)

    def __call__(
        self,
        seen: NDArray[Any],
        seen_at: int,
        rung: NDArray[Any],
        rung_at: int,
        rungs: int,
        count: NDArray[np.int32],
        count_at: int,
    ) -> None:
        """Write the number of ``rung[rung_at:rung_at + rungs]`` that are not above each value.

        Both are int32, or both int64.
        """
        mine = rung[rung_at : rung_at + rungs]
        for lane in range(LANES * self.parameters[0]):
            count[count_at + lane] = np.count_nonzero(mine <= seen[seen_at + lane])


class CountReached(Generated):
    """How many of `MANY_LANES` numbers have reached each of the numbers from 1 on."""

    name = "count_reached"

    def __call__(
        self, number: NDArray[np.int32], at: int, steps: int, count: NDArray[np.int64]
    ) -> None:
        """Add to ``count[n]`` how many of ``number[at:at + MANY_LANES]`` are at least ``n + 1``.

        Neither they nor `steps` are above `MOST_REACHED`.
        """
        mine = number[at : at + MANY_LANES]
        for step in range(steps):
            count[step] += np.count_nonzero(mine >= step + 1)


class MultiplyHigh(Generated):
    """The upper half of a product."""

    name = "multiply_high"

    def __call__(self, a: np.uint64, b: np.uint64) -> np.uint64:
        """Return the upper 64 bits of a 64 x 64 bit product."""
        return np.uint64(int(a) * int(b) >> 64)


multiply_high = MultiplyHigh()
add_products_1x1, add_products_1x4 = AddProducts(1, 1), AddProducts(1, 4)
add_products_4x1, add_products_4x4 = AddProducts(4, 1), AddProducts(4, 4)
count_below_1, count_below_2, count_below_4 = CountBelow(1), CountBelow(2), CountBelow(4)
count_reached = CountReached()
