"""Is an imported network written as a configuration that computes the same?"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml
from safetensors import safe_open
from safetensors.numpy import save_file

from archsim.chip.build import build_chip
from archsim.chip.flow import float_outputs
from archsim.config.load import load_config
from archsim.errors import InputError, NetworkError, OutputError
from archsim.network.importers.base import ImportedNetwork, Notes, Timesteps
from archsim.network.importers.check import checked
from archsim.network.importers.layers import Add, Concatenate, Embedding, Function, Linear
from archsim.network.importers.plan import plan_of
from archsim.network.importers.recurrent import Direction, GRUCell, LSTMCell, RNNCell
from archsim.network.importers.reference import run_imported
from archsim.network.importers.registry import read_network
from archsim.network.importers.writer import write_network
from archsim.simulation.prepare import check

RNG = np.random.default_rng(5)
INPUTS, UNITS, TIMESTEPS = 5, 4, 6


def draw(*shape):
    return RNG.normal(0, 0.5, size=shape)


def lstm(name="rnn", inputs=INPUTS, units=UNITS, **more):
    given = {"b_ih": draw(4 * units), "b_hh": draw(4 * units), **more}
    elements = units if "w_hr" not in given else given["w_hr"].shape[0]
    return LSTMCell(
        name=name, w_ih=draw(4 * units, inputs), w_hh=draw(4 * units, elements), **given
    )


def linear(name="out", inputs=UNITS, units=3, **more):
    given = {"w": draw(units, inputs), "b": draw(units), **more}
    return Linear(name=name, **given)


def network_of(*layers, inputs=INPUTS, **more):
    return checked(ImportedNetwork(inputs, layers, "somewhere/net.onnx", sort="ONNX", **more))


def layers_of(report):
    return yaml.safe_load(report.files[0].read_text())["network"]["layers"]


WRITTEN = {
    "one of each": (lstm(), linear(timesteps=Timesteps.LAST)),
    "every timestep": (lstm(), linear()),
    "no bias": (lstm(b_ih=None, b_hh=None), linear(b=None)),
    "one bias": (lstm(b_hh=None), linear()),
    "a projection": (lstm(w_hr=draw(2, UNITS)), linear(inputs=2)),
    "stacked": (lstm(), lstm("rnn.2", UNITS, 3), linear(inputs=3, timesteps=Timesteps.LAST)),
    "side by side": (
        lstm("a"),
        lstm("b", UNITS, 2),
        Concatenate(name="joined", inputs=("a", "b")),
        linear(inputs=UNITS + 2),
    ),
    "a head of two": (
        lstm(),
        linear("fc1", units=6, timesteps=Timesteps.FINAL),
        Function(name="act", function="relu"),
        linear("fc2", inputs=6),
        Function(name="probabilities", function="softmax"),
    ),
    "functions of its own": (
        lstm(functions=("sigmoid", "sigmoid", "softsign", "sigmoid", "tanh")),
    ),
}


@pytest.mark.parametrize("what", WRITTEN)
def test_what_is_written_computes_the_same(what, tmp_path):
    network = network_of(*WRITTEN[what])
    report = write_network(network, tmp_path / "made", timesteps=TIMESTEPS)
    assert report.refused == ()
    loaded = load_config(tmp_path / "made/chip.yaml")
    assert loaded.notes == ()
    check(loaded)
    chip = build_chip(loaded.config)
    x = RNG.normal(size=(3, TIMESTEPS, INPUTS))
    answer = float_outputs(loaded.config.network, chip.layers, x)
    mine = run_imported(network, x)
    if what == "a head of two":
        wanted = mine.argmax(axis=-1)
        assert (answer[:, -1].argmax(axis=-1) == wanted).all()
    elif mine.ndim == 2:
        assert np.allclose(answer[:, -1], mine, atol=1e-12)
    else:
        assert np.allclose(answer, mine, atol=1e-12)


def test_numbers_take_as_many_bits_as_they_need(tmp_path):
    short = {"w": draw(3, UNITS).astype(np.float32).astype(np.float64)}
    write_network(network_of(lstm(), linear(**short)), tmp_path)
    with safe_open(tmp_path / "weights.safetensors", "numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert tensors["out.weight"].dtype == np.float32
    assert tensors["rnn.weight_ih_l0"].dtype == np.float64
    assert np.array_equal(tensors["out.weight"], short["w"])


def test_every_kind_has_its_keys(tmp_path):
    gru = GRUCell(
        name="g",
        inputs=("e",),
        w_ih=draw(12, INPUTS),
        w_hh=draw(12, 4),
        direction=Direction.BACKWARD,
        h0=draw(4),
    )
    rnn = RNNCell(
        name="r", inputs=("e",), w_ih=draw(4, INPUTS), w_hh=draw(4, 4), nonlinearity="relu",
        b_ih=draw(4),
    )  # fmt: skip
    network = network_of(
        Embedding(name="e", table=draw(9, INPUTS)),
        gru,
        rnn,
        Add(name="s", inputs=("g", "r")),
        Function(name="t", function="tanh"),
        linear(),
        inputs=1,
    )
    report = write_network(network, tmp_path)
    assert layers_of(report) == [
        {"kind": "embedding", "name": "e", "entries": 9, "units": INPUTS},
        {"kind": "gru", "name": "g", "units": 4, "bias": "none", "direction": "backward",
         "reset": "after"},
        {
            "kind": "rnn",
            "name": "r",
            "units": 4,
            "function": "relu",
            "inputs": ["e"],
            "input_range": [-8.0, 8.0],
        },
        {"kind": "add", "name": "s", "inputs": ["g", "r"]},
        {"kind": "function", "name": "t", "function": "tanh"},
        {"kind": "linear", "name": "out", "units": 3, "timesteps": "all"},
    ]  # fmt: skip
    with safe_open(tmp_path / "weights.safetensors", "numpy") as file:
        names = set(file.keys())
    assert names == {
        "e.weight", "g.weight_ih_l0", "g.weight_hh_l0", "g.h0", "r.weight_ih_l0", "r.weight_hh_l0",
        "r.bias_ih_l0", "r.bias_hh_l0", "out.weight", "out.bias",
    }  # fmt: skip


def as_written(network):
    """Return the network that a plan is: what a configuration computes, layer by layer."""
    plan = plan_of(network)
    layers = []
    for planned in plan.layers:
        name = planned.name if "function" not in planned.keys else f"{planned.name}_sum"
        if isinstance(planned.layer, Function):
            name = planned.name
        changes = {"name": name, "inputs": planned.inputs, "timesteps": Timesteps.ALL}
        layers.append(replace(planned.layer, **changes))
        if name != planned.name:
            function = planned.keys["function"]
            layers.append(Function(name=planned.name, inputs=(name,), function=function))
    return checked(replace(network, layers=tuple(layers), outputs=None, timesteps=Timesteps.ALL))


def gru(name, width, units=UNITS, **more):
    shapes = (3 * units, width), (3 * units, units), (3 * units,), (3 * units,)
    w_ih, w_hh, b_ih, b_hh = (draw(*shape) for shape in shapes)
    return GRUCell(name=name, w_ih=w_ih, w_hh=w_hh, b_ih=b_ih, b_hh=b_hh, **more)


BACK = Direction.BACKWARD
GRAPHS = {
    "both ways": (
        gru("f", INPUTS, inputs=("input_buffer",)),
        gru("b", INPUTS, inputs=("input_buffer",), direction=BACK, reset_after=False),
        Concatenate(name="c", inputs=("f", "b")),
        linear("fc1", 2 * UNITS, 5),
        Function(name="e", function="elu"),
        Add(name="s", inputs=("e", "fc1")),
        gru("g", 5),
        Function(name="t", function="tanh", timesteps=Timesteps.FINAL),
        linear("fc2", inputs=UNITS),
        Function(name="r", function="relu"),
    ),
    "a sum of joined ones": (
        lstm("a"),
        lstm("b", UNITS),
        Concatenate(name="c", inputs=("a", "b")),
        Concatenate(name="d", inputs=("b", "a")),
        Add(name="s", inputs=("c", "d")),
        linear(inputs=2 * UNITS, timesteps=Timesteps.LAST),
    ),
    "joins of joins": (
        lstm("a"),
        lstm("b", UNITS),
        Concatenate(name="c", inputs=("b", "a")),
        Concatenate(name="d", inputs=("input_buffer", "c")),
        gru("g", 2 * UNITS + INPUTS),
        linear(),
        Function(name="x", function="sigmoid"),
        Function(name="y", function="sigmoid"),
    ),
}


@pytest.mark.parametrize("what", GRAPHS)
def test_a_plan_computes_the_same(what):
    network = network_of(*GRAPHS[what])
    x = RNG.normal(size=(3, TIMESTEPS, INPUTS))
    mine, written = run_imported(network, x), run_imported(as_written(network), x)
    if mine.ndim == 2:
        written = written[:, -1]
    assert np.allclose(mine, written, atol=1e-13)


def test_functions_without_bounds_get_a_range(tmp_path):
    layer = lstm(functions=("sigmoid", "sigmoid", "relu", "sigmoid", "tanh"))
    report = write_network(network_of(layer), tmp_path)
    assert layers_of(report)[0]["functions"] == {"g": "relu", "range": [-8.0, 8.0]}
    assert "gates of 'rnn' see sums from -8 to 8" in report.assumed


def test_names_are_made_fit(tmp_path):
    names = ["/rnn/LSTM_1", "module.1", "chip", "lstm_sum", "x" * 90, "é", "null"]
    layers, before = [], INPUTS
    for name in names:
        layers.append(lstm(name, before, 2))
        before = 2
    report = write_network(network_of(*layers), tmp_path)
    made = [layer["name"] for layer in layers_of(report)]
    expected = ["rnn_LSTM_1", "module_1", "chip_layer", "lstm_sum_layer", "x" * 48, "layer", "null"]
    assert made == expected
    assert report.refused == ()
    assert any("name '/rnn/LSTM_1' into rnn_LSTM_1" in text for text in report.mapped)


def test_what_no_configuration_has_is_refused():
    backward = lstm("back", direction=Direction.BACKWARD)
    head = linear(timesteps=Timesteps.FINAL)
    with pytest.raises(NetworkError, match="goes backward and is taken at its own end"):
        plan_of(network_of(backward, head, linear("more", 3)))
    with pytest.raises(NetworkError, match="goes backward and is taken at its own end"):
        plan_of(network_of(backward, timesteps=Timesteps.FINAL))
    between = (lstm(), Function(name="s", function="softmax"), linear())
    with pytest.raises(NetworkError, match="is a softmax between layers"):
        plan_of(network_of(*between))
    twice = (lstm(), linear(inputs=2 * UNITS), Concatenate(name="c", inputs=("rnn", "rnn")))
    with pytest.raises(NetworkError, match="takes in the same layer twice"):
        plan_of(network_of(twice[0], twice[2], twice[1]))


def test_the_last_linear_layer_takes_a_backward_layer_at_its_end():
    backward = lstm("back", direction=Direction.BACKWARD)
    head = linear(timesteps=Timesteps.FINAL)
    ends = Function(name="act", function="sigmoid"), Function(name="p", function="softmax")
    for more in ((), ends[:1], ends):
        plan = plan_of(network_of(backward, head, *more))
        assert [layer.keys.get("timesteps") for layer in plan.layers] == [None, "final"]
    forward = plan_of(network_of(lstm(), head))
    assert forward.layers[1].keys["timesteps"] == "last"


def test_what_is_written_is_read_again(tmp_path):
    network = network_of(
        lstm(h0=draw(UNITS), c0=draw(UNITS)),
        gru("g", UNITS, 2, h0=draw(2)),
        linear(inputs=2, timesteps=Timesteps.LAST),
    )
    write_network(network, tmp_path)
    again = read_network(tmp_path / "weights.safetensors")
    x = RNG.normal(size=(3, TIMESTEPS, INPUTS))
    assert np.array_equal(run_imported(network, x), run_imported(again, x))


def test_several_outputs_are_put_side_by_side(tmp_path):
    network = network_of(lstm("a"), lstm("b", UNITS, 2), outputs=("a", "b"))
    report = write_network(network, tmp_path)
    assert layers_of(report)[-1] == {"kind": "concatenate", "name": "output", "inputs": ["a", "b"]}


def test_nothing_is_overwritten(tmp_path):
    network = network_of(lstm(), linear())
    write_network(network, tmp_path / "made")
    before = (tmp_path / "made/chip.yaml").read_text()
    with pytest.raises(InputError, match=r"it has a chip\.yaml, which is not overwritten"):
        write_network(network, tmp_path / "made")
    assert (tmp_path / "made/chip.yaml").read_text() == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError):
        write_network(network, tmp_path / "file")
    with pytest.raises(InputError, match="'1x' is not a name"):
        write_network(network, tmp_path / "other", name="1x")
    assert not (tmp_path / "other").exists()


def test_the_report_says_what_was_done(tmp_path):
    notes = Notes(("LSTM 'rnn'",), ("axes",), ("an order",), ("dropout",))
    report = write_network(network_of(lstm(), linear(), notes=notes), tmp_path, name="mine")
    lines = list(report.lines())
    assert lines[0] == "read somewhere/net.onnx: ONNX, 191 weights"
    assert "found     LSTM 'rnn'" in lines
    assert lines[-1] == f"wrote {tmp_path / 'weights.safetensors'}"
    assert json.loads(json.dumps(report.to_json()))["assumed"] == [
        "an order",
        "sequences of 32 timesteps: the file does not say",
    ]


# ------------------------------------------------------------- the command


@pytest.fixture
def weights(tmp_path):
    tensors = {f"rnn.{name}": array for name, array in lstm().tensors()}
    tensors |= {f"fc.{name}": array for name, array in linear().tensors()}
    save_file(
        {name: np.asarray(array) for name, array in tensors.items()}, tmp_path / "w.safetensors"
    )
    return tmp_path / "w.safetensors"


def test_the_command_reads_and_writes(archsim, weights, tmp_path):
    code, out, err = archsim("import", weights, "--out", tmp_path / "net", "--name", "mine")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == f"next: archsim validate {tmp_path / 'net/chip.yaml'}"
    assert archsim("validate", tmp_path / "net/chip.yaml")[0] == 0
    code, out, _ = archsim("import", weights, "--out", tmp_path / "json", "--json")
    assert code == 0
    assert json.loads(out)["refused"] == []


def test_the_command_says_what_is_wrong_in_a_sentence(archsim, weights, tmp_path):
    net = tmp_path / "net"
    code, _, err = archsim("import", weights, "--out", net, "--option", "kind=gru")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "has the shapes of kind lstm, not gru" in err
    code, _, err = archsim("import", tmp_path / "nothing.onnx", "--out", net)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "cannot be read (No such file or directory)" in err
    assert not net.exists()
