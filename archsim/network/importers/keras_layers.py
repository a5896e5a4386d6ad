"""Layers of a Keras model, one class after another.

A layer that goes backward gives its outputs in the order in which it computes them; only
`Bidirectional` turns them round again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from archsim.config.run import INPUT_BUFFER
from archsim.errors import NetworkError
from archsim.listing import listed, shortened
from archsim.network.importers.base import ImportedLayer, Timesteps
from archsim.network.importers.keras_cells import (
    activation_of,
    cell_of,
    check_count,
    check_own,
    matrix_of,
)
from archsim.network.importers.keras_graph import GraphNode, node_of
from archsim.network.importers.keras_weights import KerasWeights
from archsim.network.importers.layers import Add, Concatenate, Embedding, Function, Linear
from archsim.network.importers.recurrent import Recurrent

_NOTHING = {
    "Dropout", "SpatialDropout1D", "GaussianDropout", "GaussianNoise", "AlphaDropout",
    "ActivityRegularization",
}  # fmt: skip
_RECURRENT = ("LSTM", "GRU", "SimpleRNN")


@dataclass(frozen=True)
class Value:
    """What a layer of the model hands on: outputs of layers here, and when they are taken."""

    layers: tuple[str, ...]
    timesteps: Timesteps = Timesteps.ALL

    @property
    def sources(self) -> tuple[str, ...]:
        """Layers to take in."""
        return self.layers or (INPUT_BUFFER,)


class Walk:
    """Goes through a model's layers and makes layers of them.

    Parameters
    ----------
    weights : KerasWeights
        Their weights.
    """

    def __init__(self, weights: KerasWeights) -> None:
        self.weights = weights
        self.layers: list[ImportedLayer] = []
        self.found: list[str] = []
        self.mapped: list[str] = []
        self.left_out: list[str] = []
        self._make: dict[str, Callable[[GraphNode, list[Value]], Value]] = {
            "InputLayer": lambda _node, _given: Value(()),
            "Dense": self._dense,
            "TimeDistributed": self._time_distributed,
            "Embedding": self._embedding,
            "Activation": self._activation,
            "ReLU": self._relu,
            "Softmax": self._softmax,
            "Add": self._add,
            "Concatenate": self._concatenate,
            "Bidirectional": self._bidirectional,
            **dict.fromkeys(_RECURRENT, self._recurrent),
        }

    def take(self, node: GraphNode, given: list[Value]) -> Value:
        """Add a layer of the model.

        Parameters
        ----------
        node : GraphNode
            The layer.
        given : list of Value
            What it takes in.

        Raises
        ------
        NetworkError
            If it is not simulated.
        """
        check_own(node)
        if node.kind in _NOTHING:
            self.left_out.append(f"{node.kind} '{node.name}': it changes nothing after training")
            return _only(node, given)
        if node.kind not in self._make:
            raise node.refused(f"is not simulated; known are {listed(sorted(self._make))}")
        if node.kind != "InputLayer":
            self.found.append(f"{node.kind} '{shortened(node.name)}'")
        return self._make[node.kind](node, given)

    def inputs_of(self, node: GraphNode | None) -> tuple[int, int | None]:
        """Return the elements of the model's input and its timesteps, None where they vary."""
        shape = node.config.get("batch_shape") if node is not None else None
        sizes = list(shape) if isinstance(shape, list | tuple) else []
        if any(isinstance(layer, Embedding) for layer in self.layers) and len(sizes) == 2:
            sizes.append(1)
        if len(sizes) != 3 or type(sizes[2]) is not int or sizes[2] < 1:
            raise NetworkError(
                "has an input that is no sequence of vectors: give it the shape (timesteps, inputs)"
            )
        length = sizes[1] if type(sizes[1]) is int and sizes[1] > 0 else None
        return sizes[2], length

    def _one(self, layer: ImportedLayer) -> Value:
        self.layers.append(layer)
        return Value((layer.name,))

    def _function(self, name: str, function: str, given: Value) -> Value:
        """Add a function, unless it is the identity."""
        if function == "identity":
            return given
        return self._one(
            Function(name=name, inputs=given.sources, timesteps=given.timesteps, function=function)
        )

    # ------------------------------------------------------------- layers without state

    def _dense(self, node: GraphNode, given: list[Value]) -> Value:
        return self._dense_of(node, node, _only(node, given), ())

    def _dense_of(
        self, node: GraphNode, dense: GraphNode, given: Value, inside: tuple[str, ...]
    ) -> Value:
        function = activation_of(dense, "activation")
        variables = self.weights.variables(node.name, node.place, inside)
        bias = bool(dense.config.get("use_bias", True))
        check_count(node, variables, 1 + bias)
        kernel = matrix_of(node, variables[0])
        layer = Linear(
            name=node.name, inputs=given.sources, timesteps=given.timesteps,
            w=np.ascontiguousarray(kernel.T), b=variables[1] if bias else None,
        )  # fmt: skip
        made = self._one(layer)
        return self._function(f"{node.name}_activation", function, made)

    def _time_distributed(self, node: GraphNode, given: list[Value]) -> Value:
        inner = node_of(node.config.get("layer"))
        check_own(inner)
        if inner.kind != "Dense":
            raise node.refused(f"holds a {shortened(inner.kind)}; a Dense can be read")
        return self._dense_of(node, inner, _only(node, given), ("layer",))

    def _embedding(self, node: GraphNode, given: list[Value]) -> Value:
        if node.config.get("mask_zero"):
            raise node.refused("has mask_zero, which skips timesteps: train it without")
        variables = self.weights.variables(node.name, node.place, ())
        check_count(node, variables, 1)
        value = _only(node, given)
        if value.layers:
            raise node.refused("takes in what is no index: an embedding has to be the first")
        return self._one(
            Embedding(name=node.name, inputs=value.sources, table=matrix_of(node, variables[0]))
        )

    def _activation(self, node: GraphNode, given: list[Value]) -> Value:
        return self._function(node.name, activation_of(node, "activation"), _only(node, given))

    def _relu(self, node: GraphNode, given: list[Value]) -> Value:
        config = node.config
        if (
            config.get("max_value") is not None
            or config.get("negative_slope")
            or config.get("threshold")
        ):
            raise node.refused("has max_value, negative_slope or threshold, which relu has not")
        return self._function(node.name, "relu", _only(node, given))

    def _softmax(self, node: GraphNode, given: list[Value]) -> Value:
        if node.config.get("axis", -1) != -1:
            raise node.refused("works along another axis than the last")
        return self._function(node.name, "softmax", _only(node, given))

    def _add(self, node: GraphNode, given: list[Value]) -> Value:
        names, timesteps = self._each_joined(node, given)
        return self._one(Add(name=node.name, inputs=names, timesteps=timesteps))

    def _concatenate(self, node: GraphNode, given: list[Value]) -> Value:
        _check_axis(node)
        timesteps = _same_timesteps(node, given)
        names = tuple(name for value in given for name in value.sources)
        return self._one(Concatenate(name=node.name, inputs=names, timesteps=timesteps))

    def _each_joined(
        self, node: GraphNode, given: list[Value]
    ) -> tuple[tuple[str, ...], Timesteps]:
        """Return one layer for each input, and when they are taken.

        What is several layers side by side is joined by a layer of its own; at one timestep then
        the others as well, so that all are taken alike.
        """
        timesteps = _same_timesteps(node, given)
        several = [len(value.layers) > 1 for value in given]
        all_of_them = timesteps is not Timesteps.ALL and any(several)
        names: list[str] = []
        for number, value in enumerate(given):
            if several[number] or all_of_them:
                name = f"{node.name}_input{number}"
                layer = Concatenate(name=name, inputs=value.sources, timesteps=timesteps)
                names += self._one(layer).layers
            else:
                names += value.sources
        return tuple(names), Timesteps.ALL if all_of_them else timesteps

    # ------------------------------------------------------------- layers with state

    def _recurrent(self, node: GraphNode, given: list[Value]) -> Value:
        layer = self._cell(node, node, _only(node, given), ())
        sequences = bool(node.config.get("return_sequences"))
        if layer.backward and sequences:
            raise node.refused(
                "goes backward and gives its outputs in that order: put it into a Bidirectional, "
                "or set return_sequences=False"
            )
        self.layers.append(layer)
        return Value((layer.name,), Timesteps.ALL if sequences else Timesteps.FINAL)

    def _bidirectional(self, node: GraphNode, given: list[Value]) -> Value:
        mode = node.config.get("merge_mode")
        if mode not in ("concat", "sum"):
            raise node.refused(f"has merge_mode {shortened(str(mode))}; concat and sum can be read")
        made: list[str] = []
        sequences = set()
        for part, backward in (("layer", False), ("backward_layer", True)):
            inner = node_of(node.config.get(part))
            check_own(inner)
            if inner.kind not in _RECURRENT or bool(inner.config.get("go_backwards")) != backward:
                raise node.refused(f"has a {part} that is no recurrent layer of that direction")
            inside = ("backward_layer",) if backward else ("forward_layer",)
            layer = self._cell(node, inner, _only(node, given), inside)
            suffix = "_backward" if backward else "_forward"
            layer = replace(layer, name=f"{node.name}{suffix}")
            sequences.add(bool(inner.config.get("return_sequences")))
            self.layers.append(layer)
            made.append(layer.name)
        if len(sequences) > 1:
            raise node.refused("has two layers of which one returns sequences")
        timesteps = Timesteps.ALL if sequences == {True} else Timesteps.FINAL
        self.mapped.append(f"Bidirectional '{node.name}' into {listed(made)}")
        if mode == "sum":
            return self._one(Add(name=node.name, inputs=tuple(made), timesteps=timesteps))
        return Value(tuple(made), timesteps)

    def _cell(
        self, node: GraphNode, cell: GraphNode, given: Value, inside: tuple[str, ...]
    ) -> Recurrent:
        """Return a recurrent layer."""
        config = cell.config
        for key in ("return_state", "stateful"):
            if config.get(key):
                raise node.refused(f"has {key}, which is not read: set it to False")
        if given.timesteps is not Timesteps.ALL:
            raise node.refused("takes in one timestep: set return_sequences of the layer before")
        variables = self.weights.variables(node.name, node.place, (*inside, "cell"))
        return cell_of(node, cell, given.sources, variables)


def _only(node: GraphNode, given: list[Value]) -> Value:
    """Return what a layer takes in, which is one thing."""
    if len(given) != 1:
        raise node.refused(f"takes in {len(given)} layers, and one is needed")
    return given[0]


def _same_timesteps(node: GraphNode, given: list[Value]) -> Timesteps:
    if len(given) < 2:
        raise node.refused(f"takes in {len(given)} layers, and two or more are needed")
    if len({value.timesteps for value in given}) > 1:
        raise node.refused("takes in some layers at every timestep and some at one")
    return given[0].timesteps


def _check_axis(node: GraphNode) -> None:
    """Refuse an axis that is not the last, which may be told from either end."""
    shapes = node.built
    first = shapes[0] if isinstance(shapes, list) and shapes else None
    last = len(first) - 1 if isinstance(first, list) else -1
    if node.config.get("axis", -1) not in (-1, last):
        raise node.refused("works along another axis than the last")
