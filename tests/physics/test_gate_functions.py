"""Do an LSTM's gates and cell state compute the functions that the configuration gives them?"""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from archsim.chip.build import build_chip
from archsim.chip.layers.lstm.reference import LSTMFunctions, lstm_float
from archsim.cli import app
from archsim.config.load import load_config
from archsim.config.run import RunConfig
from archsim.errors import ConfigError, DesignError
from archsim.exits import run_and_exit
from archsim.experiments import load_experiment, run_experiment
from archsim.network.activations import PiecewiseLinear, get_activation
from archsim.network.activations.table import own_activations
from archsim.simulation.inputs import Inputs
from archsim.simulation.prepare import prepare
from archsim.simulation.simulate import run
from archsim.spice.excerpt import first_conversion
from archsim.spice.netlist import netlist
from tests.runs import ROOT
from tests.small_run import write_small_run

OWN = (
    "activations=[{name: hard_sigmoid, points: [[-3, 0], [3, 1]]}, "
    "{name: hard_tanh, points: [[-1, -1], [1, 1]]}, {name: steps_up, points: [[-2, 0], [1, 1]]}]"
)
KEY = "network.layers.0.functions"
HARD = (OWN, f"{KEY}={{i: hard_sigmoid, f: hard_sigmoid, g: hard_tanh, state: hard_tanh}}")
CONVENTIONAL = ("adc.kind=linear_ramp", "adc.input_range=[-3, 3]")
BY_RAMP = "digital.cell_activation=ramp"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write_small_run(tmp_path_factory.mktemp("gates"))


def outputs(path):
    with h5py.File(path) as file:
        return {name: file[f"outputs/lstm/{name}"][...] for name in ("code", "h")}


def by_hand(chip, x):
    """An LSTM of hard functions, the output gate with a sigmoid, in plain NumPy."""
    tensors = chip.layers[0]._tensors
    h = c = np.zeros((len(x), 4))
    out = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(
            x[:, t] @ tensors.w_ih.T + h @ tensors.w_hh.T + tensors.bias, 4, axis=1
        )
        c = np.clip((f + 3) / 6, 0, 1) * c + np.clip((i + 3) / 6, 0, 1) * np.clip(g, -1, 1)
        h = np.clip(c, -1, 1) / (1 + np.exp(-o))
        out.append(h)
    return np.stack(out, axis=1)


def test_the_float_network_has_the_same_functions(small):
    chip, data = prepare(load_config(small, HARD))
    x = data.inputs.astype(np.float64)
    np.testing.assert_allclose(chip.layers[0].run_float(x), by_hand(chip, x), rtol=0, atol=1e-12)
    plain, _ = prepare(load_config(small))
    assert np.abs(plain.layers[0].run_float(x) - by_hand(chip, x)).max() > 0.01
    logits = chip.layers[1].run_float(by_hand(chip, x))
    assert (Inputs().float_answers(chip, data).answer == logits[:, -1].argmax(axis=1)).all()


def test_functions_by_default_are_those_that_an_lstm_has():
    rng = np.random.default_rng(0)
    arrays = (rng.normal(size=(2, 3, 5)), rng.normal(size=(8, 5)), rng.normal(size=(8, 2)))
    sigmoid, tanh = get_activation("sigmoid"), get_activation("tanh")
    given = LSTMFunctions((sigmoid, sigmoid, tanh, sigmoid), tanh)
    bias = rng.normal(size=8)
    assert (lstm_float(*arrays, bias) == lstm_float(*arrays, bias, functions=given)).all()


@pytest.mark.parametrize("design", [(), CONVENTIONAL, (BY_RAMP,)], ids=["ramp", "digital", "cell"])
def test_the_chip_comes_near_the_float_network(small, tmp_path, design):
    """At 8 bits, within what rounding inputs, weights and codes makes of it."""
    settings = (*HARD, *design, "adc.bits=8", "tile.input_bits=8", "trace.level=event")
    loaded = load_config(small, settings)
    run(loaded, tmp_path / "t.h5")
    chip, data = prepare(loaded)
    expected = by_hand(chip, data.inputs.astype(np.float64))
    assert np.abs(outputs(tmp_path / "t.h5")["h"] - expected).max() < 0.03
    usual = load_config(small, (*settings[len(HARD) :],))
    run(usual, tmp_path / "u.h5")
    assert np.abs(outputs(tmp_path / "u.h5")["h"] - expected).max() > 0.03


def test_functions_that_are_written_out_change_no_bit(small, tmp_path):
    written = f"{KEY}={{i: sigmoid, f: sigmoid, g: tanh, o: sigmoid, state: tanh}}"
    one = run(load_config(small), tmp_path / "one.h5")
    other = run(load_config(small, [written]), tmp_path / "other.h5")
    assert (outputs(tmp_path / "one.h5")["code"] == outputs(tmp_path / "other.h5")["code"]).all()
    assert (one.energy == other.energy).all()


