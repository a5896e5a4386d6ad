"""Normal variates for noise that is drawn in every conversion, in arithmetic for vectors.

What a draw is for (seed, purpose, sequence, conversion, place) goes through Philox 4x64 once; what
comes out is key and counter of a Philox 4x32-10, whose multiplications vector instructions know. A
pair of variates is made of two of its words by the method of Box and Muller (1958). Logarithm,
cosine and sine are series of additions and multiplications, which every machine rounds alike: the
series, a few 1e-11 off at most, are the definition of these variates, cycle by cycle as in the
fused kernel.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.numeric.jit import kernel, leaf
from archsim.numeric.philox import philox

_UNIT = 2.0**-32

LARGEST_NORMAL = math.sqrt(2.0 * math.log(2.0 / _UNIT))
"""No variate has a larger magnitude: 6.8, beyond which a normal variate lies once in 10**11."""

_ROUNDS = 10
_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_VECTOR = 8
"""Numbers that are worked on at a time, at most; arrays are filled up to a multiple of it."""
_EXPONENT = np.uint64(52)
_ONE = np.uint64(0x3FF0000000000000)
"""Bits of 1.0; with a mantissa below it, a number in [1, 2)."""
_ROOT_HALF = np.uint64(0x3FE6A09E667F3BCD)
_WHOLE = np.uint64(0x4330000000000000)
"""Bits of 2**52; with a whole number below it, 2**52 + that number."""
_WHOLE_BIAS = 2.0**52 + 1023.0
_HALF_BIAS = 2.0**52 - 0.5
_LOG_2 = math.log(2.0)
_HALF_PI = math.pi / 2.0
_L_3, _L_5, _L_7, _L_9, _L_11, _L_13, _L_15 = (1.0 / n for n in range(3, 16, 2))
"""atanh: coefficients of the powers that they are named after."""
_S_3, _S_5, _S_7, _S_9, _S_11, _S_13 = (
    (-1.0) ** (n // 2) / math.factorial(n) for n in range(3, 14, 2)
)
_C_4, _C_6, _C_8, _C_10, _C_12 = ((-1.0) ** (n // 2) / math.factorial(n) for n in range(4, 13, 2))


class NormalScratch(NamedTuple):
    """Memory for some variates; each array has an element a pair.

    Attributes
    ----------
    first, second : uint64
        Words of 32 bits.
    square, cosine, sine : float64
        Of the radius, and of the angle.
    """

    first: NDArray[np.uint64]
    second: NDArray[np.uint64]
    square: NDArray[np.float64]
    cosine: NDArray[np.float64]
    sine: NDArray[np.float64]


@kernel
def normal_scratch(count: int) -> NormalScratch:
    """Make memory for so many variates."""
    pairs = 2 * groups_for(count)
    return NormalScratch(
        np.zeros(pairs, dtype=np.uint64),
        np.zeros(pairs, dtype=np.uint64),
        np.zeros(pairs, dtype=np.float64),
        np.zeros(pairs, dtype=np.float64),
        np.zeros(pairs, dtype=np.float64),
    )


@leaf
def groups_for(count: int) -> int:
    """Return how many calls of the generator, four variates each, are made for so many variates."""
    return (count + 4 * _VECTOR - 1) // (4 * _VECTOR) * _VECTOR


@leaf
def philox_short(
    key_0: np.uint64,
    key_1: np.uint64,
    counter_0: np.uint64,
    counter_1: np.uint64,
    counter_2: np.uint64,
    counter_3: np.uint64,
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Return the four 32-bit words of a counter under a key; all numbers have 32 bits.

    Philox 4x32-10 of Salmon et al. (2011), like `archsim.numeric.philox`.
    """
    for _ in range(_ROUNDS):
        product_0, product_1 = _MULTIPLIER_0 * counter_0, _MULTIPLIER_1 * counter_2
        counter_0 = (product_1 >> _HALF) ^ counter_1 ^ key_0
        counter_2 = (product_0 >> _HALF) ^ counter_3 ^ key_1
        counter_1, counter_3 = product_1 & _LOW, product_0 & _LOW
        key_0, key_1 = (key_0 + _WEYL_0) & _LOW, (key_1 + _WEYL_1) & _LOW
    return counter_0, counter_1, counter_2, counter_3


@leaf
def square_of_radius(word: np.uint64) -> float:
    """Return ``-2 log u`` of 32 bits as a uniform number u in (0, 1).

    With ``u = m * 2**k``, m from sqrt(1/2) to sqrt(2), ``log m = 2 atanh((m - 1) / (m + 1))``.
    """
    u = (np.uint64(word | _WHOLE).view(np.float64) - _HALF_BIAS) * _UNIT
    bits = np.float64(u).view(np.uint64)
    exponent = (bits - _ROOT_HALF + _ONE) >> _EXPONENT
    m = np.uint64(bits - (exponent << _EXPONENT) + _ONE).view(np.float64)
    k = np.uint64(exponent | _WHOLE).view(np.float64) - _WHOLE_BIAS
    ratio = np.divide(m - 1.0, m + 1.0)  # no check for 0 that breaks vectors up
    x = ratio * ratio
    series = _L_7 + x * (_L_9 + x * (_L_11 + x * (_L_13 + x * _L_15)))
    series = 1.0 + x * (_L_3 + x * (_L_5 + x * series))
    return float(-2.0 * (2.0 * ratio * series + k * _LOG_2))


