"""Are the fused kernel's sums exact: of products, and of what tiles spend?"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from archsim.kernels.energy import (
    ALL,
    CONVERTING,
    INTEGRATING,
    EnergyArrays,
    TileEnergy,
    add_energy,
    join_energy,
)
from archsim.kernels.product import Vectors, lay_out, multiply, product_scratch
from archsim.numeric.inner.loops import LANES
from archsim.numeric.weighted import add_weighted, make_weights
from archsim.vocabulary import N_ACTIVITY, Activity
from tests.counting import bits_of

# The interpreter says so where compiled integers wrap around in silence.
pytestmark = [
    pytest.mark.interpreted,
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
]

QUICK = bool(numba.config.DISABLE_JIT)
Rng = np.random.Generator
Array = Any

# ---------------------------------------------------------------------------------------- products


def product_of(cells: Array, drive: Array, largest: int, *, squared: bool, signed: bool) -> Array:
    """Return what cells (rows, columns) and vectors of inputs, or their squares, add up to."""
    (sequences, rows), columns = drive.shape, cells.shape[1]
    product = lay_out([cells], largest**2 if squared else largest, signed=signed)
    assert product is not None
    stride, width = rows + 4, -(-columns // LANES) * LANES
    flat = np.full(1 + sequences * stride, 99, dtype=np.int16)
    flat[1:].reshape(sequences, stride)[:, :rows] = drive
    out = np.full(sequences * width + 1, 77, dtype=np.int64)
    scratch = product_scratch(product.digits, sequences, rows, width)
    vectors = Vectors(flat[1:], stride, sequences, rows)
    multiply(product, 0, vectors, squared, scratch, out, width)
    assert product.cell.dtype == (np.uint8 if cells.dtype == np.uint8 else np.int16)
    assert out[-1] == 77
    return out[:-1].reshape(sequences, width)[:, :columns]


@pytest.mark.parametrize("rows", [300, 301])
@pytest.mark.parametrize("largest", [1, 31, 255, 16383, 16384, 32767])
@pytest.mark.parametrize("squared", [False, True])
def test_products_of_the_largest_numbers_are_exact(largest: int, squared: bool, rows: int) -> None:
    rng = np.random.default_rng(largest)
    cells = rng.choice([-32767, 32767], (rows, 5)).astype(np.int16)
    drive = largest * rng.choice([-1, 1], (5, rows))
    drive[0], drive[1] = largest * np.sign(cells[:, 0]), -largest * np.sign(cells[:, 0])
    found = product_of(cells, drive, largest, squared=squared, signed=True)
    factor = drive**2 if squared else drive
    np.testing.assert_array_equal(found, factor @ cells.astype(np.int64))


@pytest.mark.parametrize("kind", [np.uint8, np.int16])
@pytest.mark.parametrize("columns", [1, 16, 17, 70])
@pytest.mark.parametrize("largest", [1, 31, 255, 32767])
def test_products_that_are_never_negative_are_exact(largest: int, columns: int, kind: Any) -> None:
    rng, top = np.random.default_rng(largest), np.iinfo(kind).max
    cells = rng.integers(0, top + 1, (300, columns)).astype(kind)
    cells[:, 0] = top
    drive = rng.integers(-largest, largest + 1, (6, 300))
    drive[0] = largest
    found = product_of(cells, drive, largest, squared=True, signed=False)
    np.testing.assert_array_equal(found, drive**2 @ cells.astype(np.int64))


def test_nothing_is_laid_out_that_no_digits_hold() -> None:
    assert lay_out([np.ones((2, 2), dtype=np.int16)], 1 << 46) is None


@pytest.mark.parametrize("heights", [(2, 3), (64, 36), (1, 200)])
def test_banks_of_several_heights_are_laid_out_together(heights: tuple[int, ...]) -> None:
    product = lay_out([np.ones((rows, 5), dtype=np.int16) for rows in heights], 31)
    assert product is not None
    assert (product.layers, product.digits, product.single) == (1, 1, 1)


# ------------------------------------------------------------------------------------------ energy


def random_energy(rng: Rng, cycles: int, components: int) -> TileEnergy:
    charged = rng.random((N_ACTIVITY, components)) < 0.5
    amounts = rng.random((N_ACTIVITY, components)) * 10.0 ** -rng.integers(9, 16, components)
    return TileEnergy(rng.random((cycles, components)) * 1e-12, amounts * charged)


def add_group(energy: EnergyArrays, group: int, first: int, count: Array, out: Array) -> None:
    """Add what the only tile spends for a group's activities in the cycles that were counted."""
    length, cycles = int(energy.tile["cycles"][0]), count.shape[1]
    scratch = np.empty(cycles)
    terms = energy.term_pointer[0, group : group + 2]
    for component, begin, end in energy.term[slice(*terms)]:
        place = component * length + first
        add_energy(count, cycles, energy, (begin, end), scratch, place, out, place)


@pytest.mark.parametrize("seed", range(3 if QUICK else 40))
def test_energy_of_both_groups_has_the_bits_of_the_sum_over_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, integrating, converting, after = (int(n) for n in rng.integers(1, 30, 4))
    cycles = before + integrating + converting + after
    tile = random_energy(rng, cycles, int(rng.integers(0, 9)))
    count = np.zeros((N_ACTIVITY, cycles), dtype=np.int64)
    phase, ramp = slice(before, before + integrating), slice(before + integrating, cycles - after)
    count[: Activity.UNDECIDED, phase] = rng.integers(0, 10**6, (3, integrating))
    count[Activity.UNDECIDED :, ramp] = rng.integers(0, 200, (2, converting))
    expected = np.empty_like(tile.fixed)
    add_weighted(tile.fixed, make_weights(tile.per_activity), count.T.copy(), expected)
    energy = join_energy([tile])
    apart, whole = energy.fixed.copy(), energy.fixed.copy()
    add_group(energy, INTEGRATING, phase.start, count[:, phase].copy(), apart)
    add_group(energy, CONVERTING, ramp.start, count[:, ramp].copy(), apart)
    add_group(energy, ALL, 0, count, whole)
    for found in (apart, whole):
        by_cycle = found.reshape(expected.shape[::-1]).T.copy()
        np.testing.assert_array_equal(bits_of(by_cycle), bits_of(expected))
