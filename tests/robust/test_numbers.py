"""Is every number that a user can scale finite and right, or refused in a sentence?"""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from archsim.chip.bank import check_numbers, tile_number
from archsim.chip.build import build_chip
from archsim.config.load import load_config
from archsim.costs.operation import Tally
from archsim.errors import ConfigError, DesignError
from archsim.kernels.thresholds import NEVER
from archsim.network.activations import get_activation
from archsim.simulation.prepare import prepare
from archsim.simulation.simulate import run
from archsim.transfer.ramp import FARTHEST, design_ramp
from tests.small_run import tensors, write_small_run

# Philox wraps around on purpose, which NumPy's scalars warn of where nothing is compiled.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered in scalar:RuntimeWarning")

AUTO = "network.layers.1.input_range=auto"
COLLIDING = ("layer156587", "layer977947")
SOURCED = ("programming", "read_noise", "drift", "temperature", "g_min", "g_max")


def ran(folder, *overrides, weights=None):
    """Return a run's summary as --json prints it, its h and logits, and the float network's."""
    config = write_small_run(folder)
    if weights is not None:
        save_file(weights, folder / "weights.safetensors")
    loaded = load_config(config, overrides)
    result = run(loaded, folder / "run.h5")
    chip, data = prepare(loaded)
    float_h = chip.layers[0].run_float(data.inputs.astype(np.float64))
    with h5py.File(folder / "run.h5") as file:
        h, logits = file["outputs/lstm/h"][...], file["outputs/output/logits"][...]
    numbers = json.loads(json.dumps(result.summary.to_json(), allow_nan=False))
    return numbers, (h, logits), (float_h, chip.layers[1].run_float(float_h))


def memristor(**keys):
    """Return an override that makes the device a memristor with these keys."""
    sources = dict.fromkeys(SOURCED, "assumed: for a test")
    device = {"model": "memristor", "g_min": "1 uS", "g_max": "150 uS", "sources": sources}
    return f"device={json.dumps(device | keys)}"


# ------------------------------------------------------------------------------------------ weights


@pytest.mark.parametrize("scale", [1e-14, 1e-39, 1e-45])
def test_dead_weights_are_zero_weights(tmp_path, scale):
    zero = {name: value * 0 for name, value in tensors().items()}
    dead = {name: (value.astype(np.float64) * scale) for name, value in tensors().items()}
    expected, outputs, _ = ran(tmp_path, AUTO, weights=zero)
    numbers, got, (float_h, _) = ran(tmp_path, AUTO, weights=dead)
    for mine, others in zip(got, outputs, strict=True):
        np.testing.assert_array_equal(mine, others)
    assert np.abs(got[0] - float_h).max() < 0.05  # half a step at 4 bits; it was 0.9995
    assert numbers["energy_j"] == expected["energy_j"]
    assert numbers["area_m2"] == expected["area_m2"]


@pytest.mark.parametrize("scale", [1e-12, 1e-9, 1e-6, 1e6, 1e25])
def test_weights_of_any_size_give_what_the_arithmetic_says(tmp_path, scale):
    weights = {name: value.astype(np.float64) * scale for name, value in tensors().items()}
    numbers, (h, _), (float_h, _) = ran(
        tmp_path, AUTO, "adc.bits=8", "tile.input_bits=6", weights=weights
    )
    assert numbers["energy_j"] > 0
    # Large weights make every sum a step: an input's rounding decides where one is near 0.
    assert np.mean(np.abs(h - float_h) < 0.02) > (0.99 if scale < 1 else 0.9)


def test_thresholds_beyond_every_charge_saturate():
    ramp = design_ramp(get_activation("tanh"), 5, g_max=150e-6)
    threshold = ramp.thresholds(1e300)
    assert float(NEVER) == FARTHEST
    assert threshold[0] == -NEVER
    assert threshold[-1] == NEVER
    assert (np.diff(threshold) >= 0).all()


def test_features_and_weights_saturate_as_words(tmp_path):
    config = write_small_run(tmp_path)
    loaded = load_config(config, ["digital.word_bits=12", "digital.fraction_bits=11"])
    signal = build_chip(loaded.config).encode(np.array([[[1.0, -1.0, 0.5]]], dtype=np.float32))
    assert signal.fixed.tolist() == [[[2047, -2048, 1024]]]


