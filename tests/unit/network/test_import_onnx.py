"""Do ONNX files come in as what they compute: exporters' ones, and every form of the operators?"""

from __future__ import annotations

import importlib.util
import logging

import numpy as np
import pytest

from archsim.errors import NetworkError
from archsim.network.importers.base import Timesteps
from archsim.network.importers.options import Options
from archsim.network.importers.reference import run_imported
from archsim.network.importers.registry import read_network
from tests.tools import require_package

onnx = require_package("onnx", "'archsim[onnx]'")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

SEQUENCES, TIMESTEPS, INPUTS, UNITS = 2, 6, 5, 4
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
RNG = np.random.default_rng(1)


def draw(*shape):
    return RNG.normal(0, 0.5, size=shape).astype(np.float32)


def sequences(*, by_time=False):
    shape = (TIMESTEPS, SEQUENCES, INPUTS) if by_time else (SEQUENCES, TIMESTEPS, INPUTS)
    return 2 * draw(*shape)


def save(path, nodes, tensors, *, inputs=None, outputs=("y",), opset=17):
    """Write a graph; return its path."""
    inputs = inputs or {"x": (TIMESTEPS, "batch", INPUTS)}
    graph = helper.make_graph(
        nodes,
        "graph",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
            for name, dims in inputs.items()
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    path.write_bytes(model.SerializeToString())
    return path


def runtime(path, **given):
    """Return the first output that onnxruntime computes."""
    ort = require_package("onnxruntime", "onnxruntime")
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, given)[0]


def weights(op, directions=1):
    rows = GATES[op] * UNITS
    return {
        "W": draw(directions, rows, INPUTS),
        "R": draw(directions, rows, UNITS),
        "B": draw(directions, 2 * rows),
    }


# ------------------------------------------------------------- the operators themselves


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("LSTM", {}),
        ("LSTM", {"activations": ["Sigmoid", "Softsign", "Tanh"]}),
        ("GRU", {"linear_before_reset": 0}),
        ("GRU", {"linear_before_reset": 1}),
        ("RNN", {}),
        ("RNN", {"activations": ["Relu"]}),
    ],
)
def test_an_operator_is_what_onnxruntime_makes_of_it(op, attributes, direction, tmp_path):
    directions = 2 if direction == "bidirectional" else 1
    if "activations" in attributes:
        attributes = {"activations": attributes["activations"] * directions}
    given = ["x", "W", "R", "B"]
    node = helper.make_node(
        op, given, ["all"], "cell", hidden_size=UNITS, direction=direction, **attributes
    )
    nodes = [
        node,
        helper.make_node("Transpose", ["all"], ["turned"], perm=[2, 0, 1, 3]),
        helper.make_node("Reshape", ["turned", "shape"], ["y"]),
    ]
    tensors = {**weights(op, directions), "shape": np.array([0, 0, -1])}
    path = save(tmp_path / "m.onnx", nodes, tensors)
    network = read_network(path)
    x = sequences(by_time=True)
    mine = run_imported(network, x.swapaxes(0, 1))
    assert mine.shape == (SEQUENCES, TIMESTEPS, UNITS * directions)
    assert np.abs(mine - runtime(path, x=x)).max() < 1e-6
    assert network.length == TIMESTEPS


def test_states_and_lengths(tmp_path):
    start = np.repeat(draw(1, 1, UNITS), SEQUENCES, axis=1)
    given = ["x", "W", "R", "B", "lengths", "h", "c"]
    nodes = [
        helper.make_node("LSTM", given, ["all"], "cell", hidden_size=UNITS),
        helper.make_node("Squeeze", ["all", "one"], ["y"]),
    ]
    tensors = {**weights("LSTM"), "h": start, "c": 2 * start, "one": np.array([1])}
    path = save(
        tmp_path / "m.onnx",
        nodes,
        tensors,
        inputs={"x": (TIMESTEPS, SEQUENCES, INPUTS), "lengths": (SEQUENCES,)},
    )
    model = onnx.load(path)
    model.graph.input[1].type.tensor_type.elem_type = TensorProto.INT32
    onnx.save(model, path)
    network = read_network(path)
    assert np.allclose(network.layers[0].c0, 2 * start[0, 0])
    x, lengths = sequences(by_time=True), np.array([3, 6], np.int32)
    theirs = runtime(path, x=x, lengths=lengths).swapaxes(0, 1)
    mine = run_imported(network, x.swapaxes(0, 1), lengths)
    assert np.abs(mine - theirs).max() < 1e-6


