"""Do the fused kernel's inner loops do what they say, up to the largest numbers that they take?

What is compiled, vector code or plain loops, is compared with its definition, which the interpreter
runs, and with NumPy.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from llvmlite import binding

from archsim.numeric.inner.loops import (
    ADD_PRODUCTS,
    COUNT_BELOW,
    HALVES,
    LANES,
    MANY_LANES,
    MOST_REACHED,
    count_reached,
    multiply_high,
)
from archsim.numeric.jit import start
from tests.runs import ROOT

pytestmark = pytest.mark.interpreted

QUICK = bool(numba.config.DISABLE_JIT)
start()
INT32 = np.iinfo(np.int32)
GUARD = 77
"""Stands around what is written."""
Array = Any

# ---------------------------------------------------------------------------------------- products


class Products:
    """Products of a block of vectors and panels; nothing is aligned, and nothing lies close."""

    def __init__(self, sequences: int, panels: int, kind: Any) -> None:
        self.sequences, self.panels, self.kind = sequences, panels, kind
        self.define = add = ADD_PRODUCTS[sequences, panels]

        @numba.njit
        def compiled(a: Array, b: Array, n: int, c: Array, strides: tuple[int, int, int]) -> None:
            add(a[1:], strides[0], b[3:], strides[1], n, c[5:], strides[2])

        self.compiled = compiled

    def strides(self, pairs: int) -> tuple[int, int, int]:
        """Return the distances of vectors, panels and sums."""
        rows = pairs * HALVES
        return rows + 3, rows * LANES + 5, self.panels * LANES + 7

    def sizes(self, pairs: int) -> tuple[int, int, int]:
        """Return how long the arrays of vectors, panels and sums have to be."""
        drive, cell, total = self.strides(pairs)
        return 1 + self.sequences * drive, 3 + self.panels * cell, 5 + self.sequences * total

    def add(self, pairs: int, drive: Array, cell: Array, total: Array) -> Array:
        """Return `total` with the products, having compared all of it with the definition's."""
        found, expected = total.astype(np.int32), total.astype(np.int32)
        drive, cell = drive.astype(np.int16), cell.astype(self.kind)
        a, b, c = self.strides(pairs)
        self.compiled(drive, cell, pairs, found, (a, b, c))
        self.define(drive[1:], a, cell[3:], b, pairs, expected[5:], c)
        np.testing.assert_array_equal(found, expected)
        return found

    def add_alike(self, pairs: int, drive: int, cell: int, begin: int) -> Array:
        """Return what becomes of sums that are all `begin`, and of how many."""
        factors = zip(self.sizes(pairs), (drive, cell, begin), strict=True)
        found = self.add(pairs, *(np.full(size, factor) for size, factor in factors))
        assert np.count_nonzero(found != begin) == self.sequences * self.panels * LANES
        return found[found != begin]


BLOCKS = [(1, 1), (1, 4), (4, 1), (4, 4)]
BYTES = np.iinfo(np.uint8).max


@pytest.fixture(params=BLOCKS, ids=str, scope="module")
def products(request: pytest.FixtureRequest) -> Products:
    return Products(*request.param, np.int16)


@pytest.fixture(params=BLOCKS, ids=str, scope="module")
def products_of_bytes(request: pytest.FixtureRequest) -> Products:
    return Products(*request.param, np.uint8)


@pytest.mark.parametrize("pairs", range(10))
def test_sums_of_products_are_the_definitions(products: Products, pairs: int) -> None:
    rng = np.random.default_rng(pairs)
    drives, cells, totals = products.sizes(pairs)
    for most_drive, most_cell in ((1, 1), (255, 8000), (8000, 255), (3000, 3000)):
        products.add(
            pairs,
            rng.integers(-most_drive, most_drive + 1, drives),
            rng.integers(-most_cell, most_cell + 1, cells),
            rng.integers(-(2**30), 2**30, totals),
        )


