"""Is the share of the weights that conductances reach the one with the least error?"""

from __future__ import annotations

from archsim.simulation.ranges import Method
from archsim.simulation.weight_ranges import best_percentile


def test_the_search_ends_behind_the_best():
    asked = []

    def error(percent):
        asked.append(percent)
        return abs(percent - 99.5)

    assert best_percentile(error, Method.MSE, 99.9) == 99.5
    assert asked == [100, 99.9, 99.5, 99, 98]
    assert best_percentile(error, Method.MAXIMUM, 99.9) == 100
    assert best_percentile(error, Method.PERCENTILE, 97.0) == 97
    assert best_percentile(lambda _: 0.0, Method.MSE, 99.9) == 100
