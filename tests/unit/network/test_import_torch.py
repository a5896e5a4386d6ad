"""Do networks of PyTorch come in as what they compute, from modules and from saved state dicts?"""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from archsim.errors import NetworkError
from archsim.network.importers.base import Timesteps
from archsim.network.importers.options import Options
from archsim.network.importers.reference import run_imported
from archsim.network.importers.registry import read_network
from archsim.network.importers.torch_module import from_torch
from tests.tools import require_package

torch = require_package("torch", "'archsim[torch]'")
nn = torch.nn

SEQUENCES, TIMESTEPS, INPUTS, UNITS = 2, 6, 5, 4


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


class Tagger(nn.Module):
    """A recurrent layer, dropout and a head, which works where it is told to."""

    def __init__(self, kind="LSTM", head="last", **options):
        super().__init__()
        self.rnn = getattr(nn, kind)(INPUTS, UNITS, batch_first=True, **options)
        self.drop = nn.Dropout(0.5)
        directions = 2 if options.get("bidirectional") else 1
        self.fc = nn.Linear((options.get("proj_size") or UNITS) * directions, 3)
        self.head = head

    def forward(self, x):
        y, state = self.rnn(x)
        h = state[0] if isinstance(state, tuple) else state
        if self.head == "all":
            return self.fc(self.drop(y))
        if self.head == "last":
            return self.fc(self.drop(y[:, -1]))
        last = torch.cat((h[-2], h[-1]), 1) if self.rnn.bidirectional else h[-1]
        return self.fc(self.drop(last))


KINDS = [
    ("LSTM", {}),
    ("LSTM", {"num_layers": 2, "bidirectional": True, "proj_size": 3}),
    ("LSTM", {"bias": False}),
    ("GRU", {"num_layers": 2, "dropout": 0.3}),
    ("GRU", {"bidirectional": True}),
    ("RNN", {"nonlinearity": "relu"}),
    ("RNN", {"num_layers": 2, "bidirectional": True}),
]


def both(module, network):
    """Return what the module and the network give for the same sequences."""
    x = torch.randn(SEQUENCES, TIMESTEPS, INPUTS, dtype=torch.float64)
    module.eval()
    with torch.no_grad():
        return module(x).numpy(), run_imported(network, x.numpy())


@pytest.mark.parametrize("head", ["all", "last", "final"])
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_a_module_comes_in_as_what_it_computes(kind, options, head):
    module = Tagger(kind, head, **options).double()
    module.train()
    network = from_torch(module)
    assert module.training
    assert module.drop.training
    theirs, mine = both(module, network)
    assert mine.shape == theirs.shape
    assert np.abs(mine - theirs).max() < 1e-12
    assert any("gives the same outputs" in text for text in network.notes.found)


@pytest.mark.parametrize(("kind", "options"), KINDS)
@pytest.mark.parametrize("sort", ["pt", "checkpoint", "safetensors", "npz"])
def test_a_state_dict_comes_in_as_what_it_computes(kind, options, sort, tmp_path):
    module = Tagger(kind, "all", **options).double()
    state = module.state_dict()
    path = tmp_path / f"w.{'pt' if sort == 'checkpoint' else sort}"
    arrays = {name: tensor.numpy() for name, tensor in state.items()}
    if sort == "pt":
        torch.save(state, path)
    elif sort == "checkpoint":
        torch.save({"epoch": 3, "model_state_dict": state, "note": "text"}, path)
    elif sort == "npz":
        np.savez(path, **arrays)
    else:
        save_file(arrays, path)
    nonlinearity = options.get("nonlinearity", "tanh") if kind == "RNN" else None
    network = read_network(path, Options(timesteps="all", nonlinearity=nonlinearity))
    theirs, mine = both(module, network)
    assert np.abs(mine - theirs).max() < 1e-12


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_shorter_numbers_come_in_as_they_are(kind, tmp_path):
    module = Tagger().to(kind)
    torch.save(module.state_dict(), tmp_path / "w.pt")
    network = read_network(tmp_path / "w.pt")
    assert np.array_equal(network.layers[0].w_ih, module.rnn.weight_ih_l0.detach().double().numpy())
    if kind is torch.float32:
        x = torch.randn(SEQUENCES, TIMESTEPS, INPUTS)
        theirs = module.eval()(x).detach().numpy()
        assert np.abs(run_imported(network, x.numpy()) - theirs).max() < 1e-6


