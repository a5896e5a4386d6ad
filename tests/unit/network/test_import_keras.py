"""Do Keras files come in, without Keras, as what Keras computes?"""

from __future__ import annotations

import io
import json
import os
import zipfile

import h5py
import numpy as np
import pytest

from archsim.errors import NetworkError
from archsim.network.importers.base import Timesteps
from archsim.network.importers.recurrent import GRUCell
from archsim.network.importers.reference import run_imported
from archsim.network.importers.registry import read_network
from tests.tools import require_package

SEQUENCES, TIMESTEPS, INPUTS, UNITS = 3, 6, 5, 4


# ------------------------------------------------------------- files that the test writes itself


def entry(kind, name, **config):
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": {"name": name, **config},
        "registered_name": None,
    }


def write(path, layers, weights, *, kind="Sequential", **inner):
    """Write a file as Keras does: weights by place, each with its layer's name."""
    stored = io.BytesIO()
    with h5py.File(stored, "w") as file:
        for place, (name, arrays) in weights.items():
            group = file.create_group(f"layers/{place}/vars")
            group.attrs["name"] = name
            for number, array in enumerate(arrays):
                group[str(number)] = array
    config = {"class_name": kind, "config": {"layers": layers, **inner}, "module": "keras"}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", stored.getvalue())
    return path


INPUT = entry("InputLayer", "in", batch_shape=[None, TIMESTEPS, INPUTS])


def gru(rng, reset_after):
    bias = (2, 3 * UNITS) if reset_after else (3 * UNITS,)
    shapes = (INPUTS, 3 * UNITS), (UNITS, 3 * UNITS), bias
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("reset_after", [True, False])
def test_gates_are_put_into_order_and_transposed(reset_after, tmp_path):
    arrays = gru(np.random.default_rng(0), reset_after)
    layer = entry(
        *("GRU", "g"),
        activation="tanh",
        recurrent_activation="sigmoid",
        reset_after=reset_after,
        return_sequences=True,
    )
    path = write(tmp_path / "m.keras", [INPUT, layer], {})
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json")
    stored = io.BytesIO()
    with h5py.File(stored, "w") as file:
        file.create_group("layers/gru/vars").attrs["name"] = "g"
        for number, array in enumerate(arrays):
            file[f"layers/gru/cell/vars/{number}"] = array
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", stored.getvalue())
    network = read_network(path)
    (found,) = network.layers
    assert isinstance(found, GRUCell)
    assert found.reset_after is reset_after
    assert network.length == TIMESTEPS
    z, r, n = np.split(arrays[0].T, 3)
    assert np.array_equal(found.w_ih, np.concatenate([r, z, n]))
    if not reset_after:
        assert found.b_hh is None
    x = np.random.default_rng(1).normal(size=(1, TIMESTEPS, INPUTS))
    h = np.zeros(UNITS)
    kernel, back, bias = (array.astype(np.float64) for array in arrays)
    b, c = bias if reset_after else (bias, np.zeros_like(bias))
    for t in range(TIMESTEPS):
        xz, xr, xn = np.split(x[0, t] @ kernel + b, 3)
        hz, hr, hn = np.split(h @ back + c, 3)
        z, r = (1 / (1 + np.exp(-each)) for each in (xz + hz, xr + hr))
        fed = r * hn if reset_after else (r * h) @ back[:, 2 * UNITS :]
        h = z * h + (1 - z) * np.tanh(xn + fed)
        assert np.allclose(run_imported(network, x)[0, t], h, atol=1e-12)


DENSE = entry("Dense", "d", activation="linear")
REFUSED = [
    (entry("Lambda", "l", function="os.system('touch owned')"), "brings code of its own"),
    ({**DENSE, "registered_name": "mine>Dense"}, "is somebody's own"),
    ({**DENSE, "module": "os"}, "is somebody's own"),
    (entry("Conv1D", "c"), "is not simulated; known are"),
    (entry("Dense", "d", activation="hard_sigmoid"), "has the activation hard_sigmoid"),
    (entry("Dense", "d", activation={"class_name": "F"}), "has the activation of its own"),
    (entry("Dense", "d", dtype={"class_name": "QuantizedDTypePolicy"}), "is quantised"),
    (entry("ReLU", "r", max_value=6.0), "which relu has not"),
    (entry("Softmax", "s", axis=1), "along another axis"),
    (entry("LSTM", "r", return_state=True), "has return_state"),
    (entry("LSTM", "r", stateful=True), "has stateful"),
    (entry("Bidirectional", "b", merge_mode="mul"), "merge_mode mul"),
    (entry("Embedding", "e", mask_zero=True), "has mask_zero"),
    (entry("TimeDistributed", "t", layer=entry("LSTM", "i")), "holds a LSTM; a Dense"),
    (entry("Add", "a"), "takes in 1 layers, and two or more"),
    (DENSE, "has 0 arrays of weights where 2 are needed"),
    ({"class_name": "Dense"}, "without class or name"),
    ({**entry("Dense", "in")}, "has two layers called 'in'"),
]


@pytest.mark.parametrize(("layer", "says"), REFUSED)
def test_what_is_not_simulated_is_refused_with_its_layer(layer, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = {"dense": ("d", ())}
    path = write(tmp_path / "m.keras", [INPUT, layer], weights)
    with pytest.raises(NetworkError) as refused:
        read_network(path)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert {each.name for each in tmp_path.iterdir()} == {"m.keras"}


def tensor(name):
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}


def taking(layer, *names):
    return {**layer, "inbound_nodes": [{"args": [[tensor(n) for n in names]], "kwargs": {}}]}


