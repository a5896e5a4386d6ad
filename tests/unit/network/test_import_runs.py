"""Does a configuration take every kind of layer that importers write, and mean the same by it?"""

from __future__ import annotations

import numpy as np
import pytest

import archsim
from archsim.chip.flow import float_outputs
from archsim.network.importers.base import ImportedNetwork, Timesteps
from archsim.network.importers.layers import Add, Concatenate, Embedding, Function, Linear
from archsim.network.importers.recurrent import Direction, GRUCell, LSTMCell, RNNCell
from archsim.network.importers.reference import run_imported
from archsim.network.importers.writer import write_network

RNG = np.random.default_rng(3)
INPUTS, UNITS, OUTPUTS, STEPS = 5, 4, 3, 6


def drawn(*shape):
    return RNG.normal(0, 0.4, shape)


def recurrent(kind, name, gates, *, out=UNITS, takes=None, **options):
    return kind(
        name=name, inputs=takes, w_ih=drawn(gates * UNITS, INPUTS), w_hh=drawn(gates * UNITS, out),
        b_ih=drawn(gates * UNITS), b_hh=drawn(gates * UNITS), **options,
    )  # fmt: skip


HEAD = Linear(name="head", w=drawn(OUTPUTS, UNITS), b=drawn(OUTPUTS))
NETWORKS = {
    "lstm": [recurrent(LSTMCell, "a", 4), HEAD],
    "lstm with a projection": [
        recurrent(LSTMCell, "a", 4, out=2, w_hr=drawn(2, UNITS)),
        Linear(name="head", w=drawn(OUTPUTS, 2), b=None),
    ],
    "gru, reset after": [recurrent(GRUCell, "a", 3, reset_after=True), HEAD],
    "gru, reset before": [recurrent(GRUCell, "a", 3, reset_after=False), HEAD],
    "rnn": [recurrent(RNNCell, "a", 1, nonlinearity="tanh"), HEAD],
    "rnn with relu": [recurrent(RNNCell, "a", 1, nonlinearity="relu"), HEAD],
    "backward": [recurrent(GRUCell, "a", 3, reset_after=True, direction=Direction.BACKWARD), HEAD],
    "a function between": [
        recurrent(LSTMCell, "a", 4), Function(name="f", function="relu"), HEAD,
    ],
    "two linear layers": [
        recurrent(LSTMCell, "a", 4), Linear(name="b", w=drawn(UNITS, UNITS), b=drawn(UNITS)),
        Function(name="f", function="sigmoid"), HEAD,
    ],
}  # fmt: skip


def network_of(layers, *, inputs=INPUTS):
    return ImportedNetwork(
        inputs=inputs, layers=tuple(layers), source="made here", timesteps=Timesteps.LAST
    )


def written(network, folder, x):
    """Return what the configuration that is written computes in float64."""
    report = write_network(network, folder, timesteps=STEPS)
    assert report.refused == ()
    config = archsim.load(report.files[0])
    chip = archsim.build_chip(config)
    return float_outputs(config.network, chip.layers, x)[:, -1]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_configuration_means_what_was_imported(name, tmp_path):
    network = network_of(NETWORKS[name])
    x = RNG.normal(0, 1, (3, STEPS, INPUTS))
    expected = run_imported(network, x)
    found = written(network, tmp_path / "out", x)
    np.testing.assert_allclose(found, np.asarray(expected).reshape(found.shape), atol=1e-6)
    archsim.run(tmp_path / "out/chip.yaml", set={"trace.level": "off"})


def test_symbols_and_layers_side_by_side(tmp_path):
    table = Embedding(name="symbols", table=drawn(7, INPUTS))
    layers = [
        table,
        recurrent(GRUCell, "a", 3, reset_after=True, takes=("symbols",)),
        recurrent(LSTMCell, "b", 4, takes=("symbols",)),
        Add(name="sum", inputs=("a", "b")),
        Concatenate(name="both", inputs=("sum", "b")),
        Linear(name="head", w=drawn(OUTPUTS, 2 * UNITS), b=drawn(OUTPUTS)),
    ]
    network = network_of(layers, inputs=1)
    x = RNG.integers(0, 7, (3, STEPS, 1)).astype(float)
    found = written(network, tmp_path / "out", x)
    np.testing.assert_allclose(
        found, np.asarray(run_imported(network, x)).reshape(found.shape), atol=1e-6
    )
    archsim.run(tmp_path / "out/chip.yaml", set={"trace.level": "off"})
