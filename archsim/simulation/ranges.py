"""Ranges from data: how far values go, and where a range that is coarser clips some of them.

Maximum: the largest magnitude. Percentile: that share of magnitudes lies below. Mean square error:
the range r that minimises ``mean((v - Q_r(v))^2)``, where ``Q_r`` rounds to n steps of ``r / n`` on
either side of 0 and clips at r: what rounding loses grows with r, what clipping loses falls. It is
searched for over shares of the maximum, as in W. Sung, S. Shin, K. Hwang, "Resiliency of deep
neural networks under quantization" (2015), sec. 2, there for weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SHARES = np.linspace(0.02, 1.0, 99)


class Method(StrEnum):
    """How a range is found."""

    MAXIMUM = "maximum"
    PERCENTILE = "percentile"
    MSE = "mse"


@dataclass(frozen=True)
class Place:
    """A place with a range.

    Attributes
    ----------
    layer, what : str
        Whose, and what lies in it; inputs are those of the first layer.
    key : str
        Key of the range.
    largest : float
        Largest magnitude that was seen.
    before, after : float
        Range of the configuration, and the one that was found.
    clipped_before, clipped_after : float
        Shares of values beyond them.
    noise_before, noise_after : float
        Ratio of signal and error of rounding and clipping, dB.
    """

    layer: str
    what: str
    key: str
    largest: float
    before: float
    after: float
    clipped_before: float
    clipped_after: float
    noise_before: float
    noise_after: float


def range_of(values: Array, method: Method, *, steps: int, percentile: float = 99.9) -> float:
    """Return a range for values.

    Parameters
    ----------
    values : float64 (n,)
        The values; at least one.
    method : Method
        How.
    steps : int
        Steps on either side of 0 that values are rounded to.
    percentile : float
        Percent of magnitudes that lie below the range, of the method of that name.
    """
    size = np.abs(values)
    largest = float(size.max())
    if method is Method.MAXIMUM or largest == 0.0:
        return largest
    if method is Method.PERCENTILE:
        return float(np.percentile(size, percentile))
    ranges = largest * _SHARES
    return float(min(ranges, key=lambda end: square_error(values, float(end), steps=steps)))


def square_error(values: Array, end: float, *, steps: int) -> float:
    """Return the mean square error of values rounded to steps of ``end / steps`` and clipped.

    It is 0 without an end, which nothing is rounded to.
    """
    if not np.isfinite(end):
        return 0.0
    step = end / steps
    rounded = np.clip(np.floor(values / step + 0.5), -steps, steps) * step
    return float(np.mean((values - rounded) ** 2))


def signal_to_noise(values: Array, end: float, *, steps: int) -> float:
    """Return the ratio of mean squares of values and of their error, dB; infinite without one."""
    error, power = square_error(values, end, steps=steps), float(np.mean(values**2))
    return float(10 * np.log10(power / error)) if error and power else float("inf")


def rounded_up(value: float) -> float:
    """Return a number of three digits that is not below."""
    if value <= 0:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(value)) - 2)
    return float(f"{np.ceil(value / unit * (1 - 1e-12)) * unit:.3g}")
