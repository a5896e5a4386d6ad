"""A network from tensors and their names alone: PyTorch's names, in whatever file.

What such a file does not say is taken from the shapes where these leave one answer, and asked for
where they do not (`archsim.network.importers.options`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archsim.config.run import INPUT_BUFFER
from archsim.errors import NetworkError
from archsim.listing import shortened
from archsim.network.importers.base import (
    Array,
    ImportedLayer,
    ImportedNetwork,
    Notes,
    Timesteps,
)
from archsim.network.importers.layers import Embedding, Function, Linear
from archsim.network.importers.options import Options
from archsim.network.importers.recurrent import Direction, GRUCell, LSTMCell, RNNCell
from archsim.network.importers.tensor_groups import (
    Block,
    Matrix,
    NamedTensors,
    Stack,
    blocks_of,
    names_of,
)
from archsim.network.importers.tensor_order import last_recurrent, ordered
from archsim.network.unused import NORMALISATION

_KINDS = {4: "lstm", 3: "gru", 1: "rnn"}
"""Kinds by how many gates they have."""


def network_of(given: NamedTensors, options: Options) -> ImportedNetwork:
    """Return the network that tensors are of.

    Raises
    ------
    NetworkError
        If a tensor is of no layer that is known, or what the file does not say has to be given.
    """
    try:
        blocks, how = ordered(blocks_of(given, options), given, options)
        last = last_recurrent(blocks)
        builder = _Builder(options)
        for number, block in enumerate(blocks):
            builder.add(block, after=number > last)
        builder.left_out = [
            f"tensor '{name}': what recordings are normalised with is no part of the network"
            for name in NORMALISATION
            if name in given.tensors
        ]
        builder.check_used(blocks)
        return builder.network(given.source, blocks, how)
    except NetworkError as error:
        msg = f"{given.source}: {error}"
        raise NetworkError(msg) from error


class _Builder:
    """Puts blocks one after another and notes what was found."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.layers: list[ImportedLayer] = []
        self.last: tuple[str, ...] = (INPUT_BUFFER,)
        self.found: list[str] = []
        self.assumed: dict[str, None] = {}
        self.left_out: list[str] = []
        self.has_head = self.has_between = False
        self.previous: Block | None = None

    def add(self, block: Block, *, after: bool) -> None:
        """Add a block; `after`: behind the last recurrent one."""
        if isinstance(block, Stack):
            self._add_stack(block)
        else:
            self._add_matrix(block, after=after)
        self.previous = block

    def _add_stack(self, stack: Stack) -> None:
        for number in range(stack.depth):
            made = []
            for backward in (False, True)[: stack.directions]:
                name = layer_name(stack.name, number, stack.depth, backward=backward)
                layer = _cell(
                    name, stack.parts[number, backward], self.last, self.options, backward=backward
                )
                self.layers.append(layer)
                made.append(name)
            self.last = tuple(made)
        kind = self.layers[-1].kind
        ways = ", bidirectional" if stack.directions > 1 else ""
        deep = f" of {stack.depth} layers" if stack.depth > 1 else ""
        self.found.append(
            f"{kind} '{shortened(stack.name)}'{deep}{ways}: {stack.takes} -> {stack.gives}"
        )

    def _add_matrix(self, matrix: Matrix, *, after: bool) -> None:
        name = matrix.name or "output"
        if isinstance(self.previous, Matrix) and not self.previous.is_table:
            self._add_between(matrix)
        timesteps = Timesteps.ALL
        if after and isinstance(self.previous, Stack):
            timesteps = self._timesteps()
        layer: ImportedLayer
        if matrix.is_table:
            layer = Embedding(name=name, inputs=self.last, table=matrix.weight)
        else:
            layer = Linear(
                name=name, inputs=self.last, w=matrix.weight, b=matrix.bias, timesteps=timesteps
            )
        self.layers.append(layer)
        self.last = (name,)
        kind = "embedding" if matrix.is_table else "linear layer"
        self.found.append(f"{kind} '{shortened(name)}': {matrix.takes} -> {matrix.gives}")

    def _timesteps(self) -> Timesteps:
        self.has_head = True
        if self.options.timesteps is not None:
            return Timesteps(self.options.timesteps)
        self.assumed["what follows the last recurrent layer works at the last timestep"] = None
        return Timesteps.LAST

    def _add_between(self, matrix: Matrix) -> None:
        """Add the function between two linear layers, which tensors cannot tell."""
        assert self.previous is not None
        self.has_between = True
        between = self.options.between
        if between is None:
            raise NetworkError(
                f"linear layers '{shortened(self.previous.name)}' and '{shortened(matrix.name)}' "
                "follow each other, and tensors do not say which function is between them: give "
                "between=relu, or between=identity for none"
            )
        if between != "identity":
            name = f"{self.previous.name}.{between}"
            self.layers.append(Function(name=name, inputs=self.last, function=between))
            self.last = (name,)

    def check_used(self, blocks: list[Block]) -> None:
        """Refuse options that say nothing of this network."""
        tables = [block.name for block in blocks if isinstance(block, Matrix) and block.is_table]
        used = {
            "nonlinearity": any(isinstance(layer, RNNCell) for layer in self.layers),
            "between": self.has_between,
            "timesteps": self.has_head,
            "embedding": self.options.embedding in tables,
        }
        for key, has_effect in used.items():
            if getattr(self.options, key) is not None and not has_effect:
                raise NetworkError(f"option {key} says nothing of this network: take it away")

    def network(self, source: str, blocks: list[Block], how: str) -> ImportedNetwork:
        """Return the network."""
        notes = Notes(
            found=tuple(self.found),
            assumed=(f"{names_of(blocks)} one after another: {how}", *self.assumed),
            left_out=tuple(self.left_out),
        )
        return ImportedNetwork(
            inputs=blocks[0].takes,
            layers=tuple(self.layers),
            source=source,
            outputs=self.last,
            timesteps=Timesteps.ALL,
            notes=notes,
        )


