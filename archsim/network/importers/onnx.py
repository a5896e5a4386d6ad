"""Networks from ONNX files.

The graph is gone through once; every value is numbers, sizes, or outputs of layers with named axes
(`archsim.network.importers.onnx_values`). What moves axes about leaves no layer behind. An
operation that is not known is refused, with its node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archsim.config.run import INPUT_BUFFER
from archsim.errors import NetworkError
from archsim.listing import listed, shortened
from archsim.network.importers.base import ImportedLayer, ImportedNetwork, Notes
from archsim.network.importers.files import NetworkFile
from archsim.network.importers.numbers import Budget
from archsim.network.importers.onnx_cells import RECURRENT
from archsim.network.importers.onnx_constants import fold
from archsim.network.importers.onnx_file import MISFITS, OnnxGraph, OnnxNode, read_graph
from archsim.network.importers.onnx_glue import Glue
from archsim.network.importers.onnx_layers import OnnxLayers
from archsim.network.importers.onnx_values import (
    Axis,
    Constant,
    Data,
    Filled,
    Lost,
    Part,
    Role,
    Value,
)
from archsim.network.importers.options import Options
from archsim.network.importers.registry import Reader, register

_ROOM, _TIMES = 1 << 16, 8
"""Numbers that may be computed as a graph is read: some, and a few times those of the file."""
_QUANTISED = ("DequantizeLinear", "QuantizeLinear", "DynamicQuantizeLinear", "MatMulInteger")


@register
class OnnxReader(Reader):
    """Reads ONNX files."""

    name = "onnx"
    what = "ONNX (.onnx)"
    first = False
    asks = False

    def fits(self, file: NetworkFile) -> bool:
        """Return whether its name says so, or it begins with a version, as ONNX files do."""
        return file.path.suffix == ".onnx" or file.head.startswith(b"\x08")

    def read(self, file: NetworkFile, options: Options) -> ImportedNetwork:  # noqa: ARG002
        """Return the network of its graph."""
        try:
            return _Walk(read_graph(file)).network(str(file.path))
        except NetworkError as error:
            text = str(error)
            raise NetworkError(
                text if text.startswith(f"{file.path}: ") else f"{file.path}: {text}"
            ) from error


@dataclass
class _Walk:
    """Goes through a graph."""

    graph: OnnxGraph

    def __post_init__(self) -> None:
        self.values: dict[str, Value] = {
            name: Constant(array) for name, array in self.graph.tensors.items()
        }
        self.layers = OnnxLayers(self.graph.opset)
        self.glue = Glue(self.layers.width, lambda: self.layers.has_lengths)
        held = sum(array.size for array in self.graph.tensors.values())
        self.budget = Budget(_ROOM + _TIMES * held, "makes far more numbers than its file holds")
        self.input_axes: tuple[Axis, ...] = ()
        self._take_inputs()

    def _take_inputs(self) -> None:
        """Find the input with the sequences; another one may be their lengths."""
        lengths = {
            node.inputs[4] for node in self.graph.nodes
            if node.op in RECURRENT and len(node.inputs) > 4
        }  # fmt: skip
        others = {name: sizes for name, sizes in self.graph.inputs.items() if name not in lengths}
        for name in self.graph.inputs:
            if name in lengths:
                self.values[name] = Lost("it is the lengths of sequences")
        if len(others) != 1:
            raise NetworkError(
                f"has {len(others)} inputs ({listed(others) or 'none'}), and a network with one "
                "can be read: let its states begin with zeros"
            )
        ((name, sizes),) = others.items()
        if not 2 <= len(sizes) <= 3:
            raise NetworkError(
                f"has an input '{shortened(name)}' of {len(sizes)} axes: sequences of vectors have "
                "three, sequences of indices two"
            )
        self.input_axes = tuple(Axis(Role.UNKNOWN, size) for size in sizes)
        self.values[name] = Data(self.input_axes, (Part(INPUT_BUFFER),))

    def network(self, source: str) -> ImportedNetwork:
        """Return the network that the graph is."""
        for node in self.graph.nodes:
            given = [self.values[name] if name else None for name in node.inputs]
            try:
                found = self._give(node, given)
            except MISFITS as error:
                raise node.refused("has inputs or attributes that do not fit it") from error
            more = [Lost("it is an output that the operation has not")] * len(node.outputs)
            for name, value in zip(node.outputs, [*found, *more], strict=False):
                self.values[name] = value
        name = self.graph.outputs[0] if self.graph.outputs else ""
        end = self.values.get(name)
        if not isinstance(end, Data) or end.parts[0].layer == INPUT_BUFFER:
            why = f": {end.why}" if isinstance(end, Lost) else ""
            raise NetworkError(f"has an output '{shortened(name)}' that is no layer's{why}")
        last = OnnxNode("output", name, (), ())
        outputs, timesteps = self.layers.sources(last, end)
        return ImportedNetwork(
            inputs=self.layers.inputs,
            layers=self._reached(outputs),
            source=source,
            outputs=outputs,
            timesteps=timesteps,
            length=self._length(),
            notes=self._notes(),
        )

    def _give(self, node: OnnxNode, given: Sequence[Value | None]) -> list[Value]:
        """Return what a node gives."""
        if node.op in _QUANTISED:
            raise node.refused("is of a quantised network: export it before it is quantised")
        folded = fold(node, given, self.budget)
        if folded is not None:
            return folded
        lost = next((each for each in given if isinstance(each, Lost)), None)
        if lost is not None and node.op not in RECURRENT:
            return [lost for _ in node.outputs]
        return self._layers_of(node, given)

    def _layers_of(self, node: OnnxNode, given: Sequence[Value | None]) -> list[Value]:
        """Return what a node gives that is about outputs of layers."""
        first = given[0] if given else None
        if node.op == "Gather" and isinstance(first, Constant):
            return self.layers.embedding(node, given, node.inputs[0])
        if node.op == "Concat" and any(isinstance(each, Data) for each in given):
            return self.glue.concat(node, given)
        if self.glue.takes(node.op) and isinstance(first, Data):
            return self.glue.follow(node, first, given)
        if node.op in self.layers.known:
            plain = node.op in RECURRENT
            return self.layers.make(node, given if plain else [_spread(each) for each in given])
        raise node.refused("is not simulated")

    def _reached(self, outputs: tuple[str, ...]) -> tuple[ImportedLayer, ...]:
        """Return the layers that the outputs depend on."""
        wanted = set(outputs)
        kept = []
        for layer in reversed(self.layers.layers):
            if layer.name in wanted:
                wanted.update(layer.inputs or ())
                kept.append(layer)
        return tuple(reversed(kept))

    def _length(self) -> int | None:
        time = next((axis for axis in self.input_axes if axis.role is Role.TIME), None)
        return time.size if time is not None else None

    def _notes(self) -> Notes:
        left = [
            f"output '{shortened(name)}': the network's first output is taken"
            for name in self.graph.outputs[1:]
        ]
        mapped = ["axes of ONNX into (sequences, timesteps, elements)", *self.layers.mapped]
        if self.layers.has_lengths:
            mapped.append("sequence_lens into the lengths that sequences have anyway")
        return Notes(tuple(self.layers.found), tuple(mapped), left_out=tuple(left))


def _spread(value: Value | None) -> Value | None:
    """Return a value; one number everywhere counts as that number."""
    return Constant(np.array([value.value])) if isinstance(value, Filled) else value
