"""A network from a module of PyTorch that a program holds: its layers' attributes, no tracing.

Modules are taken in the order in which they were registered. Whether that is what ``forward`` does
cannot be read off them, so the module is run on random sequences and has to give what was read
gives; that also tells at which timesteps its head works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from archsim.config.run import INPUT_BUFFER
from archsim.errors import NetworkError
from archsim.listing import listed, shortened
from archsim.network.importers.base import (
    Array,
    ImportedLayer,
    ImportedNetwork,
    Notes,
    Timesteps,
)
from archsim.network.importers.check import checked
from archsim.network.importers.layers import Embedding, Function, Linear
from archsim.network.importers.numbers import Budget
from archsim.network.importers.recurrent import Direction, GRUCell, LSTMCell, Recurrent, RNNCell
from archsim.network.importers.registry import wanted
from archsim.network.importers.state_dict import tensor_to_numpy
from archsim.network.importers.tensors import layer_name

_SEQUENCES, _STEPS = 3, 7
_TOLERANCES = {"float64": 1e-9, "float32": 1e-5}
_COARSE = 1e-2
"""How far outputs may be apart, by the type of the module's numbers."""

_FUNCTIONS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "ReLU": ("relu", lambda _: True),
    "Sigmoid": ("sigmoid", lambda _: True),
    "Tanh": ("tanh", lambda _: True),
    "Softplus": ("softplus", lambda each: each.beta == 1),
    "Softsign": ("softsign", lambda _: True),
    "ELU": ("elu", lambda each: each.alpha == 1),
    "SELU": ("selu", lambda _: True),
    "SiLU": ("silu", lambda _: True),
    "GELU": ("gelu", lambda each: each.approximate == "none"),
    "Softmax": ("softmax", lambda each: each.dim in {-1, None}),
    "LogSoftmax": ("log_softmax", lambda each: each.dim in {-1, None}),
}
"""Modules that are functions, by their class, and whether one of them is the usual one."""
_NOTHING = ("Dropout", "Dropout1d", "Dropout2d", "AlphaDropout", "FeatureAlphaDropout", "Identity")
_CELLS = {"LSTM": LSTMCell, "GRU": GRUCell, "RNN": RNNCell}


def from_torch(module: Any, *, check: bool = True) -> ImportedNetwork:
    """Return the network that a module of PyTorch is.

    Parameters
    ----------
    module : torch.nn.Module
        nn.LSTM, GRU, RNN and their cells, Linear, Embedding, functions, Dropout; or a module that
        has such ones as its attributes, in the order in which they are used.
    check : bool
        Run the module on random sequences and compare: a `forward` that does something else than
        its parts one after another is refused then.

    Returns
    -------
    ImportedNetwork
        Its layers, with weights in float64.

    Raises
    ------
    NetworkError
        If it has a module that is not simulated, parameters of its own, or computes something else
        than its parts one after another.
    """
    try:
        from torch import nn
    except ImportError as error:
        raise wanted("torch", "torch") from error
    name = type(module).__name__
    try:
        if not isinstance(module, nn.Module):
            raise NetworkError("is no torch.nn.Module: give the network itself")
        walk = _Walk(nn)
        walk.add("", module)
        network = checked(walk.network(name))
        return _as_run(module, network) if check else network
    except NetworkError as error:
        text = str(error)
        raise NetworkError(text if text.startswith(f"{name}: ") else f"{name}: {text}") from error