def test_sums_of_products_are_numpys(products: Products) -> None:
    rng, rows = np.random.default_rng(3), 6
    drives, cells, totals = products.sizes(rows // HALVES)
    drive, cell = rng.integers(-999, 1000, drives), rng.integers(-999, 1000, cells)
    found = products.add(rows // HALVES, drive, cell, np.zeros(totals))
    a, b, c = products.strides(rows // HALVES)
    for sequence in range(products.sequences):
        mine = drive[1 + sequence * a :][:rows]
        for panel in range(products.panels):
            block = cell[3 + panel * b :][: rows * LANES].reshape(-1, LANES, HALVES)
            matrix = np.concatenate([pair.T for pair in block])
            sums = found[5 + sequence * c + panel * LANES :][:LANES]
            np.testing.assert_array_equal(sums, mine @ matrix)


@pytest.mark.parametrize("cell", [32767, -32767])
@pytest.mark.parametrize("drive", [32767, -32767, -32768])
def test_sums_that_an_int32_just_holds_are_exact(products: Products, drive: int, cell: int) -> None:
    product = HALVES * drive * cell
    limit = INT32.max if product > 0 else INT32.min
    for begin in (0, limit - product):
        assert set(products.add_alike(1, drive, cell, begin).tolist()) == {begin + product}


def test_sums_of_more_bits_keep_the_lowest(products: Products) -> None:
    """Where no factor is negative they are taken for unsigned."""
    sums = products.add_alike(2, 32767, 32767, 0).astype(np.uint32)
    assert set(sums.tolist()) == {4 * 32767**2}


@pytest.mark.parametrize("pairs", range(10))
def test_sums_of_products_with_bytes_are_the_definitions(
    products_of_bytes: Products, pairs: int
) -> None:
    rng = np.random.default_rng(pairs)
    drives, cells, totals = products_of_bytes.sizes(pairs)
    for least in (-32767, 0):
        products_of_bytes.add(
            pairs,
            rng.integers(least, 32768, drives),
            rng.integers(0, BYTES + 1, cells),
            rng.integers(-(2**30), 2**30, totals),
        )


@pytest.mark.parametrize("drive", [32767, -32768])
def test_sums_that_are_largest_with_bytes_are_exact(
    products_of_bytes: Products, drive: int
) -> None:
    sums = products_of_bytes.add_alike(9, drive, BYTES, 0)
    assert set(sums.tolist()) == {9 * HALVES * drive * BYTES}


# ------------------------------------------------------------------------------------------ counts


def compiled_below(panels: int) -> Any:
    count_below = COUNT_BELOW[panels]

    @numba.njit
    def compiled(seen: Array, threshold: Array, entries: int, count: Array) -> None:
        count_below(seen[3:], threshold[1:], entries, count[2:])

    return compiled


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@pytest.mark.parametrize("panels", [1, 2, 4])
def test_thresholds_at_or_below_are_counted_as_defined(panels: int, kind: Any) -> None:
    compiled, rng = compiled_below(panels), np.random.default_rng(8)
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    for entries in (0, 1, 2, 7, 31, 64, 70):
        for least, most in ((-3, 3), (-(10**5), 10**5), (low, high)):
            seen = rng.integers(least, most, panels * LANES + 5, dtype=kind, endpoint=True)
            threshold = rng.integers(least, most, entries + 2, dtype=kind, endpoint=True)
            seen[3:5], threshold[1:2], threshold[-2:-1] = (low, high), low, high
            found, expected = (np.full(panels * LANES + 4, GUARD, np.int32) for _ in range(2))
            compiled(seen, threshold, entries, found)
            COUNT_BELOW[panels](seen[3:], threshold[1:], entries, expected[2:])
            np.testing.assert_array_equal(found, expected)
            below = (threshold[1 : entries + 1] <= seen[3 : 3 + panels * LANES, None]).sum(axis=1)
            np.testing.assert_array_equal(found[2:-2], below)


@numba.njit
def compiled_reached(number: Array, at: int, steps: int, count: Array) -> None:
    count_reached(number[at:], steps, count)


@pytest.mark.parametrize("steps", [0, 1, 2, 64, 254, MOST_REACHED])
def test_numbers_that_reach_a_step_are_counted_as_defined(steps: int) -> None:
    rng = np.random.default_rng(steps)
    some = rng.integers(0, MOST_REACHED + 1, MANY_LANES)
    few = rng.integers(0, steps + 1, MANY_LANES)
    edges = np.resize([0, 1, MOST_REACHED, 127, 128, 254], MANY_LANES)
    alike = (np.full(MANY_LANES, number) for number in (0, 1, 127, 128, MOST_REACHED))
    for mine in (some, few, edges, *alike):
        number = np.full(MANY_LANES + 4, MOST_REACHED, dtype=np.int32)
        number[3:-1] = mine
        found, expected = (np.full(steps + 2, GUARD, np.int64) for _ in range(2))
        compiled_reached(number, 3, steps, found)
        count_reached(number[3:], steps, expected)
        np.testing.assert_array_equal(found, expected)
        reached = [np.count_nonzero(mine > step) for step in range(steps)]
        assert (found - GUARD).tolist() == [*reached, 0, 0]


# ---------------------------------------------------------------------------------- long products


@numba.njit
def compiled_high(a: Any, b: Any) -> Any:
    return multiply_high(a, b)


def test_upper_halves_of_long_products_are_exact() -> None:
    rng = np.random.default_rng(4)
    numbers = [0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 1]
    numbers += rng.integers(0, 2**64 - 1, 40, dtype=np.uint64, endpoint=True).tolist()
    for a in numbers:
        for b in numbers:
            factors = np.uint64(a), np.uint64(b)
            high = a * b >> 64
            assert int(compiled_high(*factors)) == int(multiply_high(*factors)) == high


# -------------------------------------------------------------------------------- other processors


@pytest.mark.slow
@pytest.mark.skipif(QUICK, reason="nothing is compiled")
@pytest.mark.parametrize(
    ("processor", "features"), [("generic", ""), ("haswell", "+avx2,+avx,+sse4.2")]
)
def test_other_processors_compute_the_same(processor: str, features: str) -> None:
    """Older ones have other instructions, or none; what they run, newer ones run too."""
    if features and not binding.get_host_cpu_features().get("avx2"):
        pytest.skip("this processor does not have these instructions")
    tests = "sums_of or sums_that or at_or_below or reach_a_step or upper_halves"
    command = [sys.executable, "-m", "pytest", "-q", Path(__file__).relative_to(ROOT), "-k", tests]
    settings = {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": features}
    done = subprocess.run(
        command, env=os.environ | settings, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
