"""What makes two networks the same: layers, sizes, timesteps, functions, and the weights' content.

How a network is put on a chip (bits, ranges of ramps, where a layer is computed) and what its
layers are called is no part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.config.run import INPUT_BUFFER
from archsim.config.sections import LAYERS, LayerSection
from archsim.network.weights import RandomWeights, Weights


def network_hash(weights: Weights, config: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a network: its structure, and the tensors that its layers took.

    Parameters
    ----------
    weights : Weights
        After all layers have taken theirs.
    config : dict
        The resolved configuration, as plain data.
    """
    digest = hashlib.sha256()
    if isinstance(weights, RandomWeights):  # what is drawn follows from the seed and the names
        layers = config["network"]["layers"]
        names = [layer.get("tensors") or layer.get("name") for layer in layers]
        digest.update(json.dumps(["random", weights.seed, names]).encode())
    for name in weights.used:
        note(digest, name.rpartition(".")[2], weights.tensors[name])
    digest.update(json.dumps(network_structure(config), sort_keys=True).encode())
    return digest.hexdigest()


def note(digest: Any, name: str, array: NDArray[Any]) -> None:
    """Add an array to a digest: its name, shape and numbers."""
    digest.update(f"{name} {array.shape} {array.dtype.str};".encode())
    digest.update(np.ascontiguousarray(array).data)


def content_hash(**arrays: NDArray[Any]) -> str:
    """Return the SHA-256 of named arrays."""
    digest = hashlib.sha256()
    for name, array in arrays.items():
        note(digest, name, array)
    return digest.hexdigest()


def network_structure(config: Any) -> dict[str, Any]:
    """Return what a configuration, as plain data, says of its network's structure.

    Parameters
    ----------
    config : dict
        A resolved configuration, for example that of a trace. What it lacks is left out.
    """
    network = _mapping(_mapping(config).get("network"))
    layers = network.get("layers")
    tables = _tables(_mapping(config).get("activations"))
    return {
        "inputs": _plain(network.get("inputs")),
        "timesteps": _plain(network.get("timesteps")),
        "layers": _layers([_mapping(layer) for layer in layers], tables)
        if isinstance(layers, list)
        else [],
    }


def _layers(layers: list[Mapping[str, Any]], tables: dict[str, str]) -> list[dict[str, Any]]:
    """Return the layers; one that does not take in the layer before says which ones, by number."""
    out = []
    places = {INPUT_BUFFER: _place(0)}
    for number, layer in enumerate(layers, 1):
        found, inputs = _layer(layer, tables), layer.get("inputs")
        names = inputs if isinstance(inputs, list) else []
        taken = " + ".join(places.get(str(name), "?") for name in names)
        if taken not in ("", _place(number - 1)):
            found["inputs"] = taken
        out.append(found)
        places[str(layer.get("name"))] = _place(number)
    return out


def _place(number: int) -> str:
    """Return how a layer is called where its own name does not count; 0 is the input buffer."""
    return f"layer {number}" if number else INPUT_BUFFER


def _layer(layer: Mapping[str, Any], tables: dict[str, str]) -> dict[str, Any]:
    """Return the keys of a layer that are the network's; a table of points is its content."""
    kind = layer.get("kind")
    section = LAYERS.get(str(kind)) if LAYERS.has(kind) else LayerSection
    out = {key: _plain(layer[key]) for key in section.of_network if layer.get(key) is not None}
    gates = _mapping(layer.get("functions"))
    functions = {key: _plain(value) for key, value in gates.items() if isinstance(value, str)}
    if functions:
        out["functions"] = {key: tables.get(name, name) for key, name in functions.items()}
    if "function" in out:
        out["function"] = tables.get(out["function"], out["function"])
    return out


def _tables(activations: Any) -> dict[str, str]:
    """Return a digest of every table of points by the function's name."""
    tables = {}
    for item in activations if isinstance(activations, list) else []:
        found = _mapping(item)
        points = [
            [_plain(number) for number in point[:2]]
            for point in found.get("points") or ()
            if isinstance(point, list)
        ]
        written = json.dumps(points).encode()
        tables[str(found.get("name"))] = f"table {hashlib.sha256(written).hexdigest()[:16]}"
    return tables


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _plain(value: Any) -> Any:
    """Return a number or text as it is; anything else is none of a network's."""
    return value if isinstance(value, int | float | str) else None


def structure_differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Say in what two structures differ; what only one of them tells does not count."""
    found = [
        f"{other[key]} {key} against {one[key]}"
        for key in ("inputs", "timesteps")
        if None not in (one[key], other[key]) and one[key] != other[key]
    ]
    if len(one["layers"]) != len(other["layers"]):
        return [*found, f"{len(other['layers'])} layers against {len(one['layers'])}"]
    for number, pair in enumerate(zip(one["layers"], other["layers"], strict=True), 1):
        usual = {"inputs": _place(number - 1), "direction": "forward"}
        mine, theirs = ({**usual, **layer} for layer in pair)
        found += [
            f"{key} {theirs[key]} against {mine[key]} in layer {number}"
            for key in mine
            if key in theirs and mine[key] != theirs[key]
        ]
    return found
