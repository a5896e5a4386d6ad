"""Normal noise in whole quanta for many columns: the bits of `fill_normal`, at a third of its time.

What is needed of a normal variate is only ``rint(sigma * normal)``. So variates are first made by
plain arithmetic that compilers turn into vector instructions, with an error far below `ERROR`;
where that leaves a doubt about the rounding, or the arithmetic is near the ends of its range, the
variate is made again as it is defined. The rest would have been rounded to the same quanta.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.jit import kernel
from archsim.kernels.philox import normal_pair, philox

ERROR = 1e-9
"""More than an approximate variate is off by; `tests` hold it to a hundredth of this."""
_NEAR_END = 2.0**-12
"""Uniform variates this near to 0 or 1 lose bits in the logarithm's arithmetic."""

_MANTISSA = np.uint64(12)
_EXPONENT = np.uint64(52)
_ONE = np.uint64(0x3FF0000000000000)
"""Bits of 1.0; with a mantissa below it, a number in [1, 2)."""
_ROOT_HALF = np.uint64(0x3FE6A09E667F3BCD)
_WHOLE = np.uint64(0x4330000000000000)
"""Bits of 2**52; with a whole number below it, 2**52 + that number."""
_WHOLE_BIAS = 2.0**52 + 1023.0
_LOG_2 = math.log(2.0)
_HALF_PI = math.pi / 2.0
_L_3, _L_5, _L_7, _L_9, _L_11, _L_13, _L_15 = (1.0 / n for n in range(3, 16, 2))
"""atanh: coefficients of the powers that they are named after."""
_S_3, _S_5, _S_7, _S_9, _S_11, _S_13 = (
    (-1.0) ** (n // 2) / math.factorial(n) for n in range(3, 14, 2)
)
_C_4, _C_6, _C_8, _C_10, _C_12 = ((-1.0) ** (n // 2) / math.factorial(n) for n in range(4, 13, 2))


@kernel
def add_normal(
    seed: int,
    purpose: int,
    counter_1: int,
    counter_2: int,
    counter_3: int,
    sigma: NDArray[np.float64],
    charge: NDArray[Any],
    at: int,
) -> None:
    """Add ``rint(sigma * normal)`` to charges, the variates being those of `fill_normal`.

    Parameters
    ----------
    seed, purpose, counter_1, counter_2, counter_3 : int
        As in `fill_normal`.
    sigma : float64 (columns,)
        Quanta.
    charge : int64 or int32
        Quanta, those of the columns from `at` on; added to.
    """
    columns = sigma.shape[0]
    groups = (columns + 3) // 4
    first, second = np.empty(2 * groups, dtype=np.uint64), np.empty(2 * groups, dtype=np.uint64)
    for group in range(groups):
        words = philox(seed, purpose, group, counter_1, counter_2, counter_3)
        first[2 * group], second[2 * group] = words[0], words[1]
        first[2 * group + 1], second[2 * group + 1] = words[2], words[3]
    normal = np.empty((2, 2 * groups), dtype=np.float64)
    approximate_pairs(first, second, normal)
    for column in range(columns):
        pair, which = column // 2, column % 2
        value = sigma[column] * normal[which, pair]
        quanta = np.rint(value)
        if not abs(value - quanta) < 0.5 - ERROR * (1.0 + sigma[column]):
            quanta = np.rint(sigma[column] * normal_pair(first[pair], second[pair])[which])
        charge[at + column] += np.int64(quanta)


@kernel
def approximate_pairs(
    first: NDArray[np.uint64], second: NDArray[np.uint64], normal: NDArray[np.float64]
) -> None:
    """Write what `normal_pair` gives for words, nearly, or NaN.

    Parameters
    ----------
    first, second : uint64 (pairs,)
        Its words.
    normal : float64 (2, pairs)
        Out: the variates of each pair.
    """
    u, v = _unit_interval(first), _unit_interval(second)
    radius = _radius(u)
    cosine, sine = normal[0], normal[1]
    for pair in range(first.shape[0]):
        quarter = np.rint(4.0 * v[pair])
        angle = (4.0 * v[pair] - quarter) * _HALF_PI
        x = angle * angle
        s = _S_3 + x * (_S_5 + x * (_S_7 + x * (_S_9 + x * (_S_11 + x * _S_13))))
        s = angle + angle * x * s
        c = _C_4 + x * (_C_6 + x * (_C_8 + x * (_C_10 + x * _C_12)))
        c = 1.0 + x * (-0.5 + x * c)
        odd = (quarter == 1.0) | (quarter == 3.0)
        left = (quarter == 1.0) | (quarter == 2.0)
        down = (quarter == 2.0) | (quarter == 3.0)
        cosine[pair] = (-radius[pair] if left else radius[pair]) * (s if odd else c)
        sine[pair] = (-radius[pair] if down else radius[pair]) * (c if odd else s)


@kernel
def _unit_interval(word: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return nearly what `uniform` gives: the upper 52 bits as a mantissa."""
    bits = np.empty_like(word)
    for place in range(word.shape[0]):
        bits[place] = (word[place] >> _MANTISSA) | _ONE
    unit = bits.view(np.float64)
    for place in range(word.shape[0]):
        unit[place] -= 1.0
    return unit


@kernel
def _radius(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``sqrt(-2 log u)``, NaN near the ends of (0, 1).

    With ``u = m * 2**k`` and m from sqrt(1/2) to sqrt(2), ``log m = 2 atanh((m - 1) / (m + 1))``.
    """
    bits, count = u.view(np.uint64), u.shape[0]
    mantissa, power = np.empty_like(bits), np.empty_like(bits)
    for place in range(count):
        exponent = (bits[place] - _ROOT_HALF + _ONE) >> _EXPONENT
        mantissa[place] = bits[place] - (exponent << _EXPONENT) + _ONE
        power[place] = exponent | _WHOLE
    m, k, radius = mantissa.view(np.float64), power.view(np.float64), np.empty_like(u)
    for place in range(count):
        ratio = np.divide(m[place] - 1.0, m[place] + 1.0)  # no check for 0 that breaks vectors up
        x = ratio * ratio
        series = _L_7 + x * (_L_9 + x * (_L_11 + x * (_L_13 + x * _L_15)))
        series = 1.0 + x * (_L_3 + x * (_L_5 + x * series))
        log = 2.0 * ratio * series + (k[place] - _WHOLE_BIAS) * _LOG_2
        safe = (u[place] > _NEAR_END) & (u[place] < 1.0 - _NEAR_END)
        root = np.sqrt(2.0 * abs(log))
        radius[place] = root if safe else np.nan
    return radius