def test_time_first_and_indices():
    class Language(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(11, INPUTS)
            self.rnn = nn.GRU(INPUTS, UNITS)
            self.out = nn.Linear(UNITS, 11)

        def forward(self, index):
            return self.out(self.rnn(self.embed(index))[0])

    module = Language().double()
    network = from_torch(module)
    index = torch.randint(11, (TIMESTEPS, SEQUENCES))
    theirs = module(index).detach().numpy().swapaxes(0, 1)
    assert np.abs(run_imported(network, index.numpy().T) - theirs).max() < 1e-12


def test_a_sequential_of_layers_and_functions():
    class First(nn.Module):
        def forward(self, pair):
            return pair[0]

    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.front = nn.Sequential(nn.Linear(INPUTS, 7), nn.GELU())
            self.rnn = nn.LSTM(7, UNITS, batch_first=True)
            self.head = nn.Sequential(nn.Linear(UNITS, 6), nn.Dropout(), nn.ELU(), nn.Linear(6, 2))

        def forward(self, x):
            return self.head(self.rnn(self.front(x))[0][:, -1])

    module = Whole().double()
    network = from_torch(module)
    assert [layer.name for layer in network.layers] == [
        *("front.0", "front.1", "rnn", "head.0", "head.2", "head.3"),
    ]
    assert network.layers[3].timesteps is Timesteps.LAST
    theirs, mine = both(module, network)
    assert np.abs(mine - theirs).max() < 1e-12
    with pytest.raises(NetworkError, match="is none of the modules that are simulated"):
        from_torch(nn.Sequential(nn.LSTM(5, 4, batch_first=True), First()))


def test_cells_in_a_loop_of_ones_own():
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.LSTMCell(INPUTS, UNITS)
            self.out = nn.Linear(UNITS, 2)

        def forward(self, x):
            h = c = torch.zeros(x.shape[0], UNITS, dtype=x.dtype)
            for t in range(x.shape[1]):
                h, c = self.cell(x[:, t], (h, c))
            return self.out(h)

    module = Loop().double()
    theirs, mine = both(module, from_torch(module))
    assert np.abs(mine - theirs).max() < 1e-12


def test_a_bare_layer_and_a_mixture_of_kinds():
    module = nn.GRU(INPUTS, UNITS, batch_first=True).double()
    network = from_torch(module)
    x = torch.randn(SEQUENCES, TIMESTEPS, INPUTS, dtype=torch.float64)
    assert np.abs(module(x)[0].detach().numpy() - run_imported(network, x.numpy())).max() < 1e-12


class Other(nn.Module):
    """Something that its parts one after another are not."""

    def __init__(self, what):
        super().__init__()
        self.rnn = nn.LSTM(INPUTS, UNITS, batch_first=True)
        self.fc = nn.Linear(UNITS, 3)
        self.what = what

    def forward(self, x):
        if self.what == "needs more":
            raise TypeError("lengths are missing")
        return torch.relu(self.fc(self.rnn(x)[0]))


def with_parameter():
    module = Other("")
    module.start = nn.Parameter(torch.zeros(UNITS))
    return module


def own_forward():
    class Mine(nn.LSTM):
        def forward(self, x):
            return x

    return nn.Sequential(Mine(INPUTS, UNITS))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: Other("relu"),
            "Other: computes something else than its modules one after another",
        ),
        (lambda: Other("needs more"), "cannot be run on sequences"),
        (with_parameter, "it has parameters of its own (start)"),
        (own_forward, "is a LSTM with a forward of its own"),
        (lambda: nn.Sequential(nn.Conv1d(2, 2, 3)), "module '0' of class Conv1d has parameters"),
        (lambda: nn.Sequential(nn.LSTM(2, 2), nn.LayerNorm(2)), "'1' of class LayerNorm"),
        (lambda: nn.Sequential(nn.LSTM(2, 2), nn.MaxPool1d(2)), "'1' of class MaxPool1d is none"),
        (lambda: nn.Sequential(nn.LSTM(2, 2), nn.Softplus(beta=2)), "other parameters than the"),
        (lambda: nn.Sequential(nn.Linear(2, 2)), "Sequential: has no recurrent layer"),
        (lambda: nn.Sequential(nn.Embedding(4, 2, max_norm=1.0), nn.LSTM(2, 2)), "has max_norm"),
        (
            lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))),
            "remove the parametrization first",
        ),
        (lambda: "text", "str: is no torch.nn.Module"),
    ],
)
def test_what_is_not_simulated_is_refused_by_name(make, says):
    with pytest.raises(NetworkError) as refused:
        from_torch(make())
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_module_that_cannot_be_run_comes_in_where_that_is_wanted():
    assert len(from_torch(Other("needs more"), check=False).layers) == 2


def test_a_whole_module_or_a_program_is_not_loaded(tmp_path):
    torch.save(Tagger(), tmp_path / "whole.pt")
    with pytest.raises(NetworkError, match="holds more than tensors"):
        read_network(tmp_path / "whole.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(NetworkError, match="holds no state dict"):
        read_network(tmp_path / "list.pt")
    torch.save({"a": 1}, tmp_path / "none.pt")
    with pytest.raises(NetworkError, match="has no tensors at the top, but a"):
        read_network(tmp_path / "none.pt")
    state = Tagger().state_dict() | {"steps": torch.zeros(3, dtype=torch.int64)}
    torch.save(state, tmp_path / "steps.pt")
    with pytest.raises(NetworkError, match="tensor 'steps' is of type int64"):
        read_network(tmp_path / "steps.pt")
    assert len(read_network(tmp_path / "steps.pt", Options(ignore=("steps",))).layers) == 2


def test_a_version_that_was_not_safe_is_not_used(tmp_path, monkeypatch):
    torch.save(Tagger().state_dict(), tmp_path / "w.pt")
    monkeypatch.setattr(torch, "__version__", "2.5.1+cpu")
    with pytest.raises(
        NetworkError, match=r"needs PyTorch 2\.6 or later.*2\.5\.1\+cpu is installed"
    ):
        read_network(tmp_path / "w.pt")