@pytest.mark.parametrize(
    ("layers", "ends", "says"),
    [
        ([INPUT, taking(DENSE, "d")], [["d", 0, 0]], "wait for each other"),
        ([INPUT, taking(DENSE, "nowhere")], [["d", 0, 0]], "wait for each other or for none"),
        ([INPUT, taking(DENSE, "in")], [["d", 0, 0], ["in", 0, 0]], "has 2 outputs"),
        ([INPUT, taking(DENSE, "in")], [["q", 0, 0]], "an output 'q' that is no layer"),
        ([INPUT, {**INPUT, "config": {"name": "i2"}}], [["in", 0, 0]], "has 2 inputs"),
        (
            [INPUT, {**DENSE, "inbound_nodes": [{"args": [3]}]}],
            [["d", 0, 0]],
            "no output of a layer",
        ),
    ],
)
def test_a_graph_is_checked(layers, ends, says, tmp_path):
    path = write(tmp_path / "m.keras", layers, {}, kind="Functional", output_layers=ends)
    with pytest.raises(NetworkError, match=says):
        read_network(path)


# ------------------------------------------------------------- files that Keras writes


@pytest.fixture(scope="module")
def keras():
    require_package("torch", "torch")
    os.environ.setdefault("KERAS_BACKEND", "torch")
    return require_package("keras", "keras torch")


def sequential(*make):
    def whole(keras):
        layers = keras.layers
        return keras.Sequential(
            [layers.Input((TIMESTEPS, INPUTS)), *(each(layers) for each in make)]
        )

    return whole


def functional(keras):
    L = keras.layers
    given = L.Input((None,), dtype="int32")
    x = L.Embedding(11, INPUTS)(given)
    both = L.Bidirectional(L.LSTM(UNITS, return_sequences=True))(x)
    other = L.SimpleRNN(2 * UNITS, activation="relu", return_sequences=True)(x)
    total = L.Add()([both, other])
    beside = L.Concatenate()([total, other])
    last = L.GRU(UNITS)(beside)
    return keras.Model(given, L.Dense(3, activation="softmax")(L.Activation("elu")(last)))


def alike(keras):
    """Layers of one class and shape, named and taken in an order that is not that of making."""
    L = keras.layers
    given = L.Input((None, INPUTS))
    first, second, third = (
        L.LSTM(UNITS, return_sequences=True, name=name) for name in ("z", "lstm", "lstm_1")
    )
    a = third(L.Dense(UNITS)(given))
    b = first(second(L.Dense(UNITS)(L.Dense(UNITS)(given))))
    return keras.Model(given, L.Dense(3)(L.Concatenate()([b, a])))


MODELS = {
    "alike": alike,
    "lstm": sequential(lambda L: L.LSTM(UNITS), lambda L: L.Dense(3, activation="gelu")),
    "sequences": sequential(lambda L: L.GRU(UNITS, return_sequences=True), lambda L: L.Dense(3)),
    "reset before": sequential(
        lambda L: L.GRU(UNITS, reset_after=False, return_sequences=True), lambda L: L.LSTM(3)
    ),
    "functions": sequential(
        lambda L: L.LSTM(UNITS, activation="softsign", recurrent_activation="sigmoid"),
        lambda L: L.ReLU(),
    ),
    "without bias": sequential(lambda L: L.LSTM(UNITS, use_bias=False), lambda L: L.Dense(2)),
    "both ways": sequential(
        lambda L: L.Bidirectional(L.LSTM(UNITS, return_sequences=True)),
        lambda L: L.Dropout(0.5),
        lambda L: L.Bidirectional(L.GRU(UNITS)),
        lambda L: L.Dense(2),
    ),
    "a sum of both ways": sequential(
        lambda L: L.Bidirectional(L.GRU(UNITS), merge_mode="sum"), lambda L: L.Softmax()
    ),
    "backward": sequential(lambda L: L.LSTM(UNITS, go_backwards=True), lambda L: L.Dense(2)),
    "in front": sequential(
        lambda L: L.Dense(7, activation="silu"),
        lambda L: L.SimpleRNN(UNITS, return_sequences=True),
        lambda L: L.TimeDistributed(L.Dense(2, activation="tanh")),
    ),
    "functional": functional,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("which", MODELS)
def test_what_keras_saves_comes_in_as_what_it_computes(keras, which, tmp_path):
    keras.utils.set_random_seed(0)
    model = MODELS[which](keras)
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:  # biases begin as zeros, which would hide them
        variable.assign(0.5 * rng.normal(size=tuple(variable.shape)))
    path = tmp_path / "m.keras"
    model.save(path)
    network = read_network(path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(SEQUENCES, TIMESTEPS, INPUTS)).astype(np.float32)
    if which == "functional":
        x = rng.integers(0, 11, (SEQUENCES, TIMESTEPS))
    theirs = keras.ops.convert_to_numpy(model(x))
    mine = run_imported(network, x)
    assert mine.shape == theirs.shape
    assert np.abs(mine - theirs).max() < 1e-6


@pytest.mark.filterwarnings("ignore")
def test_a_backward_layer_with_sequences_is_refused(keras, tmp_path):
    model = sequential(lambda L: L.LSTM(UNITS, go_backwards=True, return_sequences=True))(keras)
    model.save(tmp_path / "m.keras")
    with pytest.raises(NetworkError, match="put it into a Bidirectional"):
        read_network(tmp_path / "m.keras")
    model = sequential(lambda L: L.Bidirectional(L.LSTM(UNITS)))(keras)
    model.save(tmp_path / "b.keras")
    assert read_network(tmp_path / "b.keras").timesteps is Timesteps.FINAL