def test_as_many_ramps_as_functions(small):
    """An integrator each; the gates' columns see the ramps of their functions."""
    functions = f"{KEY}={{i: hard_sigmoid, f: sigmoid, g: hard_tanh, o: steps_up}}"
    config = load_config(small, [OWN, functions]).config
    chip = build_chip(config)
    bank = chip.banks[0]
    names = [ramp.function for ramp in bank.ramps]
    assert names == ["hard_sigmoid", "sigmoid", "hard_tanh", "steps_up"]
    assert bank.arrays.readout.ramp_of_column[0].tolist() == [n for n in range(4) for _ in range(4)]
    usual = build_chip(load_config(small).config).banks[0]
    assert [ramp.function for ramp in usual.ramps] == ["sigmoid", "tanh"]
    assert usual.arrays.readout.ramp_of_column[0].tolist() == [0] * 8 + [1] * 4 + [0] * 4
    area = [each.tiles[0].inventory.area["ramp_integrators"] for each in (bank, usual)]
    assert area[0] == pytest.approx(2 * area[1], rel=1e-12)
    for gate, name in enumerate(names):
        level = get_activation(name, own=own_of(config)).output_range(None)
        expected = np.floor(np.linspace(*level, 16) * 2048 + 0.5)
        assert (chip.layers[0]._cell.level[gate] == expected).all()


def own_of(config: RunConfig):
    return own_activations(config.activations)


def test_processors_compute_the_functions(small):
    """A gate's value is its function of the linear code's level, in Q.11."""
    chip = build_chip(load_config(small, [*HARD, *CONVENTIONAL]).config)
    assert [ramp.function for ramp in chip.banks[0].ramps] == ["identity"]
    level = np.linspace(-3, 3, 16)
    expected = np.floor(np.clip((level + 3) / 6, 0, 1) * 2048 + 0.5)
    assert (chip.layers[0]._cell.level[:2] == expected).all()
    assert (chip.layers[0]._cell.level[2] == np.floor(np.clip(level, -1, 1) * 2048 + 0.5)).all()


def test_segments_go_as_far_as_the_inputs_of_a_function_that_is_not_flat(small):
    piecewise = "digital.processors={method: piecewise_linear, segments: 64}"
    slow = "activations=[{name: slow, points: [[-12, 0], [12, 1]]}]"
    settings = [
        slow,
        f"{KEY}={{g: relu, f: slow}}",
        "adc.kind=linear_ramp",
        "adc.input_range=[-12, 12]",
        piecewise,
    ]
    chip = build_chip(load_config(small, settings).config)
    level = np.linspace(-12, 12, 16)
    for gate, value in ((1, (level + 12) / 24), (2, np.maximum(level, 0))):
        expected = np.floor(value * 2048 + 0.5)
        assert np.abs(chip.layers[0]._cell.level[gate] - expected).max() <= 1


@pytest.mark.parametrize("state", ["hard_tanh", "softsign"])
def test_the_table_of_the_cell_state_is_of_its_function(small, state):
    config = load_config(small, [OWN, f"{KEY}.state={state}"]).config
    x = (np.arange(256) + 0.5) * 4 / 256
    expected = {"hard_tanh": np.minimum(x, 1), "softsign": x / (1 + x)}[state]
    found = build_chip(config).layers[0]._cell.table
    assert (found == np.floor(expected * 2048 + 0.5)).all()


def test_the_second_pass_has_the_ramp_of_the_state_s_function(small):
    """A function that is unbounded, or not odd, is a ramp over what pulse widths reach."""
    settings = [BY_RAMP, f"{KEY}.state=relu", "digital.cell_range=2"]
    chip = build_chip(load_config(small, settings).config)
    ramp = next(matrix for matrix in chip.matrices if matrix.name == "lstm_cell").banks[0].ramps[0]
    assert (ramp.function, ramp.x_range) == ("relu", (-2.0, 2.0))
    assert ramp.level[[0, -1]].tolist() == [0.0, 2.0]


def test_cycle_by_cycle_and_fused_conversions_agree_where_ramps_differ_in_length(small, tmp_path):
    """SiLU has two branches, so its ramp has more steps than the others."""
    settings = [OWN, f"{KEY}={{i: silu, f: steps_up, g: gelu, o: hard_sigmoid, range: [-4, 4]}}"]
    chip = build_chip(load_config(small, settings).config)
    assert len({ramp.steps for ramp in chip.banks[0].ramps}) > 1
    run(load_config(small, settings), tmp_path / "fused.h5")
    waves = [*settings, "trace.waveforms=true", "trace.sequences=all"]
    run(load_config(small, waves), tmp_path / "by_cycle.h5")
    fused, by_cycle = outputs(tmp_path / "fused.h5"), outputs(tmp_path / "by_cycle.h5")
    assert (fused["code"] == by_cycle["code"]).all()
    with h5py.File(tmp_path / "by_cycle.h5") as file:
        names = file["tiles/lstm/ramp"].asstr()[...].tolist()
    assert names == ["silu", "steps_up", "gelu", "hard_sigmoid"]