class _Walk:
    """Goes through modules and collects layers."""

    def __init__(self, nn: Any) -> None:
        self.nn = nn
        self.layers: list[ImportedLayer] = []
        self.last: tuple[str, ...] = (INPUT_BUFFER,)
        self.found: list[str] = []
        self.left_out: list[str] = []
        self.budget = Budget()
        self.seen: set[int] = set()

    def add(self, path: str, module: Any) -> None:
        """Add a module and what is in it."""
        kind = self._kind(path, module)
        if kind in _NOTHING:
            self.left_out.append(f"{kind} '{path}': it changes nothing after training")
        elif kind in _CELLS or kind.removesuffix("Cell") in _CELLS:
            self._add_recurrent(path or kind.lower(), kind, module)
        elif kind == "Linear":
            self._add_linear(path or "linear", module)
        elif kind == "Embedding":
            self._add_embedding(path or "embedding", module)
        elif kind in _FUNCTIONS:
            self._add_function(path or kind.lower(), kind, module)
        else:
            self._add_children(path, module)

    def _kind(self, path: str, module: Any) -> str:
        """Return the class of PyTorch that a module is, or nothing; its own forward is no such."""
        known = (*_CELLS, *(f"{name}Cell" for name in _CELLS), *_FUNCTIONS, *_NOTHING)
        for name in ("Linear", "Embedding", *known):
            cls = getattr(self.nn, name, None)
            if cls is not None and isinstance(module, cls):
                if type(module).forward is not cls.forward:
                    raise NetworkError(
                        f"module '{path}' is a {name} with a forward of its own, which is not read"
                    )
                if hasattr(module, "parametrizations") or module._forward_pre_hooks:
                    raise NetworkError(
                        f"module '{path}' is parametrized (such as by weight_norm or pruning): "
                        "remove the parametrization first"
                    )
                return name
        return ""

    def _add_children(self, path: str, module: Any) -> None:
        children = [(name, child) for name, child in module.named_children() if child is not None]
        own = [name for name, _ in module.named_parameters(recurse=False)]
        what = f"module '{path}' of class {type(module).__name__}" if path else "it"
        if own:
            raise NetworkError(f"{what} has parameters of its own ({listed(own)}), not simulated")
        if not children:
            raise NetworkError(f"{what} is none of the modules that are simulated")
        if type(module).__module__.startswith("torch.nn") and not isinstance(
            module, (self.nn.Sequential, self.nn.ModuleList, self.nn.ModuleDict)
        ):
            raise NetworkError(f"{what} is none of the modules that are simulated")
        if id(module) in self.seen:
            raise NetworkError(f"{what} is used twice")
        self.seen.add(id(module))
        for name, child in children:
            self.add(f"{path}.{name}" if path else name, child)

    def _numbers(self, name: str, tensor: Any) -> Array | None:
        if tensor is None:
            return None
        if not tensor.is_floating_point():
            raise NetworkError(f"tensor '{shortened(name)}' is of type {tensor.dtype}")
        self.budget.take(name, tuple(tensor.shape))
        return tensor_to_numpy(tensor)

    def _add_recurrent(self, path: str, kind: str, module: Any) -> None:
        cell = kind.endswith("Cell")
        depth = 1 if cell else module.num_layers
        both = not cell and module.bidirectional
        for number in range(depth):
            made = []
            for backward in (False, True)[: 1 + both]:
                suffix = "" if cell else f"_l{number}" + ("_reverse" if backward else "")
                name = layer_name(path, number, depth, backward=backward)
                self.layers.append(self._cell(name, path, kind, module, suffix))
                made.append(name)
            self.last = tuple(made)
        deep = f" of {depth} layers" if depth > 1 else ""
        self.found.append(f"nn.{kind} '{path}'{deep}{', bidirectional' if both else ''}")
        if not cell and module.dropout:
            self.left_out.append(f"dropout of '{path}': it changes nothing after training")

    def _cell(self, name: str, path: str, kind: str, module: Any, suffix: str) -> Recurrent:
        def get(what: str) -> Array | None:
            full = f"{what}{suffix}"
            return self._numbers(f"{path}.{full}", getattr(module, full, None))

        w_ih, w_hh = get("weight_ih"), get("weight_hh")
        assert w_ih is not None
        assert w_hh is not None
        given: dict[str, Any] = {
            "name": name,
            "inputs": self.last,
            "w_ih": w_ih,
            "w_hh": w_hh,
            "b_ih": get("bias_ih"),
            "b_hh": get("bias_hh"),
            "direction": Direction.BACKWARD if "_reverse" in suffix else Direction.FORWARD,
        }
        base = kind.removesuffix("Cell")
        if base == "LSTM":
            given["w_hr"] = get("weight_hr")
        if base == "RNN":
            given["nonlinearity"] = str(module.nonlinearity).lower()
        layer: Recurrent = _CELLS[base](**given)
        return layer

    def _add_linear(self, path: str, module: Any) -> None:
        weight = self._numbers(f"{path}.weight", module.weight)
        assert weight is not None
        bias = self._numbers(f"{path}.bias", module.bias)
        self._one(Linear(name=path, inputs=self.last, w=weight, b=bias))
        self.found.append(f"nn.Linear '{path}': {weight.shape[1]} -> {weight.shape[0]}")

    def _add_embedding(self, path: str, module: Any) -> None:
        if module.max_norm is not None:
            raise NetworkError(f"module '{path}' has max_norm, which changes its table as it runs")
        table = self._numbers(f"{path}.weight", module.weight)
        assert table is not None
        self._one(Embedding(name=path, inputs=self.last, table=table))
        self.found.append(f"nn.Embedding '{path}': {table.shape[0]} entries of {table.shape[1]}")

    def _add_function(self, path: str, kind: str, module: Any) -> None:
        function, usual = _FUNCTIONS[kind]
        if not usual(module):
            raise NetworkError(f"module '{path}', a {kind}, has other parameters than the usual")
        self._one(Function(name=path, inputs=self.last, function=function))
        self.found.append(f"nn.{kind} '{path}'")

    def _one(self, layer: ImportedLayer) -> None:
        self.layers.append(layer)
        self.last = (layer.name,)

    def network(self, source: str) -> ImportedNetwork:
        """Return what was collected."""
        if not any(isinstance(layer, Recurrent) for layer in self.layers):
            raise NetworkError("has no recurrent layer")
        first = self.layers[0]
        wide = 1
        if isinstance(first, Recurrent):
            wide = first.w_ih.shape[1]
        elif isinstance(first, Linear):
            wide = first.w.shape[1]
        notes = Notes(tuple(self.found), left_out=tuple(self.left_out))
        return ImportedNetwork(
            wide, tuple(self.layers), source, self.last, sort="module of PyTorch", notes=notes
        )


