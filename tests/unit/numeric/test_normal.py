"""Are the variates of noise that every conversion draws those of their definition, and normal?"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import pytest

from archsim.numeric.normal import (
    LARGEST_NORMAL,
    DrawKey,
    add_normal,
    cosine_and_sine,
    draw_pairs,
    fill_short_normal,
    normal_scratch,
    philox_short,
    square_of_radius,
)
from tests.naive_analog import short_normals, short_words

# The interpreter says so where compiled integers wrap around in silence.
pytestmark = [
    pytest.mark.interpreted,
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
]

QUICK = bool(numba.config.DISABLE_JIT)
SEED, PURPOSE, PLACE = 9, 5, (3, 11, 7)
OFF = 1e-10
"""More than a variate's parts are off."""
Array = Any


def drawn(count: int, *, seed: int = SEED, place: tuple[int, int, int] = PLACE) -> Array:
    """Return so many variates."""
    scratch, out = normal_scratch(count), np.empty(count)
    draw_pairs(DrawKey(seed, PURPOSE, *place), count, scratch)
    fill_short_normal(scratch, out)
    return out


@pytest.mark.parametrize(
    ("key", "counter", "words"),
    [
        ((0, 0), (0, 0, 0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((2**32 - 1,) * 2, (2**32 - 1,) * 4, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0xA4093822, 0x299F31D0),
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_short_words_are_those_of_random123(
    key: tuple[int, ...], counter: tuple[int, ...], words: str
) -> None:
    """The known answers that come with the generator's own library."""
    expected = [int(word, 16) for word in words.split()]
    found = philox_short(*(np.uint64(number) for number in (*key, *counter)))
    assert [int(word) for word in found] == list(short_words(key, counter)) == expected


def test_radius_and_angle_are_those_of_the_functions() -> None:
    some = np.random.default_rng(5).integers(0, 2**32, 40 if QUICK else 20_000).tolist()
    edges = [2**place + more for place in range(32) for more in (-1, 0, 1)] + [2**32 - 1]
    for word in some + edges:
        u = (word + 0.5) / 2**32
        square = float(square_of_radius(np.uint64(word)))
        assert math.sqrt(square) == pytest.approx(math.sqrt(-2 * math.log(u)), rel=OFF, abs=OFF)
        assert math.sqrt(square) <= LARGEST_NORMAL
        cosine, sine = cosine_and_sine(np.uint64(word))
        assert cosine == pytest.approx(math.cos(2 * math.pi * u), rel=0, abs=OFF)
        assert sine == pytest.approx(math.sin(2 * math.pi * u), rel=0, abs=OFF)
    assert float(square_of_radius(np.uint64(0))) == pytest.approx(LARGEST_NORMAL**2, rel=OFF)


@pytest.mark.parametrize("count", [1, 2, 7, 31, 32, 33, 64, 65, 130])
def test_variates_are_the_twins(count: int) -> None:
    expected = short_normals(SEED, PURPOSE, PLACE, count)
    assert drawn(count).tolist() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@pytest.mark.parametrize("columns", [1, 2, 33, 3 if QUICK else 997])
@pytest.mark.parametrize("size", [0.0, 0.3, 1e3, 1e7])
def test_noise_in_quanta_is_that_of_the_variates(size: float, columns: int, kind: Any) -> None:
    rng, (at, from_, first) = np.random.default_rng(11), (5, 3, 2)
    scratch, doubts = normal_scratch(columns), 0
    for conversion in range(2 if QUICK else 20):
        variance = rng.integers(0, 256, columns + from_)
        step = size**2 / 256 * rng.random(columns + first)
        charge = np.full(columns + at + 1, 7, dtype=kind)
        place = 3, conversion, 7
        key = DrawKey(SEED, PURPOSE, *place)
        add_normal(key, variance[from_:], step[first:], scratch, charge[at:-1])
        sigma = np.sqrt(step[first:] * variance[from_:])
        noise = sigma * drawn(columns, place=place)
        quanta = charge[at:-1].astype(np.int64) - 7
        sure = np.abs(noise - np.rint(noise)) < 0.5 - 1e-6
        np.testing.assert_array_equal(quanta[sure], np.rint(noise[sure]))
        doubts += int((~sure).sum())
        assert np.abs(quanta - noise).max() < 0.5 + 1e-6
        assert (charge[:at] == 7).all()
        assert charge[-1] == 7
    assert doubts <= columns


@pytest.mark.skipif(QUICK, reason="a million random numbers take compiled kernels")
def test_variates_are_normal_and_independent() -> None:
    many = np.stack([drawn(1001, place=(n, 0, 0)) for n in range(400)])
    n = many.size
    for power, moment, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((many**power).mean() - moment) < 4 * math.sqrt(spread / n), power
    for kind in (many, many**2):
        whole = (kind - kind.mean()) / kind.std()
        for lag in (1, 2, 3, 4, 499, 500, 501, 512):  # of pairs, and of the halves of the calls
            assert abs((whole[:, lag:] * whole[:, :-lag]).mean()) < 4.5 / math.sqrt(n / 2)
        assert abs((whole[1:] * whole[:-1]).mean()) < 4.5 / math.sqrt(n)
    others = [
        drawn(4000, place=place) for place in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (2**40, 0, 0))
    ]
    others += [drawn(4000, seed=seed, place=(0, 0, 0)) for seed in (1, 2, 2**40)]
    correlation = np.corrcoef(others) - np.eye(len(others))
    assert np.abs(correlation).max() < 4.5 / math.sqrt(4000)