def test_the_last_of_all_timesteps_is_not_a_sequences_own(tmp_path):
    nodes = [
        helper.make_node("GRU", ["x", "W", "R", "B", "lengths"], ["all"], "cell"),
        helper.make_node("Gather", ["all", "last"], ["y"], "pick", axis=0),
    ]
    inputs = {"x": (TIMESTEPS, SEQUENCES, INPUTS), "lengths": (SEQUENCES,)}
    tensors = {**weights("GRU"), "last": np.array(-1)}
    path = save(tmp_path / "m.onnx", nodes, tensors, inputs=inputs)
    with pytest.raises(NetworkError, match="take the final state Y_h"):
        read_network(path)


def test_options_have_nothing_to_say(tmp_path):
    path = save(tmp_path / "m.onnx", [RNN, node("Squeeze", ["h", "i"], "y")],
                {**weights("LSTM"), "i": np.array([0])})  # fmt: skip
    assert read_network(path).layers
    with pytest.raises(NetworkError, match="leaves nothing open: take the options away"):
        read_network(path, Options(kind="lstm"))


def test_sequences_first(tmp_path):
    nodes = [
        helper.make_node("GRU", ["x", "W", "R", "B"], ["all"], "cell", hidden_size=UNITS, layout=1),
        helper.make_node("Squeeze", ["all", "two"], ["y"]),
    ]
    tensors = {**weights("GRU"), "two": np.array([2])}
    path = save(tmp_path / "m.onnx", nodes, tensors, inputs={"x": ("batch", TIMESTEPS, INPUTS)})
    one = read_network(path)
    turned = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        helper.make_node("GRU", ["t", "W", "R", "B"], ["all"], "cell", hidden_size=UNITS),
        helper.make_node("Squeeze", ["all", "one"], ["s"]),
        helper.make_node("Transpose", ["s"], ["y"], perm=[1, 0, 2]),
    ]
    other = save(
        tmp_path / "t.onnx",
        turned,
        {**tensors, "one": np.array([1])},
        inputs={"x": ("batch", TIMESTEPS, INPUTS)},
    )
    x = sequences()
    theirs = runtime(other, x=x)  # onnxruntime itself has no layout 1
    assert np.abs(run_imported(one, x) - theirs).max() < 1e-6
    assert np.abs(run_imported(read_network(other), x) - theirs).max() < 1e-6


# ------------------------------------------------------------- what exporters write around them

RNN = helper.make_node("LSTM", ["x", "W", "R", "B"], ["all", "h"], "rnn", hidden_size=UNITS)
BOTH = helper.make_node(
    "LSTM", ["x", "W", "R", "B"], ["all", "h"], "rnn", hidden_size=UNITS, direction="bidirectional"
)


def node(op, inputs, *outputs, **attributes):
    return helper.make_node(op, inputs, list(outputs), f"{op}_{outputs[0]}", **attributes)


HEADS = {
    "the last step by an index": [
        RNN,
        node("Squeeze", ["all", "i1"], "s"),
        node("Gather", ["s", "last"], "t", axis=0),
        node("Gemm", ["t", "V", "c"], "y", transB=1),
    ],
    "the last step by a slice": [
        RNN,
        node("Slice", ["all", "i-1", "far", "i0"], "s"),
        node("Squeeze", ["s", "i01"], "t"),
        node("Gemm", ["t", "V", "c"], "y", transB=1, alpha=0.5, beta=2.0),
    ],
    "the final state": [
        RNN,
        node("Squeeze", ["h", "i0"], "t"),
        node("MatMul", ["t", "VT"], "m"),
        node("Add", ["c", "m"], "y"),
    ],
    "a function, a sum and a row of functions": [
        RNN,
        node("Squeeze", ["all", "i1"], "s"),
        node("Relu", ["s"], "a"),
        node("Tanh", ["s"], "b"),
        node("Add", ["a", "b"], "t"),
        node("Concat", ["t", "a"], "k", axis=-1),
        node("MatMul", ["k", "VVT"], "m"),
        node("Add", ["m", "c"], "n"),
        node("Sigmoid", ["n"], "o"),
        node("Identity", ["o"], "y"),
    ],
    "rows of all timesteps": [
        RNN,
        node("Reshape", ["all", "rows"], "r"),
        node("Gemm", ["r", "V", "c"], "g", transB=1),
        node("Softmax", ["g"], "p", axis=1),
        node("Reshape", ["p", "back"], "y"),
    ],
    "a layer before": [
        node("MatMul", ["x", "F"], "f"),
        node("Elu", ["f"], "g"),
        node("LSTM", ["g", "W", "R", "B"], "all", "h", hidden_size=UNITS),
        node("Squeeze", ["all", "i1"], "y"),
    ],
}


