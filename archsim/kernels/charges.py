"""What the comparators of a bank see after integration, for a block of sequences.

Charges are kept in 32 bits where none can overflow, whatever the inputs, and in 64 bits elsewhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.drive import Drive
from archsim.kernels.matrix import Imperfections, MatrixArrays
from archsim.kernels.product import Strided, Vectors, add_products, multiply
from archsim.kernels.scratch import Scratch, width_of
from archsim.numeric.inner.loops import HALVES, LANES
from archsim.numeric.jit import inlined, leaf
from archsim.numeric.normal import DrawKey, add_normal
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
    place = matrix.bank[index]
    if extra is None:
        _integrate_narrow(matrix, place, drive, sequences, scratch.seen)
    else:
        if extra.narrow == 1:
            _integrate_narrow(matrix, place, drive, sequences, scratch.seen)
        else:
            _integrate_wide(matrix, index, drive, sequences, scratch)
        if extra.noise.cell.shape[0] > 0:
            _disturb_block(matrix, extra, index, drive, sequences, when, scratch)


@inlined
def _integrate_narrow(
    matrix: MatrixArrays,
    place: np.void,
    drive: Drive,
    sequences: int,
    seen: NDArray[np.int32],
) -> None:
    """Add products to offsets in 32 bits."""
    column, columns = place["column"], place["columns"]
    width, pairs = width_of(columns), (place["rows"] + HALVES - 1) // HALVES
    offset = matrix.rest[column : column + columns]
    for sequence in range(sequences):
        mine = seen[sequence * width : sequence * width + columns]
        for index in range(columns):
            mine[index] = offset[index]
    inputs, cells = drive.width[place["input"] :], matrix.charge.cell[place["charge"] :]
    add_products(
        Strided(inputs, drive.stride), sequences, Strided(cells, pairs * _PANEL), width // LANES,
        pairs, Strided(seen, width),
    )  # fmt: skip


@leaf
def _vectors_of(place: np.void, drive: Drive, sequences: int) -> Vectors:
    """Return what drives a bank's rows."""
    return Vectors(drive.width[place["input"] :], drive.stride, sequences, place["rows"])


@leaf
def _integrate_wide(
    matrix: MatrixArrays, index: int, drive: Drive, sequences: int, scratch: Scratch
) -> None:
    """Add offsets to products in 64 bits."""
    place, seen = matrix.bank[index], scratch.seen
    column, columns = place["column"], place["columns"]
    width, offset = width_of(columns), matrix.rest[column : column + columns]
    vectors = _vectors_of(place, drive, sequences)
    multiply(matrix.charge, index, vectors, False, scratch.noise.product, seen, width)
    for sequence in range(sequences):
        mine = seen[sequence * width : sequence * width + columns]
        for index_of_column in range(columns):
            mine[index_of_column] += offset[index_of_column]


@leaf
def _disturb_block(
    matrix: MatrixArrays,
    extra: Imperfections,
    index: int,
    drive: Drive,
    sequences: int,
    when: tuple[int, int],
    scratch: Scratch,
) -> None:
    """Add the read noise of a conversion to every sequence's charges, as `disturb` does."""
    place, (first, conversion), product = matrix.bank[index], when, scratch.noise.product
    column, columns, variance = place["column"], place["columns"], product.total
    width, step = width_of(columns), extra.variance_step[column : column + columns]
    vectors = _vectors_of(place, drive, sequences)
    multiply(extra.noise, index, vectors, True, product, variance, width)
    for sequence in range(sequences):
        at = sequence * width
        key = DrawKey(extra.seed, _READ_NOISE, first + sequence, conversion, place["number"])
        mine = variance[at : at + columns]
        add_normal(key, mine, step, scratch.noise.pairs, scratch.seen[at : at + columns])
