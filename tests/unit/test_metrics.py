"""Do intervals of metrics hold what they claim: right ends, and 95 % of samples?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from archsim.metrics import mean_of, share_of


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
