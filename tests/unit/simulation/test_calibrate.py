"""Do ranges found in data keep what they are for, and is the test left out of them?"""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

import archsim
from archsim.errors import InputError
from archsim.simulation.ranges import Method, range_of, rounded_up, square_error
from tests.small_run import INPUTS, UNITS, tensors, write_small_run

RNG = np.random.default_rng(21)


def data(scale: float = 1.0, count: int = 30, seed: int = 3) -> archsim.Sequences:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 6, count)
    return archsim.Sequences.of([scale * rng.uniform(-1, 1, (n, INPUTS)) for n in lengths])


@pytest.fixture
def small(tmp_path):
    return write_small_run(tmp_path)


# ----------------------------------------------------------------- methods


def naive_error(values, end, steps):
    step = end / steps
    total = 0.0
    for value in values:
        code = min(max(np.floor(value / step + 0.5), -steps), steps)
        total += (value - code * step) ** 2
    return total / len(values)


def test_the_square_error_is_that_of_rounding_and_clipping():
    values = RNG.normal(0, 1, 300)
    for end, steps in ((0.5, 7), (2.0, 15), (4.0, 1)):
        found = square_error(values, end, steps=steps)
        assert found == pytest.approx(naive_error(values, end, steps), rel=1e-12)


def test_each_method_finds_its_range():
    values = np.concatenate([RNG.normal(0, 1, 5000), [80.0]])
    assert range_of(values, Method.MAXIMUM, steps=15) == 80.0
    share = range_of(values, Method.PERCENTILE, steps=15, percentile=99.0)
    assert (np.abs(values) <= share).mean() == pytest.approx(0.99, abs=1e-3)
    least = range_of(values, Method.MSE, steps=15)
    errors = [naive_error(values, 80 * part, 15) for part in (0.02, 0.03, 0.05, 0.5, 1.0)]
    assert naive_error(values, least, 15) <= min(errors) * (1 + 1e-12)
    assert least < 40


def test_outliers_cost_the_maximum_more_than_the_others():
    values = np.concatenate([RNG.normal(0, 1, 5000), [-30.0]])
    error = {
        method: square_error(values, range_of(values, method, steps=15), steps=15)
        for method in Method
    }
    inside = values[np.abs(values) < 10]
    for method in (Method.PERCENTILE, Method.MSE):
        end = range_of(values, method, steps=15)
        assert square_error(inside, end, steps=15) < square_error(inside, 30.0, steps=15)
    assert error[Method.MSE] == min(error.values())


def test_ranges_are_rounded_up_to_three_digits():
    assert [rounded_up(value) for value in (2.203, 0.99512, 165.2, 3.0, 0.0)] == [
        *(2.21, 0.996, 166.0, 3.0, 0.0),
    ]


# ----------------------------------------------------------------- a configuration


def test_a_network_beyond_its_ranges_agrees_with_float_once_calibrated(tmp_path, small):
    """Inputs reach 10, the cell state more than 100: it adds up and forgets nothing."""
    weights = tensors()
    weights["lstm.bias_ih_l0"][UNITS : 2 * UNITS] = 12.0  # f = 1
    weights["lstm.weight_ih_l0"] *= 0.3
    weights["lstm.weight_ih_l0"][2 * UNITS : 3 * UNITS] = 0.2  # g grows with all inputs
    save_file(weights, tmp_path / "weights.safetensors")
    fine = {"adc.bits": 8, "tile.input_bits": 8, "tile.rows": 64, "tile.columns": 64}
    fine |= {"network.timesteps": 200, "digital.fraction_bits": 11}
    config = archsim.load(small, set=fine)
    rng = np.random.default_rng(1)
    given = archsim.Sequences.of(10 * np.abs(rng.uniform(0.2, 1, (12, 200, INPUTS))))
    config = archsim.load(config, set={"workload": {"kind": "synthetic", "sequences": 1}})
    found = archsim.calibrate(config, data=given)
    assert found.values["network.input_range"] == pytest.approx(10, rel=0.02)
    assert found.values["digital.word_bits"] > 16
    state = 2.0 ** (found.values["digital.word_bits"] - 1 - 11)
    assert state > 100
    before, after = (each["mean_square_difference"].value for each in (found.before, found.after))
    assert after < before / 20
    inputs = next(place for place in found.places if place.what == "inputs")
    assert inputs.clipped_before > 0.5
    assert inputs.clipped_after == 0.0
    assert found.apply(config).digital.word_bits == found.values["digital.word_bits"]
    again = archsim.calibrate(found.apply(config), data=given)
    assert again.values == {}


def test_timesteps_behind_an_end_do_not_count(small):
    given = data()
    wild = given.inputs.copy()
    wild[np.arange(wild.shape[1]) >= given.length[:, None]] = 1e6
    other = archsim.Sequences(wild, None, (), given.names, False, "", given.lengths)
    one, two = (archsim.calibrate(small, data=each) for each in (given, other))
    assert one.values == two.values
    assert [place.largest for place in one.places] == [place.largest for place in two.places]


def test_sequences_of_the_test_are_told(small):
    config = archsim.load(small)
    tested = config.config.workload.load(config.network, 0).as_sequences()
    some = tested.part(np.array([0, 3, 4]))
    assert archsim.calibrate(config, data=some).seen_in_test == 3
    fresh = archsim.calibrate(config, data=data())
    assert fresh.seen_in_test == 0
    assert "None of these sequences" in str(archsim.report_of(fresh))


def test_a_file_of_ranges_is_the_calibrated_configuration(tmp_path, small):
    found = archsim.calibrate(small, data=data(scale=3.0), method="mse")
    archsim.write_calibration(found, small, tmp_path / "ranges.yaml")
    written = archsim.load(tmp_path / "ranges.yaml")
    assert written.network == found.apply(archsim.load(small)).network
    assert written.network.input_range == found.values["network.input_range"]
    with pytest.raises(archsim.ArchsimError, match="not"):
        archsim.write_calibration(found, small, small)


def test_a_file_and_a_split_are_read_and_refused(tmp_path, small):
    np.savez(tmp_path / "more.npz", inputs=RNG.uniform(-2, 2, (4, 5, INPUTS)))
    found = archsim.calibrate(small, data=tmp_path / "more.npz")
    assert found.sequences == 4
    with pytest.raises(InputError, match="has no splits"):
        archsim.calibrate("random-lstm", split="train")
    with pytest.raises(InputError, match="say which sequences"):
        archsim.calibrate(small)
    with pytest.raises(InputError, match="--percentile"):
        archsim.calibrate(small, data=data(), method="percentile", percentile=0)
