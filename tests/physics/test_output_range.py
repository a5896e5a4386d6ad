"""Does a layer whose values exceed 1 hand them to the next one whole?"""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from archsim.chip.build import build_chip
from archsim.config.load import load_config
from archsim.errors import ConfigError
from archsim.simulation.prepare import prepare
from archsim.simulation.simulate import run
from tests.ranges import FINE, LINEARS, PROJECTED, linear_tensors, projected_tensors
from tests.runs import load
from tests.small_run import write_small_run


def answers(folder, weights, *overrides):
    """Return a run's chip, its h if it has one, its logits, and the same of the float network."""
    config = write_small_run(folder)
    save_file(weights, folder / "weights.safetensors")
    loaded = load_config(config, overrides)
    run(loaded, folder / "run.h5")
    chip, data = prepare(loaded)
    floats = [data.inputs.astype(np.float64)]
    for layer in chip.layers:
        floats.append(layer.run_float(floats[-1]))
    with h5py.File(folder / "run.h5") as file:
        h = file["outputs/lstm/h"][...] if "outputs/lstm" in file else None
        return chip, h, file["outputs/output/logits"][...], floats[1:]


def test_a_projected_h_beyond_1_reaches_the_gates_and_the_next_layer(tmp_path):
    chip, h, logits, (float_h, float_logits) = answers(
        tmp_path, projected_tensors(), *PROJECTED, *FINE
    )
    assert np.abs(float_h).max() > 3
    assert chip.layers[0].output_range == 8
    assert np.abs(h - float_h).max() < 0.3  # 2.4 where h is clipped to 1
    assert np.abs(logits - float_logits).max() < 0.3  # 1.3


def test_a_scale_in_the_chip_is_the_same_as_one_in_the_weights(tmp_path):
    _, h, logits, _ = answers(tmp_path, projected_tensors(), *PROJECTED, *FINE)
    by_hand = ("network.layers.0.projection=3", *FINE)
    _, small_h, same, _ = answers(tmp_path, projected_tensors(scale=8), *by_hand)
    assert np.abs(h - 8 * small_h).max() < 8 / 2**10  # words have 11 bits below the point
    assert np.abs(logits - same).max() < 1e-6


def test_an_output_range_of_ones_own_is_used(tmp_path):
    chip, h, _, (float_h, _) = answers(
        tmp_path, projected_tensors(), *PROJECTED, *FINE, "network.layers.0.output_range=4"
    )
    assert chip.layers[0].output_range == 4
    assert np.abs(h - float_h).max() < 0.25


def test_a_linear_layer_beyond_1_reaches_the_next_one(tmp_path):
    chip, _, logits, (hidden, float_logits) = answers(
        tmp_path, linear_tensors(), LINEARS, "adc.bits=8", "tile.input_bits=7"
    )
    assert np.abs(hidden).max() > 4
    assert chip.layers[0].output_range == 8
    assert np.abs(logits - float_logits).max() < 0.5  # 10 where hidden values are clipped to 1


def test_digital_layers_see_values_that_are_not_scaled(tmp_path):
    digital = "network.layers.1.placement=digital"
    chip, h, logits, _ = answers(tmp_path, projected_tensors(), *PROJECTED, "adc.bits=8", digital)
    weights = projected_tensors()
    exact = h[:, -1:] @ weights["output.weight"].T + weights["output.bias"]
    assert np.abs(logits - exact).max() < 0.01
    assert chip.layers[1].output_range == 1


def test_a_digital_layer_takes_its_range_from_its_key(tmp_path):
    layers = LINEARS.replace(
        "timesteps: all", "timesteps: all, placement: digital, output_range: 6"
    )
    chip, _, logits, (_, float_logits) = answers(
        tmp_path, linear_tensors(), layers, "adc.bits=8", "tile.input_bits=7"
    )
    assert chip.layers[0].output_range == 6
    assert np.abs(logits - float_logits).max() < 0.5


def test_automatic_ranges_are_what_weights_can_reach(tmp_path):
    config = write_small_run(tmp_path)
    weights = projected_tensors()
    save_file(weights, tmp_path / "weights.safetensors")
    auto = ("network.layers.0.projection=3", "network.layers.0.projection_range=auto")
    chip = build_chip(load_config(config, [*auto, "network.layers.1.input_range=auto"]).config)
    h = np.abs(weights["lstm.weight_hr_l0"].astype(np.float64)).sum(axis=1).max()
    assert chip.layers[0].output_range == pytest.approx(h, abs=2**-12)
    rows = np.abs(weights["output.weight"].astype(np.float64)).sum(axis=1)
    logit = (rows * chip.layers[0].output_range + np.abs(weights["output.bias"])).max()
    assert chip.layers[1].banks[0].ramps[0].x_range == pytest.approx((-logit, logit))


def test_a_range_is_no_wider_than_words(tmp_path):
    config = write_small_run(tmp_path)
    save_file(projected_tensors(), tmp_path / "weights.safetensors")
    wide = ("network.layers.0.projection=3", "network.layers.0.projection_range=[-100, 50]")
    assert build_chip(load_config(config, wide).config).layers[0].output_range == 16


def test_an_lstm_without_projection_keeps_full_pulse_widths_for_1():
    chip = build_chip(load().config)
    assert chip.layers[0].output_range == 1


@pytest.mark.parametrize("value", ["0.5", "1e7", "wide"])
def test_an_output_range_that_cannot_be_is_refused(tmp_path, value):
    with pytest.raises(ConfigError, match="output_range"):
        load_config(write_small_run(tmp_path), [f"network.layers.0.output_range={value}"])
