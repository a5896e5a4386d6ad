"""Do intervals of metrics hold what they claim: right ends, and 95 % of samples?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from archsim.metrics import area_under_curve, mean_of, share_of

RNG = np.random.default_rng(8)


def test_wilsons_interval_is_the_published_one():
    """Newcombe, Statistics in Medicine 17 (1998) 857, Table I, method 3."""
    for count, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = share_of(count, of)
        assert (round(found.low, 4), round(found.high, 4)) == (low, high)
        assert found.value == count / of
        assert found.count == of


def test_a_share_at_its_end_has_an_interval_inside():
    one, zero = share_of(12, 12), share_of(0, 12)
    assert one.high == 1.0
    assert 0.7 < one.low < 0.8
    assert zero.low == 0.0
    assert zero.high == pytest.approx(1 - one.low)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.97])
def test_the_interval_holds_the_share_in_nineteen_samples_of_twenty(share):
    rng = np.random.default_rng(3)
    counts = rng.binomial(600, share, 4000)
    held = [share_of(int(count), 600) for count in counts]
    inside = np.mean([metric.low <= share <= metric.high for metric in held])
    assert 0.93 < inside < 0.97


def test_a_mean_has_the_interval_of_its_standard_error():
    rng = np.random.default_rng(4)
    inside = [
        found.low <= 2.0 <= found.high
        for found in (mean_of(rng.normal(2.0, 3.0, 200)) for _ in range(2000))
    ]
    assert 0.93 < np.mean(inside) < 0.97
    found = mean_of([1.0, 2.0, 3.0])
    assert (found.value, found.count) == (2.0, 3)
    assert found.high - found.value == pytest.approx(1.959964 / math.sqrt(3))


def test_one_value_leaves_its_interval_open_and_json_says_null():
    found = mean_of([4.0])
    assert math.isnan(found.low)
    assert found.to_json() == {
        "value": 4.0,
        "low": None,
        "high": None,
        "count": 1,
        "reference": None,
        "share": False,
    }
    assert found.beside(3.5).to_json()["reference"] == 3.5


def test_the_area_under_the_curve_is_the_chance_that_a_positive_lies_above():
    values, positive = RNG.integers(0, 6, 40).astype(float), RNG.random(40) < 0.4
    chance = np.mean([(a > b) + (a == b) / 2 for a in values[positive] for b in values[~positive]])
    found = area_under_curve(values, positive, np.arange(40))
    assert found.value == pytest.approx(chance)
    assert area_under_curve([1.0, 2, 3, 4], [False, False, True, True], range(4)).value == 1.0
    assert math.isnan(area_under_curve([1.0, 2.0], [True, True], [0, 1]).value)
    alone = area_under_curve([1.0, 2, 3], [False, True, True], [0, 0, 0])
    assert (alone.value, math.isnan(alone.low)) == (1.0, True)


def test_the_interval_of_an_area_is_delongs_where_each_value_stands_alone():
    """DeLong et al. (1988): the variances of both sides' placements, each over its count."""
    positive = np.arange(50) < 20
    values = RNG.normal(positive * 1.0)
    placed = [np.mean(x > values[~positive]) for x in values[positive]]
    other = [np.mean(values[positive] > x) for x in values[~positive]]
    half = 1.959964 * math.sqrt(np.var(placed, ddof=1) / 20 + np.var(other, ddof=1) / 30)
    found = area_under_curve(values, positive, np.arange(50))
    assert found.high - found.low == pytest.approx(2 * half, rel=0.06)  # n / (n - 1) of all


def test_the_interval_of_an_area_holds_in_nineteen_samples_of_twenty():
    """Steps of a sequence hang together: taking them for strangers would give half the width."""
    true, held = 0.5 * math.erfc(-1.0 / math.sqrt(1 + 0.25) / 2), 0
    for _ in range(400):
        positive = np.repeat(RNG.random(60) < 0.5, 10)
        own = np.repeat(RNG.normal(0, 1.0, 60), 10)
        values = positive * 1.0 + own + RNG.normal(0, 0.5, 600)
        found = area_under_curve(values, positive, np.repeat(np.arange(60), 10))
        held += found.low <= true <= found.high
    assert 0.91 <= held / 400 <= 0.98
