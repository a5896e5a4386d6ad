"""Do biases, ranges, functions, cuts and counts hold where they meet?"""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from archsim.chip.build import build_chip
from archsim.config.load import load_config
from archsim.errors import DesignError, WorkloadError
from archsim.simulation.inputs import Inputs
from archsim.simulation.simulate import run
from tests.small_run import INPUTS, features, tensors, write_small_run

OFF = "trace.level=off"
ONE_LAYER = "network.layers=[{kind: linear, name: output, units: 3%s}]"


@pytest.fixture
def small(tmp_path):
    return write_small_run(tmp_path)


def one_layer(path, weight, offset, *, positive=False, **changes):
    """Write a single linear layer; return what makes the small run have it."""
    arrays = {"output.weight": weight, "output.bias": offset}
    save_file(
        {name: np.asarray(value, dtype=np.float32) for name, value in arrays.items()},
        path.parent / "weights.safetensors",
    )
    if positive:
        inputs = np.abs(features()["features"])
        np.savez_compressed(path.parent / "features.npz", **features(features=inputs))
    more = "".join(f", {key}: {value}" for key, value in changes.items())
    return ONE_LAYER % more


def clipped(path, *overrides):
    """Return what a run clips, by layer and place, and its classes."""
    result = run(load_config(path, [OFF, "adc.bits=6", *overrides]))
    return {item.name: item for item in result.summary.clipped}, result.answer


@pytest.mark.parametrize("function", ["sigmoid", "tanh", "relu"])
def test_a_function_of_partial_sums_is_refused(small, function):
    layers = one_layer(small, np.ones((3, INPUTS)), np.zeros(3), function=function)
    cut = (layers, "adc.kind=linear_ramp", "tile.rows=4", "tile.row_sum=digital")
    with pytest.raises(DesignError, match=r"tile\.row_sum: .*'output' is cut, and its function"):
        build_chip(load_config(small, cut).config)
    build_chip(load_config(small, [*cut, "tile.rows=16"]).config)


def test_functions_beyond_a_pulse_width_cannot_be_projected(small):
    own = "activations=[{name: two, points: [[-4, 0], [4, 2]]}]"
    layer = "network.layers.0={kind: lstm, name: lstm, units: 4, projection: 2, functions: {o: %s}}"
    save_file(
        {
            **tensors(),
            "lstm.weight_hh_l0": np.ones((16, 2), dtype=np.float32),
            "lstm.weight_hr_l0": np.ones((2, 4), dtype=np.float32),
            "output.weight": np.ones((3, 2), dtype=np.float32),
        },
        small.parent / "weights.safetensors",
    )
    with pytest.raises(DesignError, match=r"o \* state\(c\) reaches 2, and a full pulse width"):
        build_chip(load_config(small, [own, layer % "two"]).config)
    build_chip(load_config(small, [layer % "sigmoid"]).config)


def test_random_networks_of_other_tensors_are_other_networks(small):
    inputs, hashes = Inputs(), set()
    for name in ("x", "y", "x"):
        layers = f"network.layers.1={{kind: linear, name: output, units: 3, tensors: {name}}}"
        loaded = load_config(small, [OFF, "network.weights=random", layers])
        hashes.add(inputs.network_hash(build_chip(loaded.config)))
    assert len(hashes) == 2


def test_a_bias_that_no_layer_has_is_named(small):
    odd = {"lstm.bias_hr_l0": np.zeros(4, dtype=np.float32)}
    save_file({**tensors(), **odd}, small.parent / "weights.safetensors")
    with pytest.raises(WorkloadError, match=r"'lstm\.bias_hr_l0' is not used.*no such tensor"):
        build_chip(load_config(small).config)


def test_a_clipped_sum_below_a_digital_bias_can_change_the_class(small):
    weight = np.zeros((3, INPUTS))
    weight[0, 0] = 1.5
    changes = {"bias": "digital", "input_range": "[-1, 1]"}
    layers = one_layer(small, weight, [0.0, 1.5, -9.0], positive=True, **changes)
    found, _ = clipped(small, layers)
    assert found["output.input_range"].lost == found["output.input_range"].count > 0


def test_outputs_that_are_all_lowest_tie(small):
    layers = one_layer(small, -np.ones((3, INPUTS)), [0, 0, 0], positive=True, input_range=[-1, 1])
    found, _ = clipped(small, layers)
    ties = found["output.input_range"]
    assert ties.lost == ties.count == ties.of == 60


def test_words_of_a_digital_bias_are_counted_once(small):
    weight = np.zeros((3, INPUTS))
    weight[0] = 8.0
    words = ("digital.word_bits=12", "digital.fraction_bits=8", "digital.table_entries=16")
    changes = {"bias": "digital", "input_range": "[-32, 32]"}
    layers = one_layer(small, weight, [-5.0, 0.0, 0.0], positive=True, **changes)
    found, label = clipped(small, layers, *words)
    assert found["output.output_words"].of == 60
    assert found["output.output_words"].count > 0
    wide, _ = clipped(small, layers, "digital.word_bits=20", *words[1:])
    assert (wide["output.output_words"].count, label.size) == (0, 20)


def test_a_gate_that_is_closed_is_not_clipped(small):
    layer = "network.layers.0={kind: lstm, name: lstm, units: 4, functions: {g: relu, range: %s}}"
    found, _ = clipped(small, layer % "[-8, 8]")
    assert found["lstm.gate_range"].count == 0
    found, _ = clipped(small, layer % "[-0.1, 0.1]")
    assert 0 < found["lstm.gate_range"].count < found["lstm.gate_range"].of
