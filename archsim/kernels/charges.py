"""What the comparators of a bank see after integration, for a block of sequences.

Charges are kept in 32 bits where none can overflow, whatever the inputs, and in 64 bits elsewhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.drive import Drive
from archsim.kernels.matrix import Imperfections, MatrixArrays
from archsim.kernels.product import ProductArrays, ProductScratch, add_products, multiply
from archsim.kernels.scratch import Scratch, width_of
from archsim.numeric.inner.loops import HALVES, LANES
from archsim.numeric.jit import inlined, leaf
from archsim.numeric.normal import NormalScratch, add_normal
from archsim.numeric.philox import Purpose

_READ_NOISE = int(Purpose.READ_NOISE)
_PANEL = LANES * HALVES


@leaf
def charges_of_bank(
    matrix: MatrixArrays,
    index: int,
    drive: Drive,
    sequences: int,
    when: tuple[int, int],
    scratch: Scratch,
    extra: Imperfections | None,
) -> None:
    """Write what a bank's comparators see after integration: charges, all offsets, read noise.

    Parameters
    ----------
    matrix : MatrixArrays
        A matrix.
    index : int
        Which of its banks.
    drive : Drive
        Pulse widths of the layer's inputs.
    sequences : int
        How many vectors.
    when : tuple of int
        Number of the first sequence in the run, and of the conversion in its sequence.
    scratch : Scratch
        Out: `seen`, a vector every `width_of(columns)` elements, in quanta.
    extra : Imperfections or None
        What disturbs the matrix; None where nothing does and charges are narrow.
    """
    start, rows, seen = matrix.bank[index]["input"], matrix.bank[index]["rows"], scratch.seen
    column, columns = matrix.bank[index]["column"], matrix.bank[index]["columns"]
    if extra is None:
        _integrate_narrow(
            drive.width, start, drive.stride, sequences, matrix.charge.cell,
            matrix.bank[index]["charge"], rows, matrix.rest, column, columns, seen,
        )  # fmt: skip
    else:
        if extra.narrow == 1:
            _integrate_narrow(
                drive.width, start, drive.stride, sequences, matrix.charge.cell,
                matrix.bank[index]["charge"], rows, matrix.rest, column, columns, seen,
            )  # fmt: skip
        else:
            _integrate_wide(
                matrix.charge, index, drive.width, start, drive.stride, sequences, rows,
                matrix.rest, column, columns, scratch.noise.product, seen,
            )  # fmt: skip
        if extra.noise.cell.shape[0] > 0:
            key = extra.seed, matrix.bank[index]["number"], when[0], when[1]
            _disturb_block(
                extra.noise, index, drive.width, start, drive.stride, sequences, rows,
                extra.variance_step, column, key, columns, scratch.noise.product,
                scratch.noise.pairs, seen,
            )  # fmt: skip


@inlined
def _integrate_narrow(
    drive: NDArray[np.int16],
    start: int,
    stride: int,
    sequences: int,
    cell: NDArray[np.int16],
    cell_at: int,
    rows: int,
    rest: NDArray[np.int64],
    column: int,
    columns: int,
    seen: NDArray[np.int32],
) -> None:
    """Add products to offsets in 32 bits."""
    width, pairs = width_of(columns), (rows + HALVES - 1) // HALVES
    offset = rest[column : column + columns]
    for sequence in range(sequences):
        mine = seen[sequence * width : sequence * width + columns]
        for place in range(columns):
            mine[place] = offset[place]
    add_products(
        drive, start, stride, sequences, cell, cell_at, pairs * _PANEL, width // LANES, pairs,
        seen, width,
    )  # fmt: skip


@leaf
def _integrate_wide(
    charge: ProductArrays,
    index: int,
    drive: NDArray[np.int16],
    start: int,
    stride: int,
    sequences: int,
    rows: int,
    rest: NDArray[np.int64],
    column: int,
    columns: int,
    scratch: ProductScratch,
    seen: NDArray[np.int64],
) -> None:
    """Add offsets to products in 64 bits."""
    width, offset = width_of(columns), rest[column : column + columns]
    multiply(charge, index, rows, drive, start, stride, sequences, False, scratch, seen, width)
    for sequence in range(sequences):
        mine = seen[sequence * width : sequence * width + columns]
        for place in range(columns):
            mine[place] += offset[place]


@leaf
def _disturb_block(
    noise: ProductArrays,
    index: int,
    drive: NDArray[np.int16],
    start: int,
    stride: int,
    sequences: int,
    rows: int,
    step: NDArray[np.float64],
    column: int,
    key: tuple[int, int, int, int],
    columns: int,
    scratch: ProductScratch,
    pairs: NormalScratch,
    seen: NDArray[Any],
) -> None:
    """Add the read noise of a conversion to every sequence's charges, as `disturb` does."""
    seed, number, first, conversion = key
    width, variance = width_of(columns), scratch.total
    multiply(noise, index, rows, drive, start, stride, sequences, True, scratch, variance, width)
    for sequence in range(sequences):
        at = sequence * width
        add_normal(
            seed, _READ_NOISE, first + sequence, conversion, number, columns, variance, at, step,
            column, pairs, seen, at,
        )  # fmt: skip
