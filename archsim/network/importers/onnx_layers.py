"""Operations of an ONNX graph that are layers, and the graph that they form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from archsim.config.run import INPUT_BUFFER
from archsim.errors import NetworkError
from archsim.listing import shortened
from archsim.network.importers.base import Array, ImportedLayer, Timesteps
from archsim.network.importers.layers import Add, Concatenate, Embedding, Function, Linear
from archsim.network.importers.onnx_cells import RECURRENT, cells_of
from archsim.network.importers.onnx_file import OnnxNode
from archsim.network.importers.onnx_values import (
    Axis,
    Constant,
    Data,
    Lost,
    Part,
    Role,
    Step,
    Value,
)
from archsim.network.importers.recurrent import Recurrent

FUNCTIONS: dict[str, tuple[str, dict[str, object]]] = {
    "Relu": ("relu", {}),
    "Sigmoid": ("sigmoid", {}),
    "Tanh": ("tanh", {}),
    "Softplus": ("softplus", {}),
    "Softsign": ("softsign", {}),
    "Elu": ("elu", {"alpha": 1.0}),
    "Gelu": ("gelu", {"approximate": "none"}),
    "Softmax": ("softmax", {}),
    "LogSoftmax": ("log_softmax", {}),
}
"""Operations that are functions, and the attributes with which they are the usual ones."""

_ENDS = (".weight", ".bias")
"""How names of tensors end of which the beginning is a layer's name."""


