"""Counter-based random numbers: Philox 4x64-10, and normal variates made from it.

A number is a pure function of a key (seed, purpose) and a counter (what it is for: a place on a
chip, a conversion of a sequence), so a result depends on nothing else: not on threads, batches or
order.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. The tests compare the
generator with NumPy's ``Philox``.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from archsim.numeric.inner.loops import multiply_high
from archsim.numeric.jit import leaf


class Purpose(IntEnum):
    """What a random number is for; the second word of the key."""

    PROGRAMMING = 1
    """Write error of a device."""
    STUCK = 2
    """Which devices are stuck."""
    DRIFT = 3
    """Spread of the drift exponents."""
    PULSE = 4
    """Effect of single programming pulses."""
    READ_NOISE = 5
    """Disturbance of a column in one conversion."""
    RAMP_NOISE = 6
    """Disturbance of ramp and bias cells in one conversion."""
    INTEGRATOR_OFFSET = 7
    """Offset of an integrator."""
    COMPARATOR_OFFSET = 8
    """Offset of a comparator."""
    DECISION_NOISE = 9
    """Noise of one comparison."""


_ROUNDS = 10
_MULTIPLIER_0 = np.uint64(0xD2E7470EE14C6C93)
_MULTIPLIER_1 = np.uint64(0xCA5A826395121157)
_WEYL_0 = np.uint64(0x9E3779B97F4A7C15)
_WEYL_1 = np.uint64(0xBB67AE8584CAA73B)
_MANTISSA = np.uint64(11)
_UNIT = 2.0**-53


@leaf
def philox(
    key_0: int, key_1: int, counter_0: int, counter_1: int, counter_2: int, counter_3: int
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Return the four 64-bit words of a counter under a key."""
    k_0, k_1 = np.uint64(key_0), np.uint64(key_1)
    c_0, c_1 = np.uint64(counter_0), np.uint64(counter_1)
    c_2, c_3 = np.uint64(counter_2), np.uint64(counter_3)
    for _ in range(_ROUNDS):
        high_0, low_0 = multiply_high(_MULTIPLIER_0, c_0), _MULTIPLIER_0 * c_0
        high_1, low_1 = multiply_high(_MULTIPLIER_1, c_2), _MULTIPLIER_1 * c_2
        c_0, c_1, c_2, c_3 = high_1 ^ c_1 ^ k_0, low_1, high_0 ^ c_3 ^ k_1, low_0
        k_0 += _WEYL_0
        k_1 += _WEYL_1
    return c_0, c_1, c_2, c_3


@leaf
def uniform(word: np.uint64) -> float:
    """Turn 64 random bits into a number in (0, 1]."""
    return (np.float64(word >> _MANTISSA) + 1.0) * _UNIT


@leaf
def normal_pair(word_0: np.uint64, word_1: np.uint64) -> tuple[float, float]:
    """Turn two words into two independent standard normal variates (Box and Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(uniform(word_0)))
    angle = 2.0 * math.pi * uniform(word_1)
    return radius * math.cos(angle), radius * math.sin(angle)


@leaf
def fill_normal(
    seed: int,
    purpose: int,
    counter_1: int,
    counter_2: int,
    counter_3: int,
    out: NDArray[np.float64],
) -> None:
    """Fill a vector with standard normal variates; entry n comes from counter ``n // 4``."""
    for group in range((out.shape[0] + 3) // 4):
        word_0, word_1, word_2, word_3 = philox(
            seed, purpose, group, counter_1, counter_2, counter_3
        )
        first = 4 * group
        normal = (*normal_pair(word_0, word_1), *normal_pair(word_2, word_3))
        for place in range(min(4, out.shape[0] - first)):
            out[first + place] = normal[place]


@leaf
def fill_uniform(
    seed: int,
    purpose: int,
    counter_1: int,
    counter_2: int,
    counter_3: int,
    out: NDArray[np.float64],
) -> None:
    """Fill a vector with uniform variates in (0, 1]; entry n comes from counter ``n // 4``."""
    for group in range((out.shape[0] + 3) // 4):
        words = philox(seed, purpose, group, counter_1, counter_2, counter_3)
        first = 4 * group
        for place in range(min(4, out.shape[0] - first)):
            out[first + place] = uniform(words[place])
