"""What the fused kernel spends its time in, in instructions that compilers do not find.

These functions say what is computed; the interpreter runs them as they stand. Where kernels are
compiled, vector instructions of the machine take their place (`archsim.numeric.inner.llvm`), or
they themselves do, in plain loops, where such code cannot be built or `PLAIN_LOOPS_VARIABLE` is
set. All numbers are whole, so all of them give the same bits. Arrays are flat and whatever is read
or written lies in them: nothing is checked.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.numeric.jit import inlined, made_by, options, when_starting

PLAIN_LOOPS_VARIABLE = "ARCHSIM_PLAIN_LOOPS"
"""Environment variable: where it is set to something, kernels are compiled without vector code."""

LANES = 16
"""Columns of a panel: what one vector of int32 sums holds."""

HALVES = 2
"""Rows that are multiplied and added at a time."""

MANY_LANES = 128
"""Numbers that `count_reached` compares at a time."""

MOST_REACHED = 255
"""The largest number that `count_reached` knows."""

_PANEL = LANES * HALVES


def _adder_of_products(sequences: int, panels: int) -> Callable[..., None]:
    """Return a function for so many vectors of pulse widths, and panels of `LANES` columns."""

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
            Panels every `panel_stride` elements; a panel is ``(pairs, LANES, HALVES)``: two rows of
            a column lie side by side.
        pairs : int
            Pairs of rows that are summed.
        total : int32 (elements,)
            Added to, wrapping: a vector every `total_stride` elements.
        """
        for sequence in range(sequences):
            for panel in range(panels):
                place = sequence * total_stride + panel * LANES
                for lane in range(LANES):
                    add = np.int64(0)
                    for row in range(pairs * HALVES):
                        at = panel * panel_stride + row // HALVES * _PANEL
                        factor = np.int64(cell[at + lane * HALVES + row % HALVES])
                        add += np.int64(drive[sequence * drive_stride + row]) * factor
                    whole = (np.int64(total[place + lane]) + add) & 0xFFFFFFFF
                    total[place + lane] = whole - ((whole >> 31) << 32)

    return add_products


def _counter_below(panels: int) -> Callable[..., None]:
    """Return a function for so many panels of `LANES` columns."""

    def count_below(
        seen: NDArray[Any], threshold: NDArray[Any], thresholds: int, count: NDArray[np.int32]
    ) -> None:
        """Write how many of the first `thresholds` are not above each value that is seen.

        Values and thresholds are int32, or both int64.
        """
        for lane in range(LANES * panels):
            reached = np.int32(0)
            for place in range(thresholds):
                reached += np.int32(threshold[place] <= seen[lane])
            count[lane] = reached

    return count_below


def count_reached(number: NDArray[np.int32], steps: int, count: NDArray[np.int64]) -> None:
    """Add to ``count[n]`` how many of the first `MANY_LANES` numbers are at least ``n + 1``.

    Neither they nor `steps` are above `MOST_REACHED`.
    """
    for step in range(steps):
        reached = np.int64(0)
        for lane in range(MANY_LANES):
            reached += np.int64(number[lane] > step)
        count[step] += reached


def multiply_high(a: np.uint64, b: np.uint64) -> np.uint64:
    """Return the upper 64 bits of a 64 x 64 bit product."""
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    a_low, a_high, b_low, b_high = a & low, a >> half, b & low, b >> half
    middle = a_high * b_low + (a_low * b_low >> half)
    other = a_low * b_high + (middle & low)
    return a_high * b_high + (middle >> half) + (other >> half)


def _make_tail(function: Any) -> Any:
    if wants_plain_loops():
        return inlined(function)
    from archsim.numeric.inner.llvm import tail

    return tail


@made_by(_make_tail)
def tail(array: NDArray[Any], start: int) -> NDArray[Any]:
    """Return what is from an element on of a flat array, for leaves; `start` lies in it.

    A slice would compare and correct its ends first, which a short loop takes longer for than for
    what it does.
    """
    return array[start:]


add_products_1x1, add_products_1x4 = _adder_of_products(1, 1), _adder_of_products(1, 4)
add_products_4x1, add_products_4x4 = _adder_of_products(4, 1), _adder_of_products(4, 4)
count_below_1, count_below_2, count_below_4 = (_counter_below(panels) for panels in (1, 2, 4))

ADD_PRODUCTS = {
    (1, 1): add_products_1x1,
    (1, 4): add_products_1x4,
    (4, 1): add_products_4x1,
    (4, 4): add_products_4x4,
}
COUNT_BELOW = {1: count_below_1, 2: count_below_2, 4: count_below_4}
"""The functions by the numbers of vectors and panels that they work on."""


@cache
def wants_plain_loops() -> bool:
    """Return whether kernels are to be compiled without vector code: asked for, or none is there.

    Whether code can be built is tried once, without a compiler: it takes a few milliseconds.
    """
    if os.environ.get(PLAIN_LOOPS_VARIABLE):
        return True
    try:
        from archsim.numeric.inner.llvm import try_out

        try_out()
    except Exception:  # whatever hinders it: the plain loops give the same bits
        return True
    return False


def _tell_numba() -> None:
    """Have kernels that call these functions compile vector code, or them themselves."""
    from numba.extending import overload

    codes: dict[Callable[..., Any], Callable[..., Any]] = {}
    if not wants_plain_loops():
        from archsim.numeric.inner import llvm

        codes = {function: llvm.adder_of_products(*key) for key, function in ADD_PRODUCTS.items()}
        codes |= {function: llvm.counter_below(key) for key, function in COUNT_BELOW.items()}
        codes[count_reached] = llvm.counter_reached()
        codes[multiply_high] = llvm.multiplier_high()
    mine: tuple[Any, ...] = (*ADD_PRODUCTS.values(), *COUNT_BELOW.values())
    for function in (*mine, count_reached, multiply_high):
        jit_options: Any = options(leaf=True)
        code: Any = codes.get(function, function)
        overload(function, jit_options=jit_options, strict=False)(_always(code))


def _always(code: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *_: code


when_starting(_tell_numba)