@pytest.mark.parametrize("what", HEADS)
def test_glue_leaves_no_layer_behind(what, tmp_path):
    tensors = {
        **weights("LSTM"),
        "V": draw(3, UNITS),
        "VT": draw(UNITS, 3),
        "VVT": draw(2 * UNITS, 3),
        "c": draw(3),
        "F": draw(INPUTS, INPUTS),
        "last": np.array(-1),
        "far": np.array([2**63 - 1]),
        "i0": np.array([0]),
        "i1": np.array([1]),
        "i-1": np.array([-1]),
        "i01": np.array([0, 1]),
        "rows": np.array([-1, UNITS]),
        "back": np.array([TIMESTEPS, -1, 3]),
    }
    path = save(tmp_path / "m.onnx", HEADS[what], tensors)
    network = read_network(path)
    x = sequences(by_time=True)
    mine = run_imported(network, x.swapaxes(0, 1))
    theirs = runtime(path, x=x)
    theirs = theirs.swapaxes(0, 1) if theirs.ndim == 3 else theirs
    assert mine.shape == theirs.shape
    assert np.abs(mine - theirs).max() < 1e-6


@pytest.mark.parametrize(
    "nodes",
    [
        [
            node("Gather", ["h", "first"], "a", axis=0),
            node("Gather", ["h", "second"], "b", axis=0),
            node("Concat", ["b", "a"], "y", axis=-1),
        ],
        [node("Transpose", ["h"], "t", perm=[1, 0, 2]), node("Reshape", ["t", "flat"], "y")],
        [
            node("Split", ["h", "halves"], "a", "b", axis=0),
            node("Squeeze", ["a", "i0"], "c"),
            node("Squeeze", ["b", "i0"], "d"),
            node("Concat", ["c", "d"], "y", axis=1),
        ],
    ],
)
def test_final_states_of_both_directions(nodes, tmp_path):
    tensors = {
        **weights("LSTM", 2),
        "first": np.array(0),
        "second": np.array(-1),
        "flat": np.array([-1, 2 * UNITS]),
        "halves": np.array([1, 1]),
        "i0": np.array([0]),
    }
    path = save(tmp_path / "m.onnx", [BOTH, *nodes], tensors)
    network = read_network(path)
    assert network.timesteps is Timesteps.FINAL
    x = sequences(by_time=True)
    assert np.abs(run_imported(network, x.swapaxes(0, 1)) - runtime(path, x=x)).max() < 1e-6


def test_numbers_that_are_computed_in_the_graph(tmp_path):
    rows = 4 * UNITS
    i, o, f, c = (draw(UNITS, INPUTS) for _ in range(4))
    given = weights("LSTM")
    del given["W"]
    parts = {"iofc": np.concatenate([i, o]), "fc": np.concatenate([f, c])}
    nodes = [
        node("Concat", ["iofc", "fc"], "w", axis=0),
        node("Unsqueeze", ["w", "i0"], "W"),
        RNN,
        node("Squeeze", ["all", "i1"], "y"),
    ]
    path = save(
        tmp_path / "m.onnx", nodes, {**given, **parts, "i0": np.array([0]), "i1": np.array([1])}
    )
    x = sequences(by_time=True)
    mine = run_imported(read_network(path), x.swapaxes(0, 1)).swapaxes(0, 1)
    assert np.abs(mine - runtime(path, x=x)).max() < 1e-6
    assert rows == 16


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_other_numbers(kind, tmp_path):
    tensors = {name: array.astype(kind) for name, array in weights("LSTM").items()}
    path = save(
        tmp_path / "m.onnx",
        [RNN, node("Squeeze", ["all", "i1"], "y")],
        {**tensors, "i1": np.array([1])},
    )
    (layer,) = read_network(path).layers
    i, o, f, c = np.split(tensors["W"][0].astype(np.float64), 4)
    assert np.array_equal(layer.w_ih, np.concatenate([i, f, c, o]))


