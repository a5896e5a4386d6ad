"""Are charges between rails those of a kernel that clips in every cycle?"""

from __future__ import annotations

import numpy as np
import pytest

from archsim.kernels.rails import hold_between_rails

pytestmark = pytest.mark.interpreted


@pytest.mark.parametrize("seed", range(30))
def test_charges_between_rails_are_those_of_the_cycle_kernel(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, rows, columns = (int(rng.integers(1, most)) for most in (12, 40, 30))
    drive = rng.integers(-15, 16, (vectors, rows)).astype(np.int16)
    cell = rng.integers(-3000, 3000, (rows, columns)).astype((np.int16, np.int32)[seed % 2])
    start = rng.integers(-500, 500, columns)
    low, high = -int(rng.integers(1, 60_000)), int(rng.integers(1, 60_000))
    held = np.empty((vectors, columns), dtype=np.int64)
    hold_between_rails(drive, cell, start, (low, high), held)
    expected = np.tile(start, (vectors, 1))
    for cycle in range(int(np.abs(drive).max(initial=0))):
        driven = (np.sign(drive) * (np.abs(drive) > cycle)).astype(np.int64)
        expected = np.clip(expected + driven @ cell.astype(np.int64), low, high)
    assert (held == expected).all()
