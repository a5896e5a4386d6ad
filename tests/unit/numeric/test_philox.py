"""Are random numbers those of a reference implementation, and distributed as they should be?"""

import numba
import numpy as np
import pytest

from archsim.numeric.philox import Purpose, fill_normal, fill_uniform, philox

# Compiled code wraps silently; where compilation is off, NumPy warns of it.
pytestmark = [
    pytest.mark.interpreted,
    pytest.mark.filterwarnings("ignore:overflow encountered"),
]


def reference(key, counter):
    """NumPy's Philox counts up before it draws, so it starts one below."""
    whole = sum(word << (64 * place) for place, word in enumerate(counter))
    start = (whole - 1) % 2**256
    words = [(start >> (64 * place)) & (2**64 - 1) for place in range(4)]
    generator = np.random.Philox(key=np.array(key, np.uint64), counter=np.array(words, np.uint64))
    return tuple(int(word) for word in generator.random_raw(4))


@pytest.mark.parametrize("case", range(50))
def test_words_equal_numpys(case):
    rng = np.random.default_rng(case)
    key = [int(rng.integers(0, 2**63)), int(rng.integers(0, 50))]
    counter = [int(rng.integers(0, 2**63)) for _ in range(4)]
    assert tuple(int(word) for word in philox(*key, *counter)) == reference(key, counter)


@pytest.mark.parametrize("counter", [(0, 0, 0, 0), (1, 0, 0, 0), (0, 2**62, 0, 7)])
def test_words_of_edge_counters(counter):
    assert tuple(int(word) for word in philox(0, 0, *counter)) == reference((0, 0), counter)


def test_vectors_follow_from_the_words():
    out = np.empty(7)
    fill_uniform(3, Purpose.STUCK, 10, 20, 30, out)
    words = [word for group in range(2) for word in reference((3, 2), (group, 10, 20, 30))]
    assert out.tolist() == [((word >> 11) + 1) / 2**53 for word in words[:7]]
    normal = np.empty(7)
    fill_normal(3, Purpose.STUCK, 10, 20, 30, normal)
    u = np.array([((word >> 11) + 1) / 2**53 for word in words])
    radius, angle = np.sqrt(-2 * np.log(u[0::2])), 2 * np.pi * u[1::2]
    both = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()
    assert normal == pytest.approx(both[:7], rel=1e-14)


@pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="many random numbers take compiled kernels"
)
def test_normal_variates_are_normal():
    out = np.empty(200_000)
    fill_normal(1, Purpose.READ_NOISE, 0, 0, 0, out)
    n = out.size
    assert abs(out.mean()) < 4 / n**0.5
    assert abs(out.var() - 1) < 4 * (2 / n) ** 0.5
    assert abs((out**3).mean()) < 4 * (15 / n) ** 0.5
    assert abs((out**4).mean() - 3) < 4 * (96 / n) ** 0.5
    assert abs(np.mean(out[:-1] * out[1:])) < 4 / n**0.5


def test_other_counters_and_purposes_give_other_numbers():
    drawn = []
    for purpose, *counter in ((5, 0, 0, 0), (6, 0, 0, 0), (5, 1, 0, 0), (5, 0, 1, 0), (5, 0, 0, 1)):
        out = np.empty(1000)
        fill_normal(1, purpose, *counter, out)
        drawn.append(out)
    correlation = np.corrcoef(drawn) - np.eye(5)
    assert np.abs(correlation).max() < 0.15