# ------------------------------------------------------------------------------------------ devices


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"drift": {"nu": -1, "time": "31536000 s"}}, "device.drift and device.temperature"),
        ({"drift": {"nu": -1, "time": "1e300 s"}}, "device.drift and device.temperature"),
        (
            {"drift": {"nu": -1, "nu_sigma": 1, "time": "1e300 s", "t0": "1e-300 s"}},
            "device.drift and device.temperature",
        ),
        (
            {"temperature": {"coefficient": "1e300 1/K", "value": "1e300 K"}},
            "device.drift and device.temperature",
        ),
        (
            {"temperature": {"coefficient": "1 1/K", "value": "2000 K"}},
            "device.drift and device.temperature",
        ),
        ({"programming": {"sigma": "10 S"}}, "device: its programming"),
    ],
)
def test_what_no_device_conducts_is_refused(tmp_path, keys, named):
    with pytest.raises(ConfigError, match=f"small.yaml: {named}.*times g_max"):
        prepare(load_config(write_small_run(tmp_path), [memristor(**keys)]))


def test_noise_that_no_device_has_is_refused(tmp_path):
    device = memristor(g_min="0 S", g_max="1 fS", read_noise={"sigma": "10 S"})
    with pytest.raises(ConfigError, match=r"device.read_noise: a sigma of 10 S.*times g_max"):
        prepare(load_config(write_small_run(tmp_path), [device]))


@pytest.mark.parametrize(
    "overrides",
    [
        (memristor(drift={"nu": 0.1, "time": "315360000 s"}),),
        (memristor(drift={"nu": 1, "time": "1e300 s"}),),
        (memristor(temperature={"coefficient": "-0.01 1/K", "value": "400 K"}),),
        pytest.param((memristor(read_noise={"sigma": "10 S"}),), marks=pytest.mark.slow),
        (memristor(programming={"sigma": "1 mS"}),),
        ("device.g_max=1 fS",),
        ("device.g_max=10 S",),
        ("technology.clock=1 Hz",),
        ("tile.v_read=100 V",),
        ("tile.full_scale=1 uV", "adc.comparator.offset_sigma=100 V"),
        ("tile.full_scale=1 uV", "tile.integrator.offset_sigma=100 V"),
        ("tile.full_scale=1 uV", "tile.integrator.saturation=true"),
    ],
)
def test_extremes_that_are_allowed_stay_finite(tmp_path, overrides):
    numbers, outputs, _ = ran(tmp_path, *overrides)
    assert numbers["energy_j"] > 0
    assert all(np.isfinite(values).all() for values in outputs)


def test_extreme_offsets_do_not_wrap_round(tmp_path):
    tiny = {name: value * np.float32(1e-12) for name, value in tensors().items()}
    circuits = ("tile.full_scale=1 uV", "adc.comparator.offset_sigma=100 V")
    _, (h, _), _ = ran(tmp_path, AUTO, *circuits, weights=tiny)
    assert np.isfinite(h).all()
    loaded = load_config(tmp_path / "small.yaml", circuits)
    offset = build_chip(loaded.config).banks[0].arrays.analog.comparator_offset
    assert (np.sign(offset) == np.sign(_drawn(loaded))).all()


def _drawn(loaded):
    """Return the same offsets where nothing is near an end."""
    mild = load_config(loaded.path, ["tile.full_scale=300 mV", "adc.comparator.offset_sigma=1 V"])
    return build_chip(mild.config).banks[0].arrays.analog.comparator_offset


# ------------------------------------------------------------------------------- counts and numbers


def test_counts_beyond_64_bits_are_weighed_as_they_are():
    tally = Tally(("a",), np.zeros((1, 1)), np.array([[2.0], [3.0]]))
    once = np.array([1], dtype=np.int64)
    small = tally.of_totals(np.array([5, 7], dtype=np.int64), once)
    large = tally.of_totals(np.array([5.0, 7.0]) * 2.0**70, once)
    assert small.tolist() == [31.0]
    assert (large / 2.0**70).tolist() == [31.0]


def test_digital_sums_of_more_blocks_than_codes_hold_are_refused(tmp_path):
    config = write_small_run(tmp_path)
    weights = tensors() | {"lstm.weight_ih_l0": np.ones((16, 70), dtype=np.float32)}
    save_file(weights, tmp_path / "weights.safetensors")
    digital = ("adc.kind=linear_ramp", "adc.bits=10", "tile.row_sum=digital", "tile.rows=1")
    loaded = load_config(config, [*digital, "network.inputs=70"])
    with pytest.raises(DesignError, match=r"tile.row_sum: digital: a sum of 75 codes of 10 bits"):
        build_chip(loaded.config)


def test_tiles_with_the_same_random_numbers_are_refused(tmp_path):
    one, other = COLLIDING
    assert tile_number(one) == tile_number(other)
    layers = ", ".join(
        f"{{kind: linear, name: {name}, units: 3, timesteps: all}}" for name in COLLIDING
    )
    config = load_config(
        write_small_run(tmp_path), [f"network.layers=[{layers}]", "network.weights=random"]
    ).config
    with pytest.raises(DesignError, match=f"'{one}' and '{other}'.*call the layer of one of them"):
        build_chip(config)
    check_numbers(["lstm", one, "output"])