# ------------------------------------------------------------- what is refused

LENGTHS = np.array([3, 6], np.int32)
REFUSED = [
    ([node("LSTM", ["x", "W", "R", "B"], "y", clip=1.0)], "clips its sums"),
    ([node("LSTM", ["x", "W", "R", "B"], "y", input_forget=1)], "couples two gates"),
    ([node("LSTM", ["x", "W", "R", "B", "", "", "", "P"], "y")], "has peepholes"),
    ([node("LSTM", ["x", "W", "R", "B", "L"], "y")], "has lengths of sequences"),
    (
        [node("LSTM", ["x", "W", "R", "B"], "y", activations=["Sigmoid", "Tanh", "Affine"])],
        "'affine'",
    ),
    ([node("LSTM", ["x", "W", "R", "B"], "y", activations=["Tanh"])], "names 1 functions where 3"),
    ([node("LSTM", ["x", "W", "R", "B"], "y", direction="both")], "has the direction 'both'"),
    ([node("LSTM", ["x", "W", "R", "B"], "y", hidden_size=9)], "has hidden_size 9"),
    ([node("GRU", ["x", "W", "R", "B"], "y", activations=["Relu", "Tanh"])], "needed"),
    ([RNN, node("Mul", ["all", "all"], "y")], "node 'Mul_y' (Mul) is not simulated"),
    ([RNN, node("Conv", ["all", "W"], "y")], "(Conv) is not simulated"),
    ([RNN, node("DequantizeLinear", ["q", "s"], "y")], "is of a quantised network"),
    ([RNN, node("Softmax", ["all"], "y", axis=0)], "works along another axis"),
    ([RNN, node("Elu", ["all"], "y", alpha=0.5)], "has alpha 0.5"),
    ([RNN, node("Slice", ["all", "two", "three", "zero"], "y")], "neither all nor the first"),
    ([RNN, node("Slice", ["all", "m1", "mfar", "zero", "m1"], "y")], "goes backward"),
    ([RNN, node("Gather", ["all", "zero"], "y", axis=2)], "picks from the axis of sequences"),
    ([RNN, node("Reshape", ["all", "odd"], "y")], "makes the shape"),
    ([RNN, node("Add", ["all", "s"], "y")], "adds numbers to what is no product"),
    ([RNN, node("Squeeze", ["all", "zero"], "y")], "takes an axis of time away"),
    (
        [
            node("LSTM", ["x", "W", "R", "B"], "all", "h", "c2", hidden_size=UNITS),
            node("Relu", ["c2"], "y"),
        ],
        "has an output 'y' that is no layer's: it is the cell state of an LSTM",
    ),
    ([node("MatMul", ["x", "F"], "y")], "has no recurrent layer"),
    ([RNN, node("Gather", ["all"], "y")], "picks several elements of an axis"),
    ([RNN, node("Transpose", ["all"], "y", perm=[0, 0, 1, 2])], "has the order [0, 0, 1, 2]"),
    ([node("LSTM", ["x"], "y")], "do not fit it"),
]


@pytest.mark.parametrize(("nodes", "says"), REFUSED)
def test_what_is_not_simulated_is_refused_with_its_node(nodes, says, tmp_path):
    tensors = {
        **weights("LSTM"),
        "P": draw(1, 3 * UNITS),
        "F": draw(INPUTS, 2),
        "L": LENGTHS,
        "q": np.array([1]),
        "s": np.float32(0.5),
        "two": np.array([2]),
        "three": np.array([3]),
        "zero": np.array([0]),
        "m1": np.array([-1]),
        "mfar": np.array([-(2**62)]),
        "odd": np.array([-1, 7]),
    }
    path = save(tmp_path / "m.onnx", nodes, tensors, inputs={"x": (TIMESTEPS, SEQUENCES, INPUTS)})
    with pytest.raises(NetworkError) as refused:
        read_network(path)
    text = str(refused.value)
    assert text.startswith(f"{path}: ")
    assert says in text
    assert "\n" not in text