class OnnxLayers:
    """Makes layers of operations."""

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.layers: list[ImportedLayer] = []
        self.found: list[str] = []
        self.mapped: list[str] = []
        self.inputs = 0
        self.has_lengths = False
        self._widths: dict[str, int] = {}
        self._make: dict[str, Callable[[OnnxNode, Sequence[Value | None]], list[Value]]] = {
            "Gemm": self._gemm,
            "MatMul": self._matmul,
            "Add": self._add,
            **dict.fromkeys(RECURRENT, self._recurrent),
            **dict.fromkeys(FUNCTIONS, self._function),
        }

    @property
    def known(self) -> tuple[str, ...]:
        """Operations that are layers."""
        return tuple(self._make)

    def make(self, node: OnnxNode, given: Sequence[Value | None]) -> list[Value]:
        """Add the layers of an operation and return what they hand on.

        Raises
        ------
        NetworkError
            If it has what is not simulated.
        """
        return self._make[node.op](node, given)

    def width(self, name: str) -> int:
        """Return how many elements a layer hands on."""
        return self.inputs if name == INPUT_BUFFER else self._widths[name]

    def embedding(self, node: OnnxNode, given: Sequence[Value | None], source: str) -> list[Value]:
        """Add a table of which rows are picked."""
        table, index = given[0], given[1]
        assert isinstance(table, Constant)
        assert isinstance(index, Data)
        if table.array.ndim != 2 or node.get("axis", 0) != 0 or table.array.dtype.kind != "f":
            raise node.refused("picks from a table that is no embedding")
        if index.parts != (Part(INPUT_BUFFER),):
            raise node.refused("picks by what a layer gives, which is not simulated")
        self._set_inputs(node, 1)
        name = self._name(node, source)
        layer = Embedding(name=name, inputs=(INPUT_BUFFER,), table=table.array)
        self.found.append(f"Gather '{shortened(name)}' from a table of {table.array.shape[0]}")
        return [Data((*index.axes, self._put(layer, table.array.shape[1])), (Part(name),))]

    # ------------------------------------------------------------- names, sizes, inputs

    def _name(self, node: OnnxNode, weights: str = "") -> str:
        """Return a name of its own: that of the weights, or the node's."""
        name = node.name
        for end in _ENDS:
            if weights.endswith(end) and len(weights) > len(end):
                name = weights.removesuffix(end)
        base, number = name, 2
        while name in self._widths or f"{name}_reverse" in self._widths or name == INPUT_BUFFER:
            name = f"{base}_{number}"
            number += 1
        return name

    def _put(self, layer: ImportedLayer, width: int) -> Axis:
        """Add a layer and return the axis of what it hands on."""
        self.layers.append(layer)
        self._widths[layer.name] = width
        return Axis(Role.FEATURES, width)

    def _set_inputs(self, node: OnnxNode, count: int) -> None:
        if self.inputs not in (0, count):
            raise node.refused(f"takes {count} inputs where {self.inputs} were taken before")
        self.inputs = count

    def sources(self, node: OnnxNode, data: Data) -> tuple[tuple[str, ...], Timesteps]:
        """Return the layers that a value is of, and when they are taken.

        Raises
        ------
        NetworkError
            If they are taken at timesteps that do not go together.
        """
        names = tuple(part.layer for part in data.parts)
        steps = {part.step for part in data.parts}
        if steps == {Step.ALL}:
            return names, Timesteps.ALL
        if steps == {Step.LAST}:
            return names, Timesteps.LAST
        by_name = {layer.name: layer for layer in self.layers}
        for part in data.parts:
            layer = by_name.get(part.layer)
            backward = isinstance(layer, Recurrent) and layer.backward
            if not isinstance(layer, Recurrent) or part.step is not (
                Step.FIRST if backward else Step.LAST
            ):
                raise node.refused(
                    f"takes '{shortened(part.layer)}' at its {part.step} timestep beside others at "
                    "theirs, which is not simulated"
                )
        return names, Timesteps.FINAL

    def _features(self, node: OnnxNode, data: Data, count: int) -> None:
        """Take the last axis as that of elements."""
        if len(data.parts) > 1 and data.place(Role.DIRECTIONS) is not None:
            raise node.refused("takes two directions before they are side by side")
        axis = data.axes[-1] if data.axes else None
        if axis is None or axis.role not in {Role.FEATURES, Role.UNKNOWN}:
            raise node.refused("works along another axis than that of elements")
        if axis.size not in (None, count):
            raise node.refused(f"takes {count} elements where there are {axis.size}")
        if axis.role is Role.UNKNOWN:
            axis.role = Role.FEATURES
            self._set_inputs(node, count)
        axis.size = count

    # ------------------------------------------------------------- layers

    def _linear(
        self, node: OnnxNode, data: Data, w: Array, b: Array | None, source: str = ""
    ) -> list[Value]:
        self._features(node, data, w.shape[1])
        names, timesteps = self.sources(node, data)
        name = self._name(node, source)
        layer = Linear(name=name, inputs=names, timesteps=timesteps, w=w, b=b)
        self.found.append(f"{node.op} '{shortened(name)}': {w.shape[1]} -> {w.shape[0]}")
        return [Data((*data.axes[:-1], self._put(layer, w.shape[0])), (Part(name),))]

    def _gemm(self, node: OnnxNode, given: Sequence[Value | None]) -> list[Value]:
        data, weight = given[0], given[1]
        if not isinstance(data, Data) or not isinstance(weight, Constant) or node.get("transA", 0):
            raise node.refused("is no product of inputs with weights of the file")
        alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
        w = _matrix(node, weight) * alpha
        w = w if node.get("transB", 0) else w.T
        added = given[2] if len(given) > 2 else None
        b = None if added is None else _vector(node, added, w.shape[0]) * beta
        return self._linear(node, data, np.ascontiguousarray(w), b, node.inputs[1])

    def _matmul(self, node: OnnxNode, given: Sequence[Value | None]) -> list[Value]:
        data, weight = given[0], given[1]
        if not isinstance(data, Data) or not isinstance(weight, Constant):
            raise node.refused("is no product of inputs with weights of the file")
        w = np.ascontiguousarray(_matrix(node, weight).T)
        return self._linear(node, data, w, None, node.inputs[1])

    def _add(self, node: OnnxNode, given: Sequence[Value | None]) -> list[Value]:
        one, other = given[0], given[1]
        if isinstance(one, Constant):
            one, other = other, one
        if not isinstance(one, Data) or other is None:
            raise node.refused("adds what is not followed")
        if not isinstance(other, Data):
            return self._bias(node, one, other)
        if len(one.axes) != len(other.axes) or one.axes[-1].size != other.axes[-1].size:
            raise node.refused("adds outputs of different sizes")
        if [axis.role for axis in one.axes] != [axis.role for axis in other.axes]:
            raise node.refused("adds outputs whose axes stand in different orders")
        names = tuple(self._single(node, each) for each in (one, other))
        name = self._name(node)
        self.layers.append(Add(name=name, inputs=names))
        self._widths[name] = one.axes[-1].size or 0
        self.found.append(f"Add '{shortened(name)}'")
        return [Data(one.axes, (Part(name),))]

    def _single(self, node: OnnxNode, data: Data) -> str:
        """Return one layer that is a value, made where it is several or one timestep of it."""
        if data.parts[0].step is Step.ALL and len(data.parts) == 1:
            return data.parts[0].layer
        names, timesteps = self.sources(node, data)
        name = self._name(replace(node, name=f"{node.name}_input"))
        layer = Concatenate(name=name, inputs=names, timesteps=timesteps)
        self._put(layer, sum(self.width(each) for each in names))
        return name

    def _bias(self, node: OnnxNode, data: Data, added: Value) -> list[Value]:
        """Add numbers to what a linear layer gives: the layer once more, with them as its bias."""
        layer = next((each for each in self.layers if each.name == data.parts[0].layer), None)
        plain = len(data.parts) == 1 and data.parts[0].step is Step.ALL
        if not isinstance(layer, Linear) or layer.b is not None or not plain:
            raise node.refused("adds numbers to what is no product with weights, not simulated")
        b = _vector(node, added, layer.w.shape[0])
        named = [each for each in node.inputs if each.endswith(_ENDS)]
        name = self._name(node, *named[:1])
        self.layers.append(replace(layer, name=name, b=b))
        self.mapped.append(f"Add '{shortened(node.name)}' into the bias of '{shortened(name)}'")
        self._widths[name] = layer.w.shape[0]
        return [Data(data.axes, (Part(name),))]

    def _function(self, node: OnnxNode, given: Sequence[Value | None]) -> list[Value]:
        data = given[0]
        function, usual = FUNCTIONS[node.op]
        if not isinstance(data, Data):
            raise node.refused("is a function of what is not followed")
        for key, value in usual.items():
            if node.get(key, value) != value:
                raise node.refused(f"has {key} {node.get(key, value)}; {value} can be read")
        if "softmax" in function:
            self._check_softmax(node, data)
        if len(data.parts) > 1 and data.place(Role.DIRECTIONS) is not None:
            raise node.refused("is a function of two directions before they are side by side")
        names, timesteps = self.sources(node, data)
        name = self._name(node)
        self.layers.append(
            Function(name=name, inputs=names, timesteps=timesteps, function=function)
        )
        self._widths[name] = sum(self.width(each) for each in names)
        self.found.append(f"{node.op} '{shortened(name)}'")
        return [Data(data.axes, (Part(name),))]

    def _check_softmax(self, node: OnnxNode, data: Data) -> None:
        axis = node.get("axis", -1 if self.opset >= 13 else 1)
        last = len(data.axes) - 1
        if axis not in (-1, last) or data.axes[-1].role is not Role.FEATURES:
            raise node.refused("works along another axis than that of elements")

    def _recurrent(self, node: OnnxNode, given: Sequence[Value | None]) -> list[Value]:
        data = given[0]
        if not isinstance(data, Data) or len(data.axes) != 3:
            raise node.refused("takes in what is no sequence of vectors")
        by_sequence = bool(node.get("layout", 0))
        order = (Role.BATCH, Role.TIME) if by_sequence else (Role.TIME, Role.BATCH)
        self._set_roles(node, data.axes[:2], order)
        weight = given[1]
        if isinstance(weight, Constant) and weight.array.ndim == 3:
            self._features(node, data, weight.array.shape[2])
        self._check_lengths(node, given, data)
        names, timesteps = self.sources(node, data)
        if timesteps is not Timesteps.ALL:
            raise node.refused("takes in one timestep, which is no sequence")
        name = self._name(node)
        layers = cells_of(node, given, names, name)
        for layer in layers:
            self._put(layer, layer.out)
        self.found.append(f"{node.op} '{shortened(name)}', {node.get('direction', 'forward')}")
        return self._outputs(node, data, layers)

    def _outputs(self, node: OnnxNode, data: Data, layers: Sequence[Recurrent]) -> list[Value]:
        """Return Y, Y_h and Y_c."""
        one, other = data.axes[:2]
        both, elements = Axis(Role.DIRECTIONS, len(layers)), Axis(Role.FEATURES, layers[0].out)
        steps = [Step.FIRST if layer.backward else Step.LAST for layer in layers]
        every = tuple(Part(layer.name) for layer in layers)
        final = tuple(Part(each.name, step) for each, step in zip(layers, steps, strict=True))
        if node.get("layout", 0):
            y, y_h = (one, other, both, elements), (one, both, elements)
        else:
            y, y_h = (one, both, other, elements), (both, other, elements)
        cell = Lost("it is the cell state of an LSTM, which is not handed on here")
        out: list[Value] = [Data(y, every), Data(y_h, final), cell]
        return out[: len(node.outputs)]

    def _set_roles(self, node: OnnxNode, axes: Sequence[Axis], roles: Sequence[Role]) -> None:
        for axis, role in zip(axes, roles, strict=True):
            if axis.role is Role.UNKNOWN or (axis.role is Role.SINGLE and role is Role.BATCH):
                axis.role = role
            if axis.role is not role:
                raise node.refused(f"takes the axis of {axis.role} as that of {role}")

    def _check_lengths(self, node: OnnxNode, given: Sequence[Value | None], data: Data) -> None:
        """Look at sequence_lens: all alike, or an input of the graph."""
        lengths = given[4] if len(given) > 4 else None
        if lengths is None:
            return
        if isinstance(lengths, Data) and lengths.parts == (Part(INPUT_BUFFER),):
            raise node.refused("has lengths of sequences (sequence_lens) that depend on the inputs")
        time = next(axis for axis in data.axes if axis.role is Role.TIME)
        if isinstance(lengths, Lost):
            self.has_lengths = True
        elif (
            not isinstance(lengths, Constant)
            or time.size is None
            or (lengths.array != time.size).any()
        ):
            raise node.refused(
                "has lengths of sequences (sequence_lens) that are no input and not all timesteps"
            )


def _matrix(node: OnnxNode, weight: Constant) -> Array:
    if weight.array.ndim != 2 or weight.array.dtype.kind != "f":
        raise node.refused(f"has weights of shape {weight.array.shape}, which are no matrix")
    return weight.array


def _vector(node: OnnxNode, added: Value, units: int) -> Array:
    """Return numbers that are added to every unit."""
    if isinstance(added, Constant):
        array = added.array.astype(np.float64)
        if array.size == 1:
            return np.full(units, array.flat[0])
        if array.shape and array.shape[-1] == units == array.size:
            return array.ravel()
        raise node.refused(f"adds numbers of shape {array.shape} to {units} units")
    raise NetworkError(f"node '{shortened(node.name)}' ({node.op}) adds what is not followed")