def _as_run(module: Any, network: ImportedNetwork) -> ImportedNetwork:
    """Return the network at the timesteps at which running the module shows that its head works.

    Raises
    ------
    NetworkError
        If the module computes something else at all of them, or cannot be run on sequences.
    """
    from archsim.network.importers.reference import run_imported

    rng = np.random.default_rng(0)
    first = network.layers[0]
    x = rng.normal(size=(_SEQUENCES, _STEPS, network.inputs))
    if isinstance(first, Embedding):
        x = rng.integers(first.table.shape[0], size=x.shape).astype(np.float64)
    ran = list(_runs(module, x, isinstance(first, Embedding)))
    kinds = {str(each.dtype).removeprefix("torch.") for each in module.parameters()}
    near = max((_TOLERANCES.get(kind, _COARSE) for kind in kinds), default=_COARSE)
    for candidate in _candidates(network):
        mine = run_imported(candidate, x)
        for theirs in ran:
            if theirs.shape == mine.shape and np.allclose(theirs, mine, near, near):
                told = "running the module on random sequences gives the same outputs"
                notes = replace(network.notes, found=(*network.notes.found, told))
                return replace(candidate, notes=notes)
    if not ran:
        what = "cannot be run on sequences of random numbers, so that it cannot be compared: give"
        raise NetworkError(f"{what} check=False if its parts are used in their order")
    raise NetworkError(
        "computes something else than its modules one after another "
        f"({listed([layer.name for layer in network.layers])}): export it with torch.onnx.export "
        "and import that"
    )


def _candidates(network: ImportedNetwork) -> Iterator[ImportedNetwork]:
    """Yield the network with its head at every timestep, at the last, and after all."""
    yield network
    places = [n for n, layer in enumerate(network.layers) if isinstance(layer, Recurrent)]
    after = places[-1] + 1
    for timesteps in (Timesteps.LAST, Timesteps.FINAL):
        if after == len(network.layers):
            yield replace(network, timesteps=timesteps)
        else:
            head = replace(network.layers[after], timesteps=timesteps)
            layers = (*network.layers[:after], head, *network.layers[after + 1 :])
            yield replace(network, layers=layers)


def _runs(module: Any, x: Array, of_indices: bool) -> Iterator[Array]:
    """Yield what the module gives, sequences first, taking either axis as that of time."""
    import torch

    parameter = next(module.parameters(), None)
    kind = torch.float32 if parameter is None else parameter.dtype
    device = "cpu" if parameter is None else parameter.device
    training = {each: each.training for each in module.modules()}
    module.eval()
    try:
        for swap in (False, True):
            given = torch.from_numpy(np.ascontiguousarray(np.swapaxes(x, 0, 1) if swap else x))
            given = given[..., 0].long() if of_indices else given.to(kind)
            try:
                with torch.no_grad():
                    out = module(given.to(device))
            except Exception:  # whatever a module that takes other inputs raises
                continue
            while isinstance(out, tuple | list) and len(out):
                out = out[0]
            if isinstance(out, torch.Tensor):
                array = tensor_to_numpy(out)
                yield np.swapaxes(array, 0, 1) if swap and array.ndim == 3 else array
    finally:
        for each, was in training.items():
            each.training = was
