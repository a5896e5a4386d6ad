"""Tensors of a file that no layer uses: refused, for without them it is not the trained network.

A bidirectional layer, a second stacked layer or an embedding that is left out makes another
network, and the accuracy in floating point would be that of the other one as well. What is left out
on purpose is named in ``network.ignore``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from archsim.config.run import Network
from archsim.errors import WorkloadError
from archsim.listing import listed, shortened
from archsim.network.weights import RandomWeights, Weights

NORMALISATION = ("features.mean", "features.scale")
"""Tensors that belong to the workload: what recordings are normalised with."""


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
    sharing = []
    for layer in network.layers:
        start = f"{weights.prefix}{layer.tensors_name}."
        if name.startswith(start):
            sharing.append((layer, name.removeprefix(start)))
    sharing.sort(key=lambda pair: not pair[0].owns(pair[1]))
    for layer, rest in sharing[:1]:
        tensor = weights.tensors.get(name)
        return layer.meaning_of(rest, None if tensor is None else tensor.shape)
    return None


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