def test_a_netlist_has_all_ramps(small):
    settings = [OWN, f"{KEY}={{i: hard_sigmoid, f: sigmoid, g: hard_tanh, o: steps_up}}"]
    chip, data = prepare(load_config(small, settings))
    text = netlist(first_conversion(chip, data), table="t.txt")
    for number, name in enumerate(["hard_sigmoid", "sigmoid", "hard_tanh", "steps_up"]):
        assert f"Ramp {number}: {name}, 4 bits" in text
    assert "Xlatch_12 ramp_3 " in text


CORDIC = ("adc.kind=linear_ramp", "digital.processors.method=cordic")
REFUSED = [
    ([f"{KEY}.g=relu"], r"'lstm': functions\.g: 'relu' is unbounded.*functions\.range"),
    ([f"{KEY}.f=hard_sigmoid"], r"'lstm': functions\.f: unknown activation function 'hard_sig"),
    ([f"{KEY}.state=sigmoid"], r"'lstm': functions\.state: 'sigmoid' is not odd .* set digital"),
    ([f"{KEY}.g=softsign", *CORDIC], r"functions\.g: CORDIC does not compute 'softsign'"),
    (["network.layers.1.function=tanb"], r"'output': function: unknown .*'tanh'"),
    (
        ["adc.bits=8", f"{KEY}.g=softsign", "device.g_min=1 uS"],
        r"network\.layers: 'lstm': 'softsign' cannot be a ramp of this device",
    ),
    (["adc.bias_cells=1"], r"network\.layers: 'lstm': the ramp starts .* set adc\.bias_cells to"),
    (["adc.bits=3", "adc.kind=sar"], r"adc\.sharing\.component: .*'adc_survey_3b'.*name one"),
    (["adc.kind=sar", BY_RAMP], r"'tanh', the function of 'lstm_cell'.*cell_activation to table"),
]


@pytest.mark.parametrize(("overrides", "message"), REFUSED)
def test_what_cannot_be_computed_is_refused_with_its_key(small, overrides, message):
    with pytest.raises(DesignError, match=message):
        build_chip(load_config(small, overrides).config)


def test_a_range_has_to_rise(small):
    with pytest.raises(ConfigError, match=r"layers\.0\.functions: range \[4, -4\] has to rise"):
        load_config(small, [f"{KEY}.range=[4, -4]"])


def test_a_table_that_falls_can_be_a_gate(small):
    falls = "activations=[{name: falls, points: [[-3, 1], [3, 0]]}]"
    chip = build_chip(load_config(small, [falls, f"{KEY}.f=falls"]).config)
    ramp = chip.banks[0].ramps[1]
    x = np.linspace(-2.9, 2.9, 50)
    value = PiecewiseLinear("falls", [(-3, 1), (3, 0)]).value(x)
    assert np.abs(ramp.level[ramp.code(x)] - value).max() <= 0.5 / 15 + 1e-9


def test_experiments_on_ramps_know_functions_of_their_own(tmp_path):
    device = f"device: {ROOT}/configs/devices/rram.yaml\n"
    own = "activations: [{name: own, points: [[-2, 0], [1, 1]]}]\n"
    path = tmp_path / "e.yaml"
    kind = "kind: calibration\ntrials: 3\nfunctions: [own, relu]\n"
    path.write_text(kind + device + own + "input_range: [-4, 4]\n")
    result = run_experiment(load_experiment(path), lambda *_: None)
    assert [row["function"] for row in result.rows] == ["own", "relu"]
    path.write_text(kind + device + own)
    with pytest.raises(ConfigError, match=r"e\.yaml:3: functions: 'relu' is unbounded: give input"):
        load_experiment(path)


def test_adc_knows_the_functions_of_a_configuration(tmp_path, capsys):
    """Of a whole one or of a file that has nothing else; without one it says how to name it."""
    path = tmp_path / "own.yaml"
    path.write_text("activations: [{name: own, points: [[-2, 0], [1, 1]]}]\n")
    assert adc("own", "--config", str(path), "--bits", "3", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["function"] == "own"
    assert adc("own", "--bits", "3") == 2
    assert "unknown activation function 'own'" in (told := capsys.readouterr().err)
    assert "--config FILE" in told
    path.write_text("activations: [{name: own, points: [[-2, 0], [-3, 1]]}]\n")
    assert adc("own", "--config", str(path)) == 2
    assert f"{path}:1: activations.0.points" in capsys.readouterr().err


def adc(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        run_and_exit(lambda: app(["adc", *arguments], standalone_mode=False))
    return ended.value.code