@leaf
def cosine_and_sine(word: np.uint64) -> tuple[float, float]:
    """Return cosine and sine of ``2 pi v`` of 32 bits as a uniform number v in (0, 1)."""
    turn = (np.uint64(word | _WHOLE).view(np.float64) - _HALF_BIAS) * (4.0 * _UNIT)
    quarter = np.rint(turn)
    angle = (turn - quarter) * _HALF_PI
    x = angle * angle
    s = _S_3 + x * (_S_5 + x * (_S_7 + x * (_S_9 + x * (_S_11 + x * _S_13))))
    s = angle + angle * x * s
    c = _C_4 + x * (_C_6 + x * (_C_8 + x * (_C_10 + x * _C_12)))
    c = 1.0 + x * (-0.5 + x * c)
    odd = (quarter == 1.0) | (quarter == 3.0)
    left = (quarter == 1.0) | (quarter == 2.0)
    down = (quarter == 2.0) | (quarter == 3.0)
    along, across = (s if odd else c), (c if odd else s)
    return (-along if left else along), (-across if down else across)


class DrawKey(NamedTuple):
    """What a draw is for: key and counter of `philox`.

    Attributes
    ----------
    seed, purpose : int
        Key: seed of the run, and a `archsim.numeric.philox.Purpose`.
    sequence, conversion, place : int
        Counter: which conversion of the run it is, and where on the chip.
    """

    seed: int
    purpose: int
    sequence: int
    conversion: int
    place: int


@leaf
def draw_pairs(key: DrawKey, count: int, scratch: NormalScratch) -> None:
    """Draw `count` variates, two a pair.

    The first half of the pairs comes from the first two words of the generator's calls, the second
    half from the others. Groups and pairs are drawn to whole vectors, so the calls for a count are
    those for every count that is filled up alike.
    """
    first, second = scratch.first, scratch.second
    square, cosine, sine = scratch.square, scratch.cosine, scratch.sine
    words = philox(key.seed, key.purpose, 0, key.sequence, key.conversion, key.place)
    key_0, key_1 = words[0] & _LOW, words[0] >> _HALF
    start_1, start_2, start_3 = words[1] & _LOW, words[1] >> _HALF, words[2] & _LOW
    groups = groups_for(count)
    lower, upper = first[groups:], second[groups:]
    for group in range(groups):
        made = philox_short(key_0, key_1, np.uint64(group), start_1, start_2, start_3)
        first[group], second[group], lower[group], upper[group] = made
    for pair in range(2 * groups):
        square[pair] = square_of_radius(first[pair])
    for pair in range(2 * groups):
        cosine[pair], sine[pair] = cosine_and_sine(second[pair])


@leaf
def fill_short_normal(scratch: NormalScratch, out: NDArray[np.float64]) -> None:
    """Fill a vector with the variates of `draw_pairs`: of every pair first its cosine's."""
    square, cosine, sine = scratch.square, scratch.cosine, scratch.sine
    for pair in range(out.shape[0] // 2):
        radius = np.sqrt(square[pair])
        out[2 * pair] = radius * cosine[pair]
        out[2 * pair + 1] = radius * sine[pair]
    if out.shape[0] % 2 == 1:
        pair = out.shape[0] // 2
        out[2 * pair] = np.sqrt(square[pair]) * cosine[pair]


@leaf
def add_normal(
    key: DrawKey,
    variance: NDArray[np.int64],
    step: NDArray[np.float64],
    scratch: NormalScratch,
    charge: NDArray[Any],
) -> None:
    """Add normal noise to charges, rounded to whole quanta (half to even).

    Parameters
    ----------
    key : DrawKey
        What it is drawn for.
    variance : int64 (columns,)
        Variances in each column's step.
    step : float64 (columns,)
        The steps, quanta^2.
    scratch : NormalScratch
        For as many variates.
    charge : int64 or int32 (columns,)
        Added to, quanta.
    """
    columns = charge.shape[0]
    draw_pairs(key, columns, scratch)
    square, cosine, sine = scratch.square, scratch.cosine, scratch.sine
    for pair in range(columns // 2):
        even, odd = 2 * pair, 2 * pair + 1
        reach = np.sqrt(step[even] * variance[even] * square[pair])
        charge[even] += np.int64(np.rint(reach * cosine[pair]))
        reach = np.sqrt(step[odd] * variance[odd] * square[pair])
        charge[odd] += np.int64(np.rint(reach * sine[pair]))
    if columns % 2 == 1:
        last, pair = columns - 1, columns // 2
        reach = np.sqrt(step[last] * variance[last] * square[pair])
        charge[last] += np.int64(np.rint(reach * cosine[pair]))
