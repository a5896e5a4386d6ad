"""Networks from Keras 3 files (.keras), read without Keras.

Such a file is a zip archive of a description in JSON (``config.json``) and weights in HDF5
(``model.weights.h5``). Layers are taken by their class; nothing in the file is executed, and a
layer that brings code of its own (Lambda, custom classes) is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from archsim.errors import NetworkError
from archsim.network.importers.base import ImportedNetwork, Notes
from archsim.network.importers.files import LARGEST_TEXT, NetworkFile
from archsim.network.importers.keras_graph import GraphNode, nodes_of
from archsim.network.importers.keras_layers import Value, Walk
from archsim.network.importers.keras_weights import open_weights
from archsim.network.importers.options import Options
from archsim.network.importers.registry import Reader, register

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"


@register
class KerasReader(Reader):
    """Reads what ``model.save("....keras")`` of Keras 3 wrote."""

    name = "keras"
    what = "Keras 3 (.keras)"
    asks = False

    def fits(self, file: NetworkFile) -> bool:
        """Return whether it is a zip archive with Keras's description."""
        return _CONFIG in file.entries

    def read(self, file: NetworkFile, options: Options) -> ImportedNetwork:  # noqa: ARG002
        """Return the network of its layers."""
        if _WEIGHTS not in file.entries:
            raise file.refused(f"has no {_WEIGHTS}: save the whole model as .keras")
        config = _parsed(file)
        data = file.unpack(_WEIGHTS)
        try:
            nodes, end = nodes_of(config)
            with open_weights(data) as weights:
                walk = Walk(weights)
                values: dict[str, Value] = {}
                for node in nodes:
                    values[node.name] = walk.take(node, [values[name] for name in node.inputs])
                return _network(str(file.path), walk, nodes, values[end])
        except NetworkError as error:
            raise file.refused(str(error)) from error


def _parsed(file: NetworkFile) -> Mapping[str, Any]:
    try:
        config = json.loads(file.unpack(_CONFIG, LARGEST_TEXT))
    except (ValueError, RecursionError) as error:
        raise file.refused(f"has a {_CONFIG} that is no JSON: copy it again") from error
    if not isinstance(config, dict):
        raise file.refused(f"has a {_CONFIG} that is no JSON object: copy it again")
    return config


def _network(source: str, walk: Walk, nodes: list[GraphNode], end: Value) -> ImportedNetwork:
    first = next((node for node in nodes if node.kind == "InputLayer"), None)
    inputs, length = walk.inputs_of(first)
    if not walk.layers:
        raise NetworkError("has no layer that computes anything")
    if not end.layers:
        raise NetworkError("has an output that is its input")
    return ImportedNetwork(
        inputs=inputs,
        layers=tuple(walk.layers),
        source=source,
        outputs=end.layers,
        timesteps=end.timesteps,
        length=length,
        notes=Notes(tuple(walk.found), tuple(walk.mapped), left_out=tuple(walk.left_out)),
    )
