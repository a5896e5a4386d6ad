"""Exact products of whole numbers, from int16 factors: cells laid out for the fused kernel.

A column's charge is ``sum_i drive_i * difference_ij``, and the variance of its read noise
``sum_i drive_i**2 * variance_ij``. Cells lie in *panels* of `LANES` columns, two rows of a column
side by side, so that memory is read in one direction and a vector's sums are those of neighbouring
columns; zeros fill the last panel and the last pair of rows up.

Numbers that are too large are cut into *digits*: a cell of 24 bits is two of 12, each in a layer of
its own. Sums are kept in int32 for as many rows as cannot overflow, whatever the inputs are, and in
int64 beyond; how many rows that is comes from the cells when they are laid out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.numeric.inner.loops import (
    HALVES,
    LANES,
    add_products_1x1,
    add_products_1x4,
    add_products_4x1,
    add_products_4x4,
)
from archsim.numeric.jit import kernel, leaf

_FEW_PAIRS = 64
"""Pairs of rows that an int32 sum has to hold at least: one more digit is cheaper than short
sums."""

_PANEL = LANES * HALVES
_LINE = 64
"""Bytes of a line of the cache."""
_CHOICES = sorted(
    ((n, m) for n in (1, 2, 3) for m in (1, 2, 3)), key=lambda both: both[0] * both[1]
)
"""Digits of a cell and of an input, the cheapest choice first."""


class ProductArrays(NamedTuple):
    """Cells of a layer's banks, laid out for products.

    Attributes
    ----------
    cell : int16 or uint8 (cells,)
        For each bank its layers, of the lowest digits first; a layer is
        ``(panels, pairs of rows, LANES, HALVES)``.
    place : int64 (banks,)
        Where each bank begins.
    layers, layer_bits : int
        Digits of a cell, and bits of each but the highest.
    digits, digit_bits : int
        The same of an input.
    block : int
        Pairs of rows that a 32 bit sum holds.
    mask : int
        Bits of a sum: -1 where it is signed, ``2**32 - 1`` where no factor is negative.
    single : int
        1 where one digit of either is enough, and a sum holds all rows.
    """

    cell: NDArray[Any]
    place: NDArray[np.int64]
    layers: int
    layer_bits: int
    digits: int
    digit_bits: int
    block: int
    mask: int
    single: int


NO_PRODUCT = ProductArrays(
    np.zeros(0, dtype=np.int16), np.zeros(0, dtype=np.int64), 1, 0, 1, 0, 1, -1, 1
)
NO_VARIANCE = NO_PRODUCT._replace(cell=np.zeros(0, dtype=np.uint8))


def lay_out(
    banks: Sequence[NDArray[Any]], largest_input: int, *, signed: bool = True
) -> ProductArrays | None:
    """Lay cells (rows, columns) out for inputs up to a magnitude; None if they are too large.

    Unless they are `signed`, neither cells nor inputs are ever negative. Cells that are uint8 stay
    so.
    """
    for layers, digits in _CHOICES:
        product = _lay_out(banks, largest_input, layers, digits, signed=signed)
        if product is not None:
            return product
    return None


def _lay_out(
    banks: Sequence[NDArray[Any]], largest_input: int, layers: int, digits: int, *, signed: bool
) -> ProductArrays | None:
    largest_cell = max(int(max(bank.max(initial=0), -bank.min(initial=0))) for bank in banks)
    layer_bits = -(-largest_cell.bit_length() // layers)
    digit_bits = -(-largest_input.bit_length() // digits)
    if max(layer_bits, digit_bits) > 15:
        return None
    parts = [_in_panels(bank, layers, layer_bits) for bank in banks]
    top = largest_input if digits == 1 else (1 << digit_bits) - 1
    mask = -1 if signed else (1 << 32) - 1
    limit = (1 << 31) - 1 if signed else mask
    most = max(part.shape[2] for part in parts)
    holds = [(_pairs_of_a_sum(part, limit // max(top, 1)), part.shape[2]) for part in parts]
    block = min(most if pairs == whole else pairs for pairs, whole in holds)
    if block < min(_FEW_PAIRS, most):
        return None
    place = np.cumsum([0, *(part.size for part in parts[:-1])], dtype=np.int64)
    cell = _aligned(np.concatenate([part.ravel() for part in parts]))
    single = int(layers == digits == 1 and block >= most)
    return ProductArrays(cell, place, layers, layer_bits, digits, digit_bits, block, mask, single)


def _aligned(cells: NDArray[Any]) -> NDArray[Any]:
    """Return a copy that begins at a line of the cache, so that no vector lies across two lines."""
    memory = np.empty(cells.nbytes + _LINE, dtype=np.uint8)
    first = -memory.ctypes.data % _LINE
    out = memory[first : first + cells.nbytes].view(cells.dtype)
    out[:] = cells
    return out


def _in_panels(cells: NDArray[Any], layers: int, bits: int) -> NDArray[Any]:
    """Return the digits of cells (rows, columns) as (layers, panels, pairs, LANES, HALVES)."""
    rows, columns = cells.shape
    panels, pairs = -(-columns // LANES), -(-rows // HALVES)
    kind = np.uint8 if cells.dtype == np.uint8 else np.int16
    out = np.zeros((layers, panels, pairs, LANES, HALVES), dtype=kind)
    for layer in range(layers):
        digit = cells if layers == 1 else cells >> (layer * bits)
        if layer < layers - 1:
            digit = digit & ((1 << bits) - 1)
        whole = np.zeros((pairs * HALVES, panels * LANES), dtype=kind)
        whole[:rows, :columns] = digit
        out[layer] = whole.reshape(pairs, HALVES, panels, LANES).transpose(2, 0, 3, 1)
    return out


def _pairs_of_a_sum(digit: NDArray[Any], most: int) -> int:
    """Return how many pairs of rows have magnitudes that add up to `most`; 0 if no pair has."""
    magnitude = np.abs(digit.astype(np.int32)).sum(axis=4, dtype=np.int64)
    pairs = int(digit.shape[2])
    block = pairs
    while block > 0:
        sums = np.add.reduceat(magnitude, np.arange(0, pairs, block), axis=2)
        if int(sums.max()) <= most:
            return block
        block //= 2
    return 0


class ProductScratch(NamedTuple):
    """Memory for products of a block of sequences with a bank.

    Attributes
    ----------
    vector : int16
        Digits of the inputs: vectors one after the other, all lowest digits first.
    partial : int32
        Sums of a block of rows.
    total : int64
        Sums, of variances.
    """

    vector: NDArray[np.int16]
    partial: NDArray[np.int32]
    total: NDArray[np.int64]


@kernel
def product_scratch(digits: int, sequences: int, rows: int, columns: int) -> ProductScratch:
    """Make memory for products with inputs of so many digits; columns are those of whole panels."""
    return ProductScratch(
        np.zeros(digits * sequences * (rows + HALVES - 1), dtype=np.int16),
        np.zeros(sequences * columns, dtype=np.int32),
        np.zeros(sequences * columns, dtype=np.int64),
    )


class Vectors(NamedTuple):
    """Inputs of a bank for a block of sequences.

    Attributes
    ----------
    width : int16 (elements,)
        A vector every `stride` elements.
    stride : int
        How far vectors are apart.
    sequences, rows : int
        How many vectors, and how long they are; a pair of elements behind the last can be read.
    """

    width: NDArray[np.int16]
    stride: int
    sequences: int
    rows: int


class Strided(NamedTuple):
    """An array in which something begins every `stride` elements."""

    data: NDArray[Any]
    stride: int


@leaf
def multiply(
    product: ProductArrays,
    bank: int,
    vectors: Vectors,
    squared: bool,
    scratch: ProductScratch,
    out: NDArray[np.int64],
    stride: int,
) -> None:
    """Multiply a bank's cells with inputs, or with their squares.

    Parameters
    ----------
    product : ProductArrays
        Cells of the matrix's banks.
    bank : int
        Which bank.
    vectors : Vectors
        Its inputs.
    squared : bool
        Whether inputs are squared.
    scratch : ProductScratch
        Scratch.
    out : int64
        Out: a vector every `stride` elements, which is as wide as the panels.
    """
    partial, sums = scratch.partial, vectors.sequences * stride
    _split_inputs(product, vectors, squared, scratch.vector)
    if product.single == 1:
        _sum_block(product, bank, vectors, (0, 0, 0, _pairs(vectors.rows)), scratch, stride)
        for place in range(sums):
            out[place] = np.int64(partial[place]) & product.mask
        return
    for place in range(sums):
        out[place] = 0
    for layer in range(product.layers):
        for digit in range(product.digits):
            shift = layer * product.layer_bits + digit * product.digit_bits
            for begin in range(0, _pairs(vectors.rows), product.block):
                length = min(product.block, _pairs(vectors.rows) - begin)
                _sum_block(product, bank, vectors, (layer, digit, begin, length), scratch, stride)
                for place in range(sums):
                    out[place] += (np.int64(partial[place]) & product.mask) << shift


@leaf
def _pairs(rows: int) -> int:
    return (rows + HALVES - 1) // HALVES


@leaf
def _sum_block(
    product: ProductArrays,
    bank: int,
    vectors: Vectors,
    which: tuple[int, int, int, int],
    scratch: ProductScratch,
    stride: int,
) -> None:
    """Write the sums of a block of pairs of rows to the scratch.

    `which` are the limb of the cells and of the inputs, the first pair, and how many.
    """
    layer, digit, begin, length = which
    pairs, panels, sequences = _pairs(vectors.rows), stride // LANES, vectors.sequences
    partial, width, step = scratch.partial, pairs * HALVES, pairs * _PANEL
    for place in range(sequences * stride):
        partial[place] = 0
    inputs = scratch.vector[digit * sequences * width + begin * HALVES :]
    cells = product.cell[product.place[bank] + layer * panels * step + begin * _PANEL :]
    add_products(
        Strided(inputs, width), sequences, Strided(cells, step), panels, length,
        Strided(partial, stride),
    )  # fmt: skip


@leaf
def _split_inputs(
    product: ProductArrays, vectors: Vectors, squared: bool, vector: NDArray[np.int16]
) -> None:
    """Write the digits of a bank's inputs, or of their squares, to the scratch.

    A vector of an odd number of rows ends with something that is multiplied with nothing.
    """
    width, bits, sequences = _pairs(vectors.rows) * HALVES, product.digit_bits, vectors.sequences
    for digit in range(product.digits):
        shift = digit * bits
        mask = (1 << bits) - 1 if digit < product.digits - 1 else -1
        for sequence in range(sequences):
            mine = vectors.width[sequence * vectors.stride :][: vectors.rows]
            to = vector[(digit * sequences + sequence) * width :]
            _take_digit(mine, shift, mask, squared, to)


@leaf
def _take_digit(
    drive: NDArray[np.int16], shift: int, mask: int, squared: bool, out: NDArray[np.int16]
) -> None:
    if squared:
        for row in range(drive.shape[0]):
            out[row] = ((np.int64(drive[row]) * np.int64(drive[row])) >> shift) & mask
    else:
        for row in range(drive.shape[0]):
            out[row] = (np.int64(drive[row]) >> shift) & mask


@leaf
def add_products(
    vectors: Strided, sequences: int, cells: Strided, panels: int, pairs: int, sums: Strided
) -> None:
    """Add the products of some pairs of rows to 32 bit sums.

    Four sequences go with four panels, so that every number loaded serves several sums; a panel
    is used for all sequences while it is in the cache.

    Parameters
    ----------
    vectors : Strided
        Inputs (int16), a vector of pairs of rows each.
    sequences : int
        How many.
    cells : Strided
        Panels (int16 or uint8).
    panels, pairs : int
        How many, and how many pairs of rows of each.
    sums : Strided
        Added to (int32), a vector of `panels` times `LANES` each.
    """
    vector, cell, total = vectors.data, cells.data, sums.data
    of_vector, of_panel, of_sum = vectors.stride, cells.stride, sums.stride
    four, groups = sequences // 4 * 4, panels // 4 * 4
    for panel in range(0, groups, 4):
        here, out = cell[panel * of_panel :], panel * LANES
        for sequence in range(0, four, 4):
            mine, to = vector[sequence * of_vector :], total[sequence * of_sum + out :]
            add_products_4x4(mine, of_vector, here, of_panel, pairs, to, of_sum)
        for sequence in range(four, sequences):
            mine, to = vector[sequence * of_vector :], total[sequence * of_sum + out :]
            add_products_1x4(mine, of_vector, here, of_panel, pairs, to, of_sum)
    for panel in range(groups, panels):
        here, out = cell[panel * of_panel :], panel * LANES
        for sequence in range(0, four, 4):
            mine, to = vector[sequence * of_vector :], total[sequence * of_sum + out :]
            add_products_4x1(mine, of_vector, here, of_panel, pairs, to, of_sum)
        for sequence in range(four, sequences):
            mine, to = vector[sequence * of_vector :], total[sequence * of_sum + out :]
            add_products_1x1(mine, of_vector, here, of_panel, pairs, to, of_sum)