def layer_name(owner: str, number: int, depth: int, *, backward: bool) -> str:
    """Return the name of a layer of a stack; a single one has its owner's."""
    name = owner or "recurrent"
    name += f"_l{number}" if depth > 1 else ""
    return f"{name}_reverse" if backward else name


def gates_of(tensors: dict[str, Array]) -> Iterator[int]:
    """Yield the numbers of gates that tensors may have."""
    rows, columns = tensors["weight_hh"].shape
    hr = tensors.get("weight_hr")
    units = columns if hr is None else hr.shape[1]
    for gates in _KINDS:
        if rows == gates * units and (hr is None or gates == 4):
            yield gates


def _cell(
    name: str,
    tensors: dict[str, Array],
    inputs: tuple[str, ...],
    options: Options,
    *,
    backward: bool,
) -> ImportedLayer:
    """Return a recurrent layer, of the kind that its shapes tell."""
    shown = shortened(name)
    found = next(gates_of(tensors), None)
    if found is None:
        rows, columns = tensors["weight_hh"].shape
        raise NetworkError(
            f"'{shown}' has weight_hh of shape ({rows}, {columns}), which is no cell of 4, 3 or 1 "
            "gates (lstm, gru, rnn)"
        )
    kind = _KINDS[found]
    if options.kind is not None and options.kind != kind:
        raise NetworkError(f"'{shown}' has the shapes of kind {kind}, not {options.kind}")
    common: dict[str, Any] = {
        "name": name,
        "inputs": inputs,
        "direction": Direction.BACKWARD if backward else Direction.FORWARD,
        "w_ih": tensors["weight_ih"],
        "w_hh": tensors["weight_hh"],
        "b_ih": tensors.get("bias_ih"),
        "b_hh": tensors.get("bias_hh"),
        "h0": tensors.get("h0"),
    }
    if kind == "lstm":
        return LSTMCell(**common, w_hr=tensors.get("weight_hr"), c0=tensors.get("c0"))
    if "c0" in tensors:
        raise NetworkError(f"'{shown}' has a c0, which a layer of kind {kind} has not")
    if kind == "gru":
        return GRUCell(**common)
    if options.nonlinearity is None:
        raise NetworkError(
            f"'{shown}' is a plain recurrent layer, and tensors do not say its function: give "
            "nonlinearity=tanh or nonlinearity=relu"
        )
    return RNNCell(**common, nonlinearity=options.nonlinearity)
