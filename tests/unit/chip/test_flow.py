"""Does a layer take in what its section names, side by side, in value, time and scale?"""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from archsim.analysis.compare import read_designs
from archsim.chip.flow import float_outputs
from archsim.chip.layers.lstm.reference import lstm_float
from archsim.config.load import load_config
from archsim.errors import ArchsimError, ConfigError
from archsim.network.identity import network_structure
from archsim.simulation.prepare import prepare
from archsim.simulation.simulate import run
from archsim.trace.trace import Trace
from tests.ranges import linear_tensors
from tests.runs import KWS
from tests.small_run import CLASSES, INPUTS, TIMESTEPS, UNITS, tensors, write_small_run

LSTMS = "{kind: lstm, name: lstm, units: 4}, {kind: lstm, name: second, units: 4"
OUTPUT = "{kind: linear, name: output, units: 3, input_range: auto"
BESIDE = f"network.layers=[{LSTMS}, inputs: [input_buffer]}}, {OUTPUT}, inputs: [lstm, second]}}]"
CHAIN = f"network.layers=[{LSTMS}}}, {OUTPUT}}}]"
FINE = ("adc.bits=8", "tile.input_bits=6", "tile.columns=32")


def two_lstms(*, output_inputs=2 * UNITS, second_inputs=INPUTS):
    """Return weights of two LSTMs and a linear layer."""
    rng = np.random.default_rng(3)
    second = {
        name: value for name, value in tensors(lstm="second").items() if name.startswith("second")
    }
    second = {name: rng.permutation(value, axis=0) for name, value in second.items()}
    second["second.weight_ih_l0"] = rng.normal(0, 0.5, (4 * UNITS, second_inputs))
    output = rng.normal(0, 0.5, (CLASSES, output_inputs))
    out = tensors() | second | {"output.weight": output}
    return {name: value.astype(np.float32) for name, value in out.items()}


def loaded_with(folder, weights, *overrides):
    config = write_small_run(folder)
    save_file(weights, folder / "weights.safetensors")
    return load_config(config, overrides)


def outputs(folder, loaded):
    """Return a run's datasets below /outputs by layer, and how many cycles it took."""
    result = run(loaded, folder / "run.h5")
    with h5py.File(folder / "run.h5") as file:
        names = [layer.name for layer in loaded.config.network.layers]
        found = {
            name: {key: value[...] for key, value in file[f"outputs/{name}"].items()}
            for name in names
        }
    return found, result.summary.total_cycles


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """Two LSTMs that take the features in, and a layer that takes both of them in."""
    folder = tmp_path_factory.mktemp("beside")
    loaded = loaded_with(folder, two_lstms(), *FINE, BESIDE)
    return loaded, *outputs(folder, loaded)


def test_layers_that_take_the_features_in_are_as_if_alone(beside, tmp_path):
    _, found, _ = beside
    for name, weights in (("lstm", "second.*"), ("second", "lstm.*")):
        layers = f"network.layers=[{{kind: lstm, name: {name}, units: 4}}, {OUTPUT}}}]"
        changed = two_lstms() | {"output.weight": tensors()["output.weight"]}
        alone = loaded_with(tmp_path, changed, *FINE, layers, f"network.ignore=['{weights}']")
        of_one, _ = outputs(tmp_path, alone)
        for what in ("code", "h"):
            assert np.array_equal(found[name][what], of_one[name][what])


def test_the_float_network_is_the_same_network(beside):
    loaded, found, _ = beside
    chip, data = prepare(loaded)
    x = data.inputs.astype(np.float64)
    weights = {name: value.astype(np.float64) for name, value in two_lstms().items()}
    functions = chip.layers[0]._functions
    h = [
        lstm_float(
            x,
            weights[f"{name}.weight_ih_l0"],
            weights[f"{name}.weight_hh_l0"],
            weights[f"{name}.bias_ih_l0"] + weights[f"{name}.bias_hh_l0"],
            functions=functions,
        )
        for name in ("lstm", "second")
    ]
    last = np.concatenate(h, axis=2)[:, -1]
    expected = last @ weights["output.weight"].T + weights["output.bias"]
    answer = float_outputs(chip.config.network, chip.layers, x)
    assert np.allclose(answer[:, -1], expected, atol=1e-12)
    assert np.abs(found["output"]["logits"][:, -1] - expected).max() < 0.1


def test_the_order_of_inputs_is_that_of_the_weights(beside, tmp_path):
    _, found, _ = beside
    weights = two_lstms()
    halves = np.split(weights["output.weight"], 2, axis=1)
    weights["output.weight"] = np.concatenate(halves[::-1], axis=1)
    turned = BESIDE.replace("[lstm, second]", "[second, lstm]")
    other, _ = outputs(tmp_path, loaded_with(tmp_path, weights, *FINE, turned))
    assert np.array_equal(other["output"]["code"], found["output"]["code"])


def test_layers_that_take_the_same_in_work_at_the_same_time(beside, tmp_path):
    _, _, cycles = beside
    weights = two_lstms(output_inputs=UNITS, second_inputs=UNITS)
    _, one_after_the_other = outputs(tmp_path, loaded_with(tmp_path, weights, *FINE, CHAIN))
    alone = f"network.layers=[{{kind: lstm, name: lstm, units: 4}}, {OUTPUT}}}]"
    loaded = loaded_with(tmp_path, weights, *FINE, alone, "network.ignore=['second.*']")
    _, one = outputs(tmp_path, loaded)
    assert cycles == one < one_after_the_other


def test_a_layer_waits_for_all_that_it_takes_in(beside):
    chip, _ = prepare(beside[0])
    operations, start, end = (
        chip.schedule.operations,
        chip.schedule.start,
        chip.schedule.end,
    )
    first = min(start[n] for n, each in enumerate(operations) if each.layer == "output")
    for name in ("lstm", "second"):
        assert first >= max(end[n] for n, each in enumerate(operations) if each.layer == name)


