"""What tasks ask of a workload's targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import WorkloadError

if TYPE_CHECKING:
    from archsim.config.run import Network
    from archsim.workloads.sequences import Sequences


def check_classes(data: Sequences, source: str, network: Network) -> None:
    """Refuse data whose classes have names, but not as many as the network has outputs.

    Raises
    ------
    WorkloadError
        If so.
    """
    classes = network.layers[-1].elements
    if data.classes and len(data.classes) != classes:
        msg = (
            f"{source}: it has {len(data.classes)} classes but the last layer, "
            f"'{network.layers[-1].name}', has {classes} units: make them equal"
        )
        raise WorkloadError(msg)


def check_target(
    data: Sequences, source: str, axes: tuple[str, ...], *, whole: bool, network: Network
) -> None:
    """Refuse targets of another shape or type; data without any passes, it is not scored.

    Parameters
    ----------
    data : Sequences
        The data.
    source : str
        Where it is from, for messages.
    axes : tuple of str
        Axes that targets have: ``sequences``, ``timesteps``, ``outputs``.
    whole : bool
        Whether they are classes, whole numbers below the last layer's outputs.
    network : Network
        The network.

    Raises
    ------
    WorkloadError
        If so.
    """
    target = data.target
    if target is None:
        return
    outputs = network.layers[-1].elements
    sizes = {"sequences": len(data), "timesteps": data.inputs.shape[1], "outputs": outputs}
    shape = tuple(sizes[axis] for axis in axes)
    if target.shape != shape or target.dtype.kind not in ("iu" if whole else "f"):
        kind = "whole numbers" if whole else "real numbers"
        msg = (
            f"{source}: its targets are {target.dtype} of shape {target.shape}, but the task wants "
            f"{kind} of shape {shape} ({', '.join(axes)}): set task.kind to what they are for"
        )
        raise WorkloadError(msg)
    counted = target[steps_of(data)] if "timesteps" in axes else target
    if whole and counted.size and not 0 <= counted.min() <= counted.max() < outputs:
        msg = (
            f"{source}: its labels run from {counted.min()} to {counted.max()}, but the last "
            f"layer, '{network.layers[-1].name}', has {outputs} units: labels are counted from 0"
        )
        raise WorkloadError(msg)


def check_every_timestep(network: Network) -> None:
    """Refuse a network whose last layer works at the last timestep only.

    Raises
    ------
    WorkloadError
        If so.
    """
    for layer, once in zip(network.layers, network.once, strict=True):
        if not once or not network.once[-1]:
            continue
        msg = (
            f"task.kind: it asks for an answer at every timestep, but layer '{layer.name}' works "
            "once a sequence: set its timesteps to all"
        )
        raise WorkloadError(msg)


def steps_of(data: Sequences) -> NDArray[np.bool_]:
    """Return which timesteps there are (sequences, timesteps), those behind the ends not."""
    return np.asarray(np.arange(data.inputs.shape[1]) < data.length[:, None])


def sums(of: NDArray[Any], data: Sequences) -> NDArray[np.float64]:
    """Return sums (sequences,) of what each timestep gives (sequences, timesteps)."""
    return np.asarray(np.where(steps_of(data), of, 0).sum(axis=1, dtype=np.float64))
