"""ONNX files: their graph as plain data, with tensors checked and decoded.

The package onnx is used for one thing, to parse the protocol buffer. Tensors are decoded here:
types, sizes and places are looked at first, and numbers in other files are taken only from files
beside the model.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import NetworkError
from archsim.listing import shortened
from archsim.network.importers.files import LARGEST_FILE, NetworkFile
from archsim.network.importers.numbers import BFLOAT16, Budget, numbers_of
from archsim.network.importers.registry import wanted

Tensor = NDArray[Any]

MISFITS = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError)
"""What parts of another type or number than they should be end in."""
MOST_NODES = 50_000
_MOST_TEXT = 1000
_FLOATS = {1: "float32", 10: "float16", 11: "float64", 16: BFLOAT16}
_WHOLE = {6: "<i4", 7: "<i8", 9: "?", 3: "<i1", 2: "<u1"}
"""Numbers of types, as onnx.TensorProto has them."""
_OWN = ("", "ai.onnx")


@dataclass(frozen=True)
class OnnxNode:
    """An operation of the graph.

    Attributes
    ----------
    op : str
        Which one.
    name : str
        Its name, or that of its first output.
    inputs, outputs : tuple of str
        Names of values; empty for one that is left out.
    attributes : dict
        Numbers, lists, texts and tensors by name.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)

    def refused(self, why: str) -> NetworkError:
        """Return the error that says what is wrong with it."""
        return NetworkError(f"node '{shortened(self.name)}' ({self.op}) {why}")

    def get(self, name: str, otherwise: Any) -> Any:
        """Return an attribute."""
        return self.attributes.get(name, otherwise)


@dataclass(frozen=True)
class OnnxGraph:
    """A graph.

    Attributes
    ----------
    nodes : tuple of OnnxNode
        Operations, each below those whose values it takes.
    tensors : dict of str to array
        Its constants: float64, or int64.
    inputs : dict of str to tuple of int or None
        Sizes of its inputs, None where they vary.
    outputs : tuple of str
        Names of its outputs.
    opset : int
        Version of its operations.
    """

    nodes: tuple[OnnxNode, ...]
    tensors: dict[str, Tensor]
    inputs: dict[str, tuple[int | None, ...]]
    outputs: tuple[str, ...]
    opset: int


def read_graph(file: NetworkFile) -> OnnxGraph:
    """Return the graph in a file.

    Raises
    ------
    NetworkError
        If the file is damaged, names what is no file beside it, or has parts that are refused.
    """
    try:
        import onnx
    except ImportError as error:
        raise wanted("onnx", "onnx") from error
    try:
        model = onnx.ModelProto.FromString(file.read())
    except NetworkError:
        raise
    except Exception as error:  # protobuf has several implementations, each with errors of its own
        raise NetworkError("is no ONNX file, or a cut one: copy it again") from error
    if not model.ir_version or not model.HasField("graph") or not model.graph.node:
        raise NetworkError("is no ONNX file, or one without a graph: export it again")
    try:
        return _Parser(file).graph(model)
    except MISFITS as error:  # names that are no text come as bytes, for one
        raise NetworkError("is an ONNX file with damaged parts: copy or export it again") from error