def test_each_input_has_the_scale_of_where_it_comes_from(tmp_path):
    """Hidden values of up to 8 and features of up to 1 drive the rows of one layer."""
    weights = linear_tensors()
    rng = np.random.default_rng(4)
    weights["output.weight"] = rng.normal(0, 0.5, (CLASSES, 5 + INPUTS)).astype(np.float32)
    layers = (
        "network.layers=[{kind: linear, name: hidden, units: 5, timesteps: all}, "
        f"{OUTPUT}, inputs: [hidden, input_buffer]}}]"
    )
    loaded = loaded_with(tmp_path, weights, *FINE, layers)
    chip, data = prepare(loaded)
    assert chip.layers[0].output_range == 8
    scale = np.array([8.0] * 5 + [1.0] * INPUTS)
    reach = (np.abs(weights["output.weight"].astype(np.float64)) * scale).sum(axis=1)
    reach += np.abs(weights["output.bias"])
    assert chip.layers[1].banks[0].ramps[0].x_range == pytest.approx((-reach.max(), reach.max()))
    found, _ = outputs(tmp_path, loaded)
    answer = float_outputs(chip.config.network, chip.layers, data.inputs.astype(np.float64))
    assert np.abs(answer).max() > 3
    assert np.abs(found["output"]["logits"] - answer).max() < 0.3


def test_digital_units_take_words_in_side_by_side(tmp_path):
    placed = BESIDE.replace("input_range: auto", "placement: digital")
    found, _ = outputs(tmp_path, loaded_with(tmp_path, two_lstms(), *FINE, placed))
    weights = two_lstms()
    h = np.concatenate([found["lstm"]["h"], found["second"]["h"]], axis=2)[:, -1]
    exact = h @ weights["output.weight"].T + weights["output.bias"]
    assert np.abs(found["output"]["logits"][:, -1] - exact).max() < 0.01


@pytest.mark.parametrize(
    ("second", "output", "message"),
    [
        ("[nowhere]", "[lstm, second]", "'second' has 'nowhere' among its inputs, which is no"),
        ("[second]", "[lstm, second]", "above it: take one of input_buffer, lstm"),
        ("[output]", "[lstm, second]", "'second' has 'output' among its inputs"),
        ("[lstm, lstm]", "[lstm, second]", "'second' has 'lstm' twice among its inputs"),
        ("[]", "[lstm, second]", "inputs"),
        ("lstm", "[lstm, second]", "inputs"),
        ("[input_buffer]", "[second]", "none takes the outputs of 'lstm'"),
        ("[lstm]", "[lstm]", "none takes the outputs of 'second'"),
    ],
)
def test_inputs_that_cannot_be_are_refused(tmp_path, second, output, message):
    layers = f"network.layers=[{LSTMS}, inputs: {second}}}, {OUTPUT}, inputs: {output}}}]"
    with pytest.raises(ConfigError) as caught:
        load_config(write_small_run(tmp_path), [layers])
    assert message in str(caught.value)
    assert "--set network.layers" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_configuration_without_the_key_is_what_it_was(tmp_path):
    loaded = load_config(KWS)
    assert "inputs: " not in loaded.yaml.partition("layers:")[2]
    written = loaded_with(tmp_path, two_lstms(), *FINE, BESIDE)
    again = tmp_path / "again.yaml"
    again.write_text(written.yaml)
    assert load_config(again).hash == written.hash


def test_the_same_inputs_written_out_are_the_same_network(tmp_path):
    written = CHAIN.replace("units: 4}, {kind: linear", "units: 4, inputs: [lstm]}, {kind: linear")
    assert written != CHAIN
    weights = two_lstms(output_inputs=UNITS, second_inputs=UNITS)
    hashes = [
        run(loaded_with(tmp_path, weights, *FINE, layers), tmp_path / "t.h5").summary.network_hash
        for layers in (CHAIN, written)
    ]
    assert hashes[0] == hashes[1]


def test_networks_that_differ_in_inputs_are_not_compared(tmp_path):
    more = BESIDE.replace("[lstm, ", "[input_buffer, lstm, ")
    paths = []
    for layers, inputs in ((BESIDE, 2 * UNITS), (more, INPUTS + 2 * UNITS)):
        loaded = loaded_with(tmp_path, two_lstms(output_inputs=inputs), *FINE, layers)
        paths.append(tmp_path / f"{inputs}.h5")
        run(loaded, paths[-1])
        structure = network_structure(loaded.config.model_dump(mode="json"))
        assert structure["layers"][1]["inputs"] == "input_buffer"
    with pytest.raises(ArchsimError, match=r"inputs input_buffer \+ layer 1 \+ layer 2 against"):
        read_designs([Trace(path) for path in paths])


def test_an_output_range_for_digital_layers_alone_has_no_effect(tmp_path):
    hidden = "{kind: linear, name: hidden, units: 5, timesteps: all, output_range: 4}"
    other = "{kind: linear, name: other, units: 4, timesteps: all, placement: digital}"
    output = f"{OUTPUT}, placement: digital, inputs: [hidden, other]}}"
    config = write_small_run(tmp_path)
    loaded = load_config(config, [f"network.layers=[{hidden}, {other}, {output}]"])
    assert any("because 'other', 'output' are digital" in note for note in loaded.notes)
    on_tile = output.replace("placement: digital, ", "")
    loaded = load_config(config, [f"network.layers=[{hidden}, {other}, {on_tile}]"])
    assert not any("output_range" in note for note in loaded.notes)
    assert TIMESTEPS > 1
