"""The graph of a Keras model: which layer takes in which, from its description."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from archsim.errors import NetworkError
from archsim.listing import listed, shortened
from archsim.network.importers.base import MOST_LAYERS

_INPUT = "InputLayer"
_LONGEST_CLASS = 100
_DEEPEST = 8
"""Lists in lists, in a description of inputs or outputs."""


@dataclass(frozen=True)
class GraphNode:
    """A layer of the model.

    Attributes
    ----------
    name : str
        Its name.
    kind : str
        Its class.
    config : dict
        Its keys.
    inputs : tuple of str
        Layers that it takes in.
    package : str
        Where its class is from: ``keras.layers`` for Keras's own.
    registered : str
        The name under which it was registered, if it is somebody's own.
    built : object
        The shape or shapes that it was built for.
    place : str
        Where its weights stand: its class and, from the second of a class on, a number.
    """

    name: str
    kind: str
    config: Mapping[str, Any]
    inputs: tuple[str, ...]
    package: str
    registered: str
    built: object = None
    place: str = ""

    def refused(self, why: str) -> NetworkError:
        """Return the error that says what is wrong with it."""
        return NetworkError(f"layer '{shortened(self.name)}' of class {shortened(self.kind)} {why}")


def nodes_of(config: Mapping[str, Any]) -> tuple[list[GraphNode], str]:
    """Return a model's layers, each below those that it takes in, and the name of the last.

    Raises
    ------
    NetworkError
        If it is no Sequential or Functional model, has several inputs or outputs, a circle, or is
        damaged.
    """
    kind, inner = config.get("class_name"), config.get("config")
    layers = inner.get("layers") if isinstance(inner, Mapping) else None
    if kind not in ("Sequential", "Functional", "Model") or not isinstance(inner, Mapping):
        raise NetworkError(
            f"is a model of class {shortened(str(kind))}, and a Sequential or Functional one can "
            "be read"
        )
    if not isinstance(layers, list) or not layers:
        raise NetworkError("has a description without layers: save the whole model as .keras")
    if len(layers) > MOST_LAYERS:
        raise NetworkError(f"has more than {MOST_LAYERS:,} layers, which no chip here takes")
    return _sequence(layers) if kind == "Sequential" else _graph(layers, inner)


def _with_places(nodes: list[GraphNode]) -> list[GraphNode]:
    """Give layers their places; they are counted in the order of the description."""
    seen: Counter[str] = Counter()
    out = []
    for node in nodes:
        place = _snake(node.kind)
        number = seen[place]
        seen[place] += 1
        out.append(replace(node, place=f"{place}_{number}" if number else place))
    return out


def _snake(kind: str) -> str:
    """Return the name under which Keras stores a layer of a class: ``SimpleRNN`` as simple_rnn."""
    text = re.sub(r"\W+", "", kind)[:_LONGEST_CLASS]
    text = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", text)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", text).lower()


def _sequence(layers: list[Any]) -> tuple[list[GraphNode], str]:
    nodes: list[GraphNode] = []
    for layer in layers:
        last = (nodes[-1].name,) if nodes else ()
        nodes.append(node_of(layer, last))
    if nodes[0].kind != _INPUT:
        shape = _built_shape(layers[0])
        given = {"batch_shape": shape, "name": "input_layer"}
        first = GraphNode("input_layer", _INPUT, given, (), "keras.layers", "")
        head = node_of(layers[0], (first.name,))
        nodes = [first, head, *nodes[1:]]
    _check_unique(nodes)
    return _with_places(nodes), nodes[-1].name


def _built_shape(layer: Any) -> object:
    built = layer.get("build_config") if isinstance(layer, Mapping) else None
    return built.get("input_shape") if isinstance(built, Mapping) else None


def node_of(layer: Any, inputs: tuple[str, ...] = ()) -> GraphNode:
    """Return a layer of a description.

    Raises
    ------
    NetworkError
        If it is none.
    """
    given = layer if isinstance(layer, Mapping) else {}
    config = given.get("config")
    name = config.get("name") if isinstance(config, Mapping) else None
    kind, package = given.get("class_name"), given.get("module")
    if not (isinstance(config, Mapping) and isinstance(name, str) and isinstance(kind, str)):
        raise NetworkError("has a layer without class or name in its description: save it again")
    registered = given.get("registered_name")
    return GraphNode(
        name, kind, config, inputs, str(package or ""), str(registered or ""), _built_shape(layer)
    )


def _graph(layers: list[Any], inner: Mapping[str, Any]) -> tuple[list[GraphNode], str]:
    found = _with_places([node_of(layer, tuple(_taken(layer))) for layer in layers])
    _check_unique(found)
    ends = list(_ends(inner.get("output_layers")))
    starts = [node.name for node in found if node.kind == _INPUT]
    for names, what in ((starts, "inputs"), (ends, "outputs")):
        if len(names) != 1:
            raise NetworkError(f"has {len(names)} {what}, and a model with one can be read")
    nodes = _sorted(found)
    if ends[0] not in {node.name for node in nodes}:
        raise NetworkError(f"has an output '{shortened(ends[0])}' that is no layer of it")
    return nodes, ends[0]


def _check_unique(nodes: list[GraphNode]) -> None:
    names = [node.name for node in nodes]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise NetworkError(f"has two layers called '{shortened(twice)}'")


def _sorted(found: list[GraphNode]) -> list[GraphNode]:
    """Return layers, each below those that it takes in."""
    left, nodes, done = found, list[GraphNode](), set[str]()
    while left:
        ready = [node for node in left if done.issuperset(node.inputs)]
        if not ready:
            names = listed([node.name for node in left])
            raise NetworkError(f"has layers that wait for each other or for none of it: {names}")
        nodes += ready
        done.update(node.name for node in ready)
        left = [node for node in left if node.name not in done]
    return nodes


def _taken(layer: Any) -> Iterator[str]:
    """Yield the names of the layers that a layer of a Functional model takes in."""
    calls = layer.get("inbound_nodes") if isinstance(layer, Mapping) else None
    if not isinstance(calls, list):
        return
    name = shortened(str(layer.get("name")))
    if len(calls) > 1:
        raise NetworkError(f"uses its layer '{name}' {len(calls)} times, which is not read")
    for call in calls:
        given = call.get("args") if isinstance(call, Mapping) else None
        if not isinstance(given, list):
            raise NetworkError(f"has a layer '{name}' whose inputs cannot be read: save it again")
        yield from _tensors(given, name, 0)
        options = call.get("kwargs")
        for key, value in options.items() if isinstance(options, Mapping) else ():
            if value is not None and key in {"mask", "initial_state"}:
                raise NetworkError(f"gives its layer '{name}' {key}, which is not read")


def _tensors(given: Any, name: str, depth: int) -> Iterator[str]:
    if isinstance(given, list) and depth < _DEEPEST:
        for each in given:
            yield from _tensors(each, name, depth + 1)
        return
    config = given.get("config") if isinstance(given, Mapping) else None
    history = config.get("keras_history") if isinstance(config, Mapping) else None
    if isinstance(history, list) and len(history) == 3 and history[1:] == [0, 0]:
        yield str(history[0])
    elif given is not None:
        raise NetworkError(f"has a layer '{name}' that takes in what is no output of a layer")


def _ends(given: Any, depth: int = 0) -> Iterator[str]:
    """Yield names from ``["name", 0, 0]``, or from a list of such."""
    if isinstance(given, list) and len(given) == 3 and isinstance(given[0], str):
        yield given[0]
    elif isinstance(given, list) and depth < _DEEPEST:
        for each in given:
            if isinstance(each, list):
                yield from _ends(each, depth + 1)
    elif isinstance(given, Mapping):
        raise NetworkError("has outputs with names, and a model with one output can be read")
