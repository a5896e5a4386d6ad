"""Are networks found in tensors by their names alone, and is what names leave open asked for?"""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from safetensors.numpy import save_file

from archsim.errors import NetworkError
from archsim.network.importers.base import ImportedNetwork, Timesteps
from archsim.network.importers.check import checked
from archsim.network.importers.layers import Add, Concatenate, Embedding, Function, Linear
from archsim.network.importers.options import Options, parse_options
from archsim.network.importers.recurrent import Direction, GRUCell, LSTMCell, RNNCell
from archsim.network.importers.reference import run_imported
from archsim.network.importers.registry import read_network
from tests.runs import ROOT

RNG = np.random.default_rng(0)


def draw(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def cell(gates, inputs, units, *, layer="_l0", reverse=False, biases=2, elements=None):
    """Return tensors of one recurrent layer."""
    end = f"{layer}{'_reverse' if reverse else ''}"
    back = elements or units
    out = {
        f"weight_ih{end}": draw(gates * units, inputs),
        f"weight_hh{end}": draw(gates * units, back),
    }
    for name in ("bias_ih", "bias_hh")[:biases]:
        out[f"{name}{end}"] = draw(gates * units)
    if elements:
        out[f"weight_hr{end}"] = draw(elements, units)
    return out


def under(prefix, tensors):
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def linear(inputs, units, *, bias=True):
    return {"weight": draw(units, inputs), **({"bias": draw(units)} if bias else {})}


@pytest.fixture(params=["safetensors", "npz"])
def read(request, tmp_path):
    """Write tensors to a file of either sort and read the network in it."""

    def one(tensors, **options):
        path = tmp_path / f"w.{request.param}"
        if request.param == "npz":
            np.savez(path, **tensors)
        else:
            save_file(tensors, path)
        return read_network(path, Options(**options))

    one.sort = request.param
    return one


@pytest.mark.parametrize(("gates", "kind"), [(4, LSTMCell), (3, GRUCell), (1, RNNCell)])
def test_the_kind_follows_from_the_shape(read, gates, kind):
    given = under("net", cell(gates, 5, 6)) | under("head", linear(6, 2))
    more = {"nonlinearity": "relu"} if kind is RNNCell else {}
    network = read(given, **more)
    first, head = network.layers
    assert type(first) is kind
    assert network.inputs == 5
    assert np.array_equal(first.w_ih, given["net.weight_ih_l0"].astype(np.float64))
    assert np.array_equal(first.b_hh, given["net.bias_hh_l0"])
    assert head.timesteps is Timesteps.LAST
    assert any("last timestep" in text for text in network.notes.assumed)
    assert read(given, timesteps="all", **more).layers[1].timesteps is Timesteps.ALL


def test_what_is_read_is_what_is_computed(read):
    given = under("rnn", cell(4, 5, 6)) | under("out", linear(6, 2))
    network = read(given, timesteps="all")
    x = RNG.normal(size=(2, 4, 5))
    h, c = np.zeros((2, 6)), np.zeros((2, 6))
    for t in range(4):
        total = x[:, t] @ given["rnn.weight_ih_l0"].T + h @ given["rnn.weight_hh_l0"].T
        total = total + given["rnn.bias_ih_l0"].astype(np.float64) + given["rnn.bias_hh_l0"]
        i, f, g, o = np.split(total, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        expected = h @ given["out.weight"].T + given["out.bias"]
        assert np.allclose(run_imported(network, x)[:, t], expected, atol=1e-6)


def test_stacks_and_directions(read):
    given = {}
    for number, inputs in enumerate((5, 12)):
        for reverse in (False, True):
            given |= under("m.lstm", cell(4, inputs, 6, layer=f"_l{number}", reverse=reverse))
    network = read(given | under("m.fc", linear(12, 3)))
    names = [layer.name for layer in network.layers]
    assert names == ["m.lstm_l0", "m.lstm_l0_reverse", "m.lstm_l1", "m.lstm_l1_reverse", "m.fc"]
    assert network.layers[1].direction is Direction.BACKWARD
    assert network.layers[2].inputs == ("m.lstm_l0", "m.lstm_l0_reverse")
    assert network.layers[4].inputs == ("m.lstm_l1", "m.lstm_l1_reverse")


@pytest.mark.parametrize("biases", [0, 1, 2])
def test_cells_without_a_number_and_any_biases(read, biases):
    network = read(under("dec.cell", cell(4, 5, 6, layer="", biases=biases)))
    (layer,) = network.layers
    assert layer.name == "dec.cell"
    assert [layer.b_ih is None, layer.b_hh is None] == [biases < 1, biases < 2]
    assert {name for name, _ in layer.tensors()} >= {"weight_ih_l0", "weight_hh_l0"}


def test_projections_and_prefixes(read):
    given = under("module.rnn", cell(4, 5, 6, elements=3)) | under("module.fc", linear(3, 2))
    network = read(given)
    assert network.layers[0].out == 3
    assert network.layers[0].units == 6
    assert np.array_equal(network.layers[0].w_hr, given["module.rnn.weight_hr_l0"])


def test_half_numbers_of_both_sorts_and_double_ones(tmp_path):
    given = {
        name: tensor.astype(np.float16)
        for name, tensor in (under("r", cell(4, 3, 2)) | under("o", linear(2, 2))).items()
    }
    np.savez(tmp_path / "half.npz", **given)
    half = read_network(tmp_path / "half.npz")
    assert np.array_equal(half.layers[0].w_ih, given["r.weight_ih_l0"].astype(np.float64))
    numbers = np.array([1.0, -2.5, 0.15625], np.float32)
    upper = (numbers.view("<u4") >> 16).astype("<u2").tobytes()
    header = (
        b'{"a.weight_hh_l0":{"dtype":"F64","shape":[1,1],"data_offsets":[0,8]},'
        b'"a.weight_ih_l0":{"dtype":"BF16","shape":[1,3],"data_offsets":[8,14]}}'
    )
    data = struct.pack("<Qd", 0, 0.1)[8:] + upper
    path = tmp_path / "b.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    (layer,) = read_network(path, Options(nonlinearity="tanh")).layers
    assert layer.w_ih.tolist() == [[1.0, -2.5, 0.15625]]
    assert layer.w_hh.tolist() == [[0.1]]


def test_embeddings_by_name_and_by_size(read):
    rest = under("rnn", cell(4, 5, 6)) | under("fc", linear(6, 9))
    network = read({"tok_embedding.weight": draw(9, 5), **rest})
    assert isinstance(network.layers[0], Embedding)
    assert network.inputs == 1
    assert run_imported(network, np.array([[0, 8, 3]])).shape == (1, 9)
    assert isinstance(read({"table.weight": draw(9, 5), **rest}).layers[0], Embedding)
    with pytest.raises(NetworkError, match="takes whole numbers from 0 to 8"):
        run_imported(network, np.array([[0, 9]]))


def test_sizes_leave_one_order(read):
    given = under("z_in", linear(7, 5)) | under("m", cell(3, 5, 6)) | under("a_out", linear(6, 2))
    shuffled = {name: given[name] for name in sorted(given)}
    network = read(shuffled)
    assert [layer.name for layer in network.layers] == ["z_in", "m", "a_out"]
    assert network.layers[0].timesteps is Timesteps.ALL


def test_an_order_that_sizes_leave_open_is_asked_for(read):
    given = under("b", cell(4, 6, 6)) | under("a", cell(4, 6, 6)) | under("out", linear(6, 2))
    if read.sort == "npz":  # the archive keeps the order in which arrays were given
        assert [layer.name for layer in read(given).layers] == ["b", "a", "out"]
    else:
        with pytest.raises(
            NetworkError, match=r"several orders of a, b, out: say which one by order="
        ):
            read(given)
    assert [layer.name for layer in read(given, order=("b", "a", "out")).layers][:2] == ["b", "a"]
    with pytest.raises(NetworkError, match="option order: its layers are"):
        read(given, order=("b", "a"))


def test_the_numbers_of_a_sequential_are_an_order(read):
    given = {}
    for number in (10, 2):
        given |= under(f"net.{number}", linear(6, 6))
    given |= under("net.0", cell(4, 6, 6))
    network = read(given, between="relu")
    names = [layer.name for layer in network.layers]
    assert names == ["net.0", "net.2", "net.2.relu", "net.10"]


def test_a_function_between_linear_layers_is_asked_for(read):
    given = under("r", cell(4, 5, 6)) | under("fc1", linear(6, 4)) | under("fc2", linear(4, 2))
    with pytest.raises(NetworkError, match="give between=relu, or between=identity"):
        read(given)
    assert isinstance(read(given, between="tanh").layers[2], Function)
    assert len(read(given, between="identity").layers) == 3


RNN = under("r", cell(4, 5, 6))


@pytest.mark.parametrize(
    ("given", "options", "says"),
    [
        (under("r", cell(1, 5, 6)), {}, "give nonlinearity=tanh or nonlinearity=relu"),
        (under("r", cell(3, 5, 6)), {"kind": "lstm"}, "has the shapes of kind gru, not lstm"),
        (under("r", cell(2, 5, 6)), {}, "no cell of 4, 3 or 1 gates"),
        (under("fc", linear(5, 6)), {}, "it has no recurrent layer: none of fc"),
        (RNN | {"bn.weight": draw(6), "bn.bias": draw(6)}, {}, "normalisation"),
        (RNN | {"conv.weight": draw(6, 5, 3)}, {}, "as a convolution may"),
        (RNN | {"conv.scale": draw(6)}, {}, "no layer that is known"),
        (RNN | under("fc", linear(7, 2)), {}, "form no chain"),
        ({"r.kernel": draw(5, 24), "r.recurrent_kernel": draw(6, 24)}, {}, "are Keras's names"),
        ({"r.weight_ih_l0": draw(24, 5)}, {}, "'r' lacks the tensor weight_hh_l0"),
        (under("r", cell(4, 5, 6, layer="_l1")), {}, "lacks the tensors that end with _l0"),
        (RNN, {"ignore": ("x.*",)}, "it has no such tensor"),
        ({"r.bias": draw(4), **under("q", cell(4, 5, 6))}, {}, "has a bias and no weight"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused_in_a_sentence(read, given, options, says):
    with pytest.raises(NetworkError) as refused:
        read(given, **options)
    text = str(refused.value)
    assert says in text
    assert str(text).startswith("/")
    assert "\n" not in text


@pytest.mark.parametrize(
    "options",
    [
        {"nonlinearity": "relu"},
        {"between": "relu"},
        {"timesteps": "last"},
        {"embedding": "r"},
    ],
)
def test_an_option_that_says_nothing_is_refused(read, options):
    with pytest.raises(NetworkError, match=f"option {next(iter(options))} says nothing of this"):
        read(RNN, **options)


def test_tensors_are_left_out_on_purpose(read):
    given = under("r", cell(4, 5, 6)) | {"aux.scale": draw(3)}
    assert len(read(given, ignore=("aux.*",)).layers) == 1


def test_what_archsim_keeps_beside_a_network_is_no_part_of_it():
    network = read_network(ROOT / "configs/kws/weights.safetensors")
    assert [layer.name for layer in network.layers] == ["lstm", "output"]
    assert len(network.notes.left_out) == 2


def test_options_are_checked():
    options = parse_options(["order=a,b", "kind=gru"])
    assert options.order == ("a", "b")
    for wrong, says in (
        ("knid=gru", "did you mean 'kind'"),
        ("kind", "write KEY=VALUE"),
        ("kind=cnn", "is none of lstm, gru, rnn"),
    ):
        with pytest.raises(NetworkError, match=says):
            parse_options([wrong])
    with pytest.raises(NetworkError, match="given twice"):
        parse_options(["kind=gru", "kind=gru"])


def network_of(*layers, inputs=3, **more):
    return ImportedNetwork(inputs, layers, "here", **more)


def lstm(name="r", inputs=3, units=2, **more):
    return LSTMCell(name=name, w_ih=draw(4 * units, inputs), w_hh=draw(4 * units, units), **more)


@pytest.mark.parametrize(
    ("network", "says"),
    [
        (network_of(), "has no layer"),
        (network_of(lstm(), lstm()), "two layers are called 'r'"),
        (network_of(lstm(inputs=4)), r"weight_ih of shape \(8, 4\) where \(8, 3\) is needed"),
        (network_of(lstm(c0=np.zeros(3))), r"c0 of shape \(3,\) where \(2,\) is needed"),
        (
            network_of(Linear(name="a", w=draw(2, 3), inputs=("b",))),
            "takes in 'b', which is no layer",
        ),
        (
            network_of(lstm(), Add(name="s", inputs=("r", "input_buffer"))),
            "adds inputs of different",
        ),
        (network_of(lstm(b_ih=np.full(8, np.nan))), "a number in bias_ih_l0 that is not finite"),
        (network_of(lstm(h0=np.full(2, 1e40))), "cannot be a weight"),
        (
            network_of(
                lstm(), Linear(name="a", w=draw(2, 2), timesteps=Timesteps.LAST), lstm("q", 2)
            ),
            "takes in one timestep, no sequence",
        ),
        (
            network_of(
                lstm(),
                Linear(name="a", w=draw(2, 2), timesteps=Timesteps.LAST),
                Concatenate(name="c", inputs=("r", "a")),
            ),
            "some at every timestep and some at one",
        ),
        (
            network_of(Linear(name="a", w=draw(2, 3)), timesteps=Timesteps.FINAL),
            "the final output of 'a', which is not recurrent",
        ),
    ],
)
def test_a_network_is_checked(network, says):
    with pytest.raises(NetworkError, match=says):
        checked(network)


def test_what_nothing_takes_in_is_left_out():
    network = network_of(
        lstm(), Linear(name="aux", w=draw(2, 2)), Linear(name="o", w=draw(1, 2), inputs=("r",))
    )
    found = checked(network)
    assert [layer.name for layer in found.layers] == ["r", "o"]
    assert "aux" in found.notes.left_out[0]


def test_inputs_and_lengths_of_the_reference_are_checked():
    network = checked(network_of(lstm(), Linear(name="o", w=draw(1, 2), timesteps=Timesteps.LAST)))
    x = RNG.normal(size=(2, 4, 3))
    short = run_imported(network, x, np.array([2, 4]))
    assert np.allclose(short[:1], run_imported(network, x[:1, :2]))
    with pytest.raises(NetworkError, match="lengths have to be 2 numbers from 1 to 4"):
        run_imported(network, x, np.array([0, 4]))
    with pytest.raises(NetworkError, match="is needed"):
        run_imported(network, x[..., :2])


def test_arrays_by_columns_are_read_as_they_are(tmp_path):
    given = {name: np.asfortranarray(tensor) for name, tensor in under("r", cell(4, 5, 6)).items()}
    np.savez_compressed(tmp_path / "w.npz", **given)
    (layer,) = read_network(tmp_path / "w.npz").layers
    assert np.array_equal(layer.w_ih, given["r.weight_ih_l0"])
    stream = io.BytesIO()
    np.save(stream, given["r.weight_ih_l0"])
    (tmp_path / "one.npy").write_bytes(stream.getvalue())
    with pytest.raises(NetworkError, match="is one NumPy array: save all tensors"):
        read_network(tmp_path / "one.npy")