class _Parser:
    """Makes plain data of a model and counts what it holds."""

    def __init__(self, file: NetworkFile) -> None:
        self.folder = file.path.parent
        self.budget = Budget()

    def graph(self, model: Any) -> OnnxGraph:
        graph = model.graph
        if len(graph.node) > MOST_NODES:
            raise NetworkError(f"has more than {MOST_NODES:,} nodes, which no network here needs")
        if len(graph.sparse_initializer):
            raise NetworkError("has sparse tensors: save them as dense ones")
        versions = [each.version for each in model.opset_import if each.domain in _OWN]
        tensors: dict[str, Tensor] = {}
        for proto in graph.initializer:
            if proto.name in tensors:
                raise NetworkError(f"has two tensors called '{shortened(proto.name)}'")
            tensors[proto.name] = self.tensor(proto, proto.name)
        inputs = {each.name: _sizes(each) for each in graph.input if each.name not in tensors}
        nodes = tuple(self.node(proto) for proto in graph.node)
        _check_names(nodes, (*tensors, *inputs))
        outputs = tuple(each.name for each in graph.output)
        return OnnxGraph(nodes, tensors, inputs, outputs, max(versions, default=1))

    def node(self, proto: Any) -> OnnxNode:
        """Return a node; one whose operation is not ONNX's own is refused."""
        inputs, outputs = tuple(proto.input), tuple(proto.output)
        name = proto.name or next(iter(outputs), "")
        node = OnnxNode(proto.op_type[:_MOST_TEXT], name, inputs, outputs)
        if proto.domain not in _OWN:
            raise node.refused(
                f"is an operation of '{shortened(proto.domain)}', not of ONNX: it is not simulated"
            )
        attributes = {each.name: self.attribute(node, each) for each in proto.attribute}
        return OnnxNode(node.op, name, inputs, outputs, attributes)

    def attribute(self, node: OnnxNode, proto: Any) -> Any:
        """Return an attribute's value: a number, text, list or tensor."""
        kinds = {1: "f", 2: "i", 3: "s", 6: "floats", 7: "ints", 8: "strings"}
        if proto.type == 4:
            return self.tensor(proto.t, node.name)
        if proto.type not in kinds:
            what = "graph" if proto.type in {5, 10} else "value of a kind that is not known"
            raise node.refused(
                f"has a {what} of its own ('{shortened(proto.name)}'), which is not read"
            )
        value = getattr(proto, kinds[proto.type])
        if proto.type == 3:
            return value.decode("utf-8", "replace")[:_MOST_TEXT]
        if proto.type == 8:
            return [each.decode("utf-8", "replace")[:_MOST_TEXT] for each in value[:100]]
        return list(value) if proto.type in {6, 7} else value

    def tensor(self, proto: Any, name: str) -> Tensor:
        """Return a tensor in float64 or int64."""
        shape, kind = tuple(proto.dims), proto.data_type
        if kind not in _FLOATS and kind not in _WHOLE:
            raise NetworkError(
                f"tensor '{shortened(name)}' is of type {kind} of ONNX: save it as 32-bit floating "
                "point, not quantised"
            )
        count = self.budget.take(name, shape)
        if proto.data_location == 1:
            return _decoded(name, kind, shape, self.outside(proto, name))
        if proto.HasField("raw_data"):
            return _decoded(name, kind, shape, proto.raw_data)
        return _listed(proto, name, kind, shape, count)

    def outside(self, proto: Any, name: str) -> bytes:
        """Return the bytes of a tensor that stand in a file beside the model."""
        keys = {each.key: each.value for each in proto.external_data}
        path = self.beside(keys.get("location", ""), name)
        try:
            offset = int(keys.get("offset", "0"))
            length = int(keys["length"]) if "length" in keys else None
        except ValueError as error:
            msg = f"tensor '{shortened(name)}' has a place that is no number"
            raise NetworkError(msg) from error
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise NetworkError(f"tensor '{shortened(name)}' is in what is no regular file")
            length = status.st_size - offset if length is None else length
            if offset < 0 or length < 0 or offset + length > status.st_size:
                raise NetworkError(f"tensor '{shortened(name)}' lies outside of {path.name}")
            if length > LARGEST_FILE:
                raise NetworkError(f"tensor '{shortened(name)}' is larger than 1 GiB")
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(length)
        except OSError as error:
            reason = error.strerror or str(error)
            raise NetworkError(
                f"tensor '{shortened(name)}' is in '{shortened(path.name)}', which cannot be read "
                f"({reason}): put that file beside the model"
            ) from error

    def beside(self, location: str, name: str) -> Path:
        """Return the file that a tensor names, if it is in the model's folder and no link."""
        parts = PurePosixPath(location).parts
        wrong = not parts or "\0" in location or "\\" in location or len(location) > _MOST_TEXT
        if wrong or PurePosixPath(location).is_absolute() or ".." in parts:
            raise NetworkError(
                f"tensor '{shortened(name)}' is in '{shortened(location)}', which is not in the "
                "model's folder: it is not read"
            )
        path = self.folder
        for part in parts:
            path = path / part
            if path.is_symlink():
                raise NetworkError(
                    f"tensor '{shortened(name)}' is in '{shortened(location)}', which is a link: "
                    "it is not followed"
                )
        return path


def _decoded(name: str, kind: int, shape: tuple[int, ...], data: bytes) -> Tensor:
    if kind in _FLOATS:
        return numbers_of(name, _FLOATS[kind], shape, data)
    numbers = np.dtype(_WHOLE[kind])
    if len(data) != int(np.prod(shape, dtype=np.int64)) * numbers.itemsize:
        raise NetworkError(
            f"tensor '{shortened(name)}' of shape {shape} has {len(data):,} bytes, which do not fit"
        )
    return np.frombuffer(data, dtype=numbers).astype(np.int64).reshape(shape)


def _listed(proto: Any, name: str, kind: int, shape: tuple[int, ...], count: int) -> Tensor:
    """Return a tensor whose numbers stand in a list of their own."""
    fields = {1: proto.float_data, 11: proto.double_data, 7: proto.int64_data}
    given = fields.get(kind, proto.int32_data)
    if len(given) != count:
        raise NetworkError(
            f"tensor '{shortened(name)}' of shape {shape} has {len(given):,} numbers where "
            f"{count:,} are needed"
        )
    numbers = np.array(given)
    if kind in {10, 16}:  # as the bits of 16-bit numbers
        return numbers_of(name, _FLOATS[kind], shape, numbers.astype("<u2").tobytes())
    return numbers.astype(np.float64 if kind in _FLOATS else np.int64).reshape(shape)


def _sizes(value: Any) -> tuple[int | None, ...]:
    """Return an input's sizes, None for those that are not given."""
    dims = value.type.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.dim_value > 0 else None for dim in dims)


def _check_names(nodes: Iterable[OnnxNode], given: Iterable[str]) -> None:
    """Refuse a value that is computed twice, and one that is used before it is computed."""
    known = set(given)
    for node in nodes:
        for name in node.inputs:
            if name and name not in known:
                raise node.refused(
                    f"takes '{shortened(name)}', which nothing above it gives: a circle, or a part "
                    "that is missing"
                )
        for name in node.outputs:
            if name and name in known:
                raise node.refused(f"gives '{shortened(name)}', which is there already")
            known.add(name)
