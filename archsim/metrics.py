"""Metrics: how good a run's answers are, each with the interval that its sample leaves open."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95
"""Share of samples whose interval holds the value of the whole population."""


@dataclass(frozen=True)
class Metric:
    """A number that says how good answers are.

    Attributes
    ----------
    value : float
        The number.
    low, high : float
        Ends of its 95 % confidence interval: what other samples as large could give. It holds the
        chance of the sample alone, not that of devices.
    count : int
        How many answers it is taken over.
    reference : float or None
        The same of the float64 network on the same sequences; None where it is not known.
    share : bool
        Whether it is a share, which is read in percent.

    Examples
    --------
    >>> metric = archsim.Metric(value=0.9, low=0.6, high=0.98, count=10)
    >>> metric.beside(0.95).reference
    0.95
    >>> metric.to_json()["count"]
    10
    """

    value: float
    low: float
    high: float
    count: int
    reference: float | None = None
    share: bool = False

    def beside(self, reference: float | None) -> Metric:
        """Return the metric with that of the float64 network.

        Parameters
        ----------
        reference : float or None
            Its value; None where it is not known.
        """
        return replace(self, reference=reference)

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``--json`` prints; null for what is no number."""
        return {
            "value": _finite(self.value),
            "low": _finite(self.low),
            "high": _finite(self.high),
            "count": self.count,
            "reference": None if self.reference is None else _finite(self.reference),
            "share": self.share,
        }


def share_of(count: int, of: int) -> Metric:
    """Return a share, such as an accuracy, with Wilson's interval.

    Parameters
    ----------
    count, of : int
        How many, of how many, at least 1.

    Notes
    -----
    E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209: the shares ``p`` that lie within ``z`` standard
    deviations ``sqrt(p (1 - p) / of)`` of the one that was seen; right near 0 and 1 too.

    Examples
    --------
    >>> share_of(9, 10).low < 0.9 < share_of(9, 10).high
    True
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share = count / of
    middle = (share + z**2 / (2 * of)) / (1 + z**2 / of)
    half = z / (1 + z**2 / of) * math.sqrt(share * (1 - share) / of + (z / (2 * of)) ** 2)
    # At the ends the interval reaches the share itself; rounding must not put it a bit beyond.
    low, high = min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share)
    return Metric(share, low, high, of, share=True)


def ratio_of(parts: ArrayLike, wholes: ArrayLike, *, share: bool = False) -> Metric:
    """Return a ratio of sums, such as right steps over all steps, with its interval.

    Parameters
    ----------
    parts, wholes : array_like of float (n,)
        What each sequence adds to the numerator and to the denominator; sequences are what is drawn
        at random, steps of one sequence belong together.
    share : bool
        Whether the ratio is a share, such as of right steps.

    Notes
    -----
    W. G. Cochran, Sampling Techniques, 3rd ed. (1977), eq. 2.39 for a small sampling fraction:
    ``s^2 = sum (y - r x)^2 / (n - 1)``, standard error ``s / (sqrt(n) mean(x))``.
    """
    part, whole = (np.asarray(each, dtype=np.float64).ravel() for each in (parts, wholes))
    total, count = float(whole.sum()), round(float(whole.sum()))
    if not total:
        return Metric(math.nan, math.nan, math.nan, 0, share=share)
    ratio = float(part.sum()) / total
    if part.size < 2:
        return Metric(ratio, math.nan, math.nan, count, share=share)
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    spread = math.sqrt(float(((part - ratio * whole) ** 2).sum()) / (part.size - 1))
    half = z * spread / (math.sqrt(part.size) * float(whole.mean()))
    low, high = ratio - half, ratio + half
    if share:
        low, high = max(low, 0.0), min(high, 1.0)
    return Metric(ratio, low, high, count, share=share)


def mean_of(values: ArrayLike) -> Metric:
    """Return a mean with the interval of its standard error, ``z s / sqrt(n)``.

    Parameters
    ----------
    values : array_like of float (n,)
        At least one value; of one alone the interval is not known, and its ends are NaN.
    """
    array = np.asarray(values, dtype=np.float64).ravel()
    mean = float(array.mean())
    if array.size < 2:
        return Metric(mean, math.nan, math.nan, int(array.size))
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    half = z * float(array.std(ddof=1)) / math.sqrt(array.size)
    return Metric(mean, mean - half, mean + half, int(array.size))


def area_under_curve(values: ArrayLike, positive: ArrayLike, sequence: ArrayLike) -> Metric:
    """Return the area under the receiver operating characteristic, with its interval.

    The chance that a value of a positive is above one of a negative, where equal ones count half:
    how well a threshold anywhere would tell them apart.

    Parameters
    ----------
    values : array_like of float (n,)
        What a threshold is held against.
    positive : array_like of bool (n,)
        Which of them should lie above it.
    sequence : array_like of int (n,)
        Which sequence each is of; those of one sequence belong together.

    Returns
    -------
    Metric
        NaN where there are no positives or no negatives; its ends are NaN where fewer than two
        sequences have either.

    Notes
    -----
    N. A. Obuchowski, Biometrics 53 (1997) 567: the structural components of E. R. DeLong et al.,
    Biometrics 44 (1988) 837, summed within each sequence.

    Examples
    --------
    >>> found = area_under_curve([0.1, 0.4, 0.3, 0.9], [False, False, True, True], [0, 1, 0, 1])
    >>> found.value
    0.75
    """
    value, above = np.asarray(values, dtype=np.float64), np.asarray(positive, dtype=np.bool_)
    high, low = np.sort(value[above]), np.sort(value[~above])
    if not high.size or not low.size:
        return Metric(math.nan, math.nan, math.nan, 0, share=True)

    def below(of: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
        ends = np.searchsorted(of, x, side="left") + np.searchsorted(of, x, side="right")
        return np.asarray(ends / (2 * of.size))

    component = np.where(above, below(low, value), 1 - below(high, value))
    area = float(component[above].mean())
    _, which = np.unique(np.asarray(sequence), return_inverse=True)
    parts, clusters = [], []
    for side in (above, ~above):
        parts.append(np.bincount(which, np.where(side, component - area, 0.0)) / side.sum())
        clusters.append(int((np.bincount(which, side) > 0).sum()))
    if min(clusters) < 2:
        return Metric(area, math.nan, math.nan, value.size, share=True)
    variance = sum(
        n / (n - 1) * float((part**2).sum()) for n, part in zip(clusters, parts, strict=True)
    )
    every = int(which.max()) + 1
    variance += 2 * every / (every - 1) * float((parts[0] * parts[1]).sum())
    half = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * math.sqrt(max(variance, 0.0))
    return Metric(area, max(area - half, 0.0), min(area + half, 1.0), value.size, share=True)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
