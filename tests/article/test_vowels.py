"""Do recordings of people come out as they are, and does the chip tell them apart as float does?

Japanese Vowels: the float network finds 351 of the 370 speakers (94.86 %), the 5-bit chip with
ideal devices 352.
"""

from __future__ import annotations

import numpy as np
import pytest

import archsim
from tests.runs import ROOT

OFF = {"trace.level": "off"}


@pytest.fixture(scope="module")
def run():
    return archsim.run("vowels", set=OFF)


def test_the_shipped_set_is_the_published_one():
    """Kudo et al. (1999): nine men, 7 to 29 frames of 12 coefficients, 30 each to train on."""
    with np.load(ROOT / "configs/vowels/vowels.npz") as file:
        arrays = dict(file)
    test = arrays["split"] == "test"
    assert (test.sum(), (~test).sum()) == (370, 270)
    assert (arrays["lengths"].min(), arrays["lengths"].max()) == (7, 29)
    assert arrays["inputs"].shape == (arrays["lengths"].sum(), 12)
    assert np.bincount(arrays["target"][~test]).tolist() == [30] * 9
    assert np.bincount(arrays["target"][test]).tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    assert "CC BY 4.0" in str(arrays["description"])


def test_the_chip_finds_as_many_speakers_as_the_float_network_within_a_point(run):
    metric = run.summary.metrics["accuracy"]
    assert metric.count == 370
    assert metric.reference == pytest.approx(351 / 370)
    assert abs(metric.value - metric.reference) <= 0.01
    assert metric.low < metric.reference < metric.high
    assert not run.summary.synthetic


def test_energy_and_latency_of_an_utterance_follow_its_own_length(run):
    with np.load(ROOT / "configs/vowels/vowels.npz") as file:
        length = file["lengths"][file["split"] == "test"]
    shortest, longest = length.argmin(), length.argmax()
    a_frame, rest = divmod(int(run.cycles[longest] - run.cycles[shortest]), 29 - 7)
    assert rest == 0
    assert (run.cycles == run.cycles[shortest] + (length - 7) * a_frame).all()
    energy = run.energy.sum(axis=1)
    slope, _ = np.polyfit(length, energy, 1)
    assert np.corrcoef(length, energy)[0, 1] > 0.99
    assert slope == pytest.approx(run.summary.energy_per_timestep_j, rel=0.1)
    assert run.summary.mean_timesteps == pytest.approx(length.mean())


@pytest.mark.slow
def test_fewer_bits_and_real_devices_cost_accuracy():
    """20 chips of the article's device: 92.96 % on average, 86.49 to 95.68 %."""
    found = archsim.sweep("vowels-taox", {"adc.bits": [5]}, seeds=20)
    accuracy = np.array([row["accuracy"] for row in found.rows])
    assert 0.90 < accuracy.mean() < 351 / 370
    assert 0.005 < accuracy.std(ddof=1) < 0.04
