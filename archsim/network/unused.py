"""Tensors of a file that no layer uses: refused, for without them it is not the trained network.

A bidirectional layer, a second stacked layer or an embedding that is left out makes another
network, and the accuracy in floating point would be that of the other one as well. What is left out
on purpose is named in ``network.ignore``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from archsim.config.run import Bias, Layer, LSTMLayer, Network
from archsim.errors import WorkloadError
from archsim.listing import listed, shortened
from archsim.network.weights import RandomWeights, Weights

NORMALISATION = ("features.mean", "features.scale")
"""Tensors that belong to the workload: what recordings are normalised with."""

_LSTM_TENSOR = re.compile(r"(weight_(ih|hh|hr)|bias_(ih|hh))_l(?P<layer>\d+)(?P<reverse>_reverse)?")


def refuse_unused(weights: Weights, network: Network) -> None:
    """Check that every tensor of the file was asked for or is ignored on purpose.

    Parameters
    ----------
    weights : Weights
        After all layers have taken theirs.
    network : Network
        Layers, and what is ignored.

    Raises
    ------
    WorkloadError
        If a tensor is not used, with what it means where its name tells; or if an entry of
        ``network.ignore`` names none, or one that is used.
    """
    if isinstance(weights, RandomWeights):
        return
    names = sorted((*weights.tensors, *weights.others))
    _check_ignored(weights, names, network.ignore)
    left = [
        name
        for name in names
        if name not in weights.used
        and name.removeprefix(weights.prefix) not in NORMALISATION
        and not _matches_any(name, network.ignore)
    ]
    if not left:
        return
    for name in left:
        meaning = _meaning(weights, name, network)
        if meaning:
            more = f" ({len(left) - 1:,} more are not used)" if len(left) > 1 else ""
            msg = f"{weights.path}: tensor '{shortened(name)}' is not used{more}: {meaning}"
            raise WorkloadError(msg)
    raise WorkloadError(_of_no_layer(weights, left))


def _matches_any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _check_ignored(weights: Weights, names: Sequence[str], ignored: Iterable[str]) -> None:
    """Refuse an entry that has no effect: it is mistyped, or means a tensor that is used."""
    for pattern in ignored:
        found = [name for name in names if fnmatchcase(name, pattern)]
        if not found:
            msg = (
                f"{weights.path}: network.ignore names '{shortened(pattern)}' but there is no such "
                f"tensor; it has {listed(names)}"
            )
            raise WorkloadError(msg)
        if all(name in weights.used for name in found):
            msg = (
                f"{weights.path}: network.ignore names '{shortened(pattern)}' but a layer uses "
                f"{listed(found)}: take it off the list"
            )
            raise WorkloadError(msg)


def _meaning(weights: Weights, name: str, network: Network) -> str | None:
    """Say what a tensor under a layer's name means and what to do; None for other tensors."""
    for layer in network.layers:
        start = f"{weights.prefix}{layer.tensors_name}."
        if name.startswith(start):
            rest = name.removeprefix(start)
            if isinstance(layer, LSTMLayer):
                return _meaning_in_lstm(weights, name, rest, layer)
            return _meaning_in_linear(rest, layer)
    return None


def _meaning_in_lstm(weights: Weights, name: str, rest: str, layer: LSTMLayer) -> str:
    parts = _LSTM_TENSOR.fullmatch(rest)
    if parts is None:
        return f"a layer of kind lstm has no such tensor: {_REMOVE}"
    if parts["reverse"]:
        return (
            f"layer '{layer.name}' is bidirectional and only the forward direction can be "
            "simulated: train it with bidirectional=False, or name what belongs to the other "
            "direction in network.ignore"
        )
    if parts["layer"] != "0":
        return (
            f"it is of a further layer stacked on '{layer.name}': add a layer of kind lstm to "
            f"network.layers and save these tensors under its name, with _l0 for "
            f"_l{parts['layer']}"
        )
    if rest == "weight_hr_l0":
        tensor = weights.tensors.get(name)
        size = f" to {tensor.shape[0]}" if tensor is not None and tensor.ndim == 2 else ""
        return f"h is projected: set projection of layer '{layer.name}'{size}"
    return _bias_meaning(layer)


def _meaning_in_linear(rest: str, layer: Layer) -> str:
    if rest == "bias":
        return _bias_meaning(layer)
    return f"a layer of kind {layer.kind} has no such tensor: {_REMOVE}"


def _bias_meaning(layer: Layer) -> str:
    assert layer.bias is Bias.NONE
    return f"layer '{layer.name}' has bias none: take the key away, or {_IGNORE}"


_IGNORE = "name the tensor in network.ignore"
_REMOVE = f"take it out of the file, or {_IGNORE}"


def _of_no_layer(weights: Weights, left: Sequence[str]) -> str:
    """Say which tensors belong to no layer of the configuration."""
    heads = dict.fromkeys(_pattern(name, weights.prefix) for name in left)
    return (
        f"{weights.path}: no layer uses {listed(left)}: give them a layer in network.layers, take "
        f"them out of the file, or ignore them with network.ignore: [{listed(heads)}]"
    )


def _pattern(name: str, prefix: str) -> str:
    """Return a pattern for a tensor and all beside it: its first part below the prefix."""
    below = prefix if name.startswith(prefix) else ""
    head, dot, _ = name.removeprefix(below).partition(".")
    return f'"{below}{head}.*"' if dot else f'"{name}"'
