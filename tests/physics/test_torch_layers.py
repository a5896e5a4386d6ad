"""Are float64 layers what torch.nn computes, so that trained weights mean the same here?"""

from __future__ import annotations

import numpy as np
import pytest

from tests.chip_layers import chip_of, random_inputs, run_floats
from tests.tools import require_package

torch = require_package("torch", "'archsim[torch]'")

LENGTH = np.array([7, 3, 1, 5])


def tensors_of(module, name):
    """Return a module's parameters by the names that they have in a model's file."""
    state = module.state_dict()
    return {f"{name}.{key}": value.numpy().astype(np.float32) for key, value in state.items()}


def made(kind, *sizes, **keys):
    """Return a module of torch with parameters that float32 holds."""
    torch.manual_seed(len(keys))
    return getattr(torch.nn, kind)(*sizes, **keys).float().double()


def compared(tmp_path, layers, tensors, expected, x, length=None):
    chip = chip_of(tmp_path, layers, tensors)
    found = run_floats(chip, x, length)
    for place, end in enumerate(LENGTH if length is not None else [x.shape[1]] * len(x)):
        np.testing.assert_allclose(found[place, :end], expected[place, :end], rtol=0, atol=1e-6)


def outputs_of(module, x, length=None):
    given = torch.from_numpy(x.astype(np.float64))
    with torch.no_grad():
        if length is None:
            return module(given)[0].numpy()
        pack, pad = torch.nn.utils.rnn.pack_padded_sequence, torch.nn.utils.rnn.pad_packed_sequence
        packed = pack(given, torch.from_numpy(length), batch_first=True, enforce_sorted=False)
        return pad(module(packed)[0], batch_first=True)[0].numpy()


CELLS = {
    "lstm": ("LSTM", "kind: lstm", {}),
    "projected": ("LSTM", "kind: lstm, projection: 3", {"proj_size": 3}),
    "gru": ("GRU", "kind: gru", {}),
    "tanh": ("RNN", "kind: rnn", {}),
    "relu": (
        "RNN",
        "kind: rnn, function: relu, input_range: [-4, 4]",
        {"nonlinearity": "relu"},
    ),
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_a_layer_is_torchs(cell, bias, tmp_path):
    kind, keys, more = CELLS[cell]
    module, x = made(kind, 5, 6, batch_first=True, bias=bias, **more), random_inputs(4, 7, 5)
    layers = [f"{{name: cell, units: 6, {keys}}}"]
    compared(tmp_path, layers, tensors_of(module, "cell"), outputs_of(module, x), x)


@pytest.mark.parametrize("cell", CELLS)
def test_a_stack_of_both_directions_is_torchs(cell, tmp_path):
    """Two layers, each both ways, from one file, for sequences of their own lengths."""
    kind, keys, more = CELLS[cell]
    module = made(kind, 5, 6, num_layers=2, bidirectional=True, batch_first=True, **more)
    x = random_inputs(4, 7, 5)
    both = f"units: 6, tensors: cell, {keys}"
    back = "direction: backward"
    layers = [
        f"{{name: a, {both}}}",
        f"{{name: b, {both}, {back}, inputs: [input_buffer]}}",
        f"{{name: c, {both}, stacked: 1, inputs: [a, b]}}",
        f"{{name: d, {both}, stacked: 1, {back}, inputs: [a, b]}}",
        "{kind: linear, name: same, units: %d, timesteps: all, inputs: [c, d]}",
    ]
    size = 6 if cell == "projected" else 12
    layers[-1] %= size
    same = {"same.weight": np.eye(size, dtype=np.float32)}
    tensors = {**tensors_of(module, "cell"), **same}
    compared(tmp_path, layers, tensors, outputs_of(module, x, LENGTH), x, LENGTH)


@pytest.mark.parametrize("when", ["last", "final"])
def test_the_last_output_and_the_final_states_are_torchs(when, tmp_path):
    module = made("GRU", 5, 6, bidirectional=True, batch_first=True)
    head = made("Linear", 12, 3)
    x = random_inputs(4, 7, 5)
    with torch.no_grad():
        out, final = module(torch.from_numpy(x.astype(np.float64)))
        taken = out[:, -1] if when == "last" else torch.cat([final[0], final[1]], dim=1)
        expected = head(taken).numpy()[:, None]
    layers = [
        "{kind: gru, name: cell, units: 6}",
        "{kind: gru, name: back, units: 6, tensors: cell, direction: backward}",
        f"{{kind: linear, name: head, units: 3, timesteps: {when}, inputs: [cell, back]}}",
    ]
    tensors = {**tensors_of(module, "cell"), **tensors_of(head, "head")}
    chip = chip_of(tmp_path, layers, tensors, "network.layers.1.inputs=[input_buffer]")
    np.testing.assert_allclose(run_floats(chip, x), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru", "tanh"])
def test_a_state_to_begin_with_is_torchs(cell, tmp_path):
    """Words hold the states exactly."""
    kind, keys, _ = CELLS[cell]
    module, x = made(kind, 5, 6, batch_first=True), random_inputs(4, 7, 5)
    rng = np.random.default_rng(1)
    names = ("h0", "c0") if cell == "lstm" else ("h0",)
    states = {name: rng.integers(-2000, 2000, 6) / 2048 for name in names}
    given = tuple(torch.from_numpy(np.tile(state, (1, 4, 1))) for state in states.values())
    with torch.no_grad():
        start = given if cell == "lstm" else given[0]
        expected = module(torch.from_numpy(x.astype(np.float64)), start)[0].numpy()
    more = {f"cell.{name}": state.astype(np.float32) for name, state in states.items()}
    layers = [f"{{name: cell, units: 6, {keys}}}"]
    compared(tmp_path, layers, {**tensors_of(module, "cell"), **more}, expected, x)


def test_a_gru_that_resets_before_is_its_equations(tmp_path):
    """Torch has none: Cho et al. 2014, equations 5 to 8, written with torch's functions."""
    module, x = made("GRU", 5, 6, batch_first=True), random_inputs(4, 7, 5)
    w, u = module.weight_ih_l0, module.weight_hh_l0
    b = module.bias_ih_l0 + module.bias_hh_l0
    h, steps = torch.zeros(4, 6, dtype=torch.float64), []
    with torch.no_grad():
        for t in range(7):
            now = torch.from_numpy(x[:, t].astype(np.float64))
            r = torch.sigmoid(now @ w[:6].T + h @ u[:6].T + b[:6])
            z = torch.sigmoid(now @ w[6:12].T + h @ u[6:12].T + b[6:12])
            n = torch.tanh(now @ w[12:].T + (r * h) @ u[12:].T + b[12:])
            h = z * h + (1 - z) * n
            steps.append(h)
    expected = torch.stack(steps, dim=1).numpy()
    layers = ["{kind: gru, name: cell, units: 6, reset: before}"]
    compared(tmp_path, layers, tensors_of(module, "cell"), expected, x)