# ------------------------------------------------------------- PyTorch's exporters

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="needs: pip install 'archsim[torch]'"
)


def torch_modules():
    import torch
    from torch import nn

    class Tagger(nn.Module):
        def __init__(self, kind="LSTM", head="last", **options):
            super().__init__()
            self.rnn = getattr(nn, kind)(INPUTS, UNITS, batch_first=True, **options)
            self.fc = nn.Linear(UNITS * (2 if options.get("bidirectional") else 1), 3)
            self.head = head

        def forward(self, x):
            y, state = self.rnn(x)
            h = state[0] if isinstance(state, tuple) else state
            if self.head == "final":
                y = torch.cat((h[-2], h[-1]), 1) if self.rnn.bidirectional else h[-1]
            return self.fc(y if self.head != "last" else y[:, -1])

    class Idioms(Tagger):
        """Both directions at their own ends, by slices; a head of two layers; a second output."""

        def forward(self, x):
            y, _ = self.rnn(x)
            ends = torch.cat((y[:, -1, :UNITS], y[:, 0, UNITS:]), dim=1)
            return torch.relu(self.fc(ends)), y

    class Rows(Tagger):
        """All timesteps of all sequences as rows of one matrix, and back."""

        def forward(self, x):
            y, _ = self.rnn(x)
            rows = self.fc(y.reshape(-1, y.shape[2]))
            return torch.log_softmax(rows.view(y.shape[0], y.shape[1], -1), dim=2)

    class Language(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.rnn = nn.Embedding(11, INPUTS), nn.LSTM(INPUTS, UNITS)
            self.out = nn.Linear(UNITS, 11)

        def forward(self, index):
            return self.out(self.rnn(self.embed(index))[0]).log_softmax(-1)

    return {
        "lstm": Tagger,
        "stacked": lambda: Tagger(head="all", num_layers=2, bidirectional=True),
        "final": lambda: Tagger("GRU", "final", bidirectional=True),
        "gru": lambda: Tagger("GRU", num_layers=2),
        "language": Language,
        "idioms": lambda: Idioms(bidirectional=True),
        "rows": Rows,
    }


@needs_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dynamo", [False, True])
@pytest.mark.parametrize("which", ["lstm", "stacked", "final", "gru", "language", "idioms", "rows"])
def test_what_pytorch_exports_comes_in_as_what_it_computes(which, dynamo, tmp_path):
    import torch

    if dynamo:
        require_package("onnxscript", "onnxscript")
    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    module = torch_modules()[which]().eval()
    x = torch.randn(SEQUENCES, TIMESTEPS, INPUTS)
    by_time = which == "language"
    if by_time:
        x = torch.randint(11, (TIMESTEPS, SEQUENCES))
    path = tmp_path / "m.onnx"
    options = (
        {"verbose": False} if dynamo else {"dynamic_axes": {"x": [0, 1]}, "input_names": ["x"]}
    )
    try:
        torch.onnx.export(module, (x,), str(path), dynamo=dynamo, **options)
    finally:
        logging.disable(logging.NOTSET)
    network = read_network(path)
    theirs = module(x)
    theirs = (theirs[0] if which == "idioms" else theirs).detach().numpy()
    mine = run_imported(network, x.numpy().T if by_time else x.numpy())
    assert np.abs(mine - (theirs.swapaxes(0, 1) if by_time else theirs)).max() < 1e-6


@needs_torch
@pytest.mark.filterwarnings("ignore")
def test_an_unrolled_layer_is_refused_with_what_to_do(tmp_path):
    import torch

    require_package("onnxscript", "onnxscript")
    path = tmp_path / "m.onnx"
    module = torch.nn.RNN(INPUTS, UNITS, batch_first=True).eval()
    torch.onnx.export(module, (torch.randn(2, 3, INPUTS),), str(path), dynamo=True, verbose=False)
    with pytest.raises(NetworkError, match="which PyTorch's does not with dynamo=False"):
        read_network(path)
