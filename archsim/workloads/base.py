"""Workloads: what goes into the network's inputs, and which answers are right."""

from __future__ import annotations

from archsim.config.run import Network, RunConfig
from archsim.errors import WorkloadError
from archsim.workloads.features import FeatureSet
from archsim.workloads.sequences import Sequences


def load_workload(config: RunConfig) -> Sequences:
    """Load a run's sequences and check that they fit its network and its task.

    Raises
    ------
    WorkloadError
        If the source cannot be used, or has another shape than the network, or not what the task
        is scored by, such as other classes.
    """
    data: Sequences = config.workload.load(config.network, config.seed).as_sequences()
    _check_indices(data, config.workload.origin, config.network.entries)
    config.task.check(data, config.workload.origin, config.network)
    return data


def _check_indices(data: Sequences, source: str, entries: int) -> None:
    """Refuse inputs that are no indices of so many entries, where they are to be; 0 is any."""
    given = data.given
    if not entries or ((given == given.round()) & (given >= 0) & (given < entries)).all():
        return
    msg = (
        f"{source}: its inputs run from {given.min():g} to {given.max():g}, but a layer takes them "
        f"as indices, whole numbers from 0 to {entries - 1}: save such numbers, or raise the "
        "layer's entries"
    )
    raise WorkloadError(msg)


def seed_matters(config: RunConfig) -> bool:
    """Return whether a run's sequences follow from its seed: where they are drawn or cropped."""
    return config.workload.follows_seed


def check_data(config: RunConfig, data: Sequences, source: str = "data") -> None:
    """Check that sequences fit a run's network and its task.

    Raises
    ------
    WorkloadError
        If they have another shape than the network, or not what the task is scored by.
    """
    check_fit(data, source, config.network)
    config.task.check(data, source, config.network)


def check_fit(data: FeatureSet | Sequences, source: str, network: Network) -> None:
    """Check that sequences have the network's timesteps and inputs.

    Parameters
    ----------
    data : FeatureSet or Sequences
        Sequences; those that say how long each is may be shorter than the network's timesteps.
    source : str
        Where they are from, for messages.
    network : Network
        The network.

    Raises
    ------
    WorkloadError
        If they do not fit.
    """
    whole = data.as_sequences()
    timesteps, inputs = whole.inputs.shape[1:]
    if inputs != network.inputs:
        msg = (
            f"{source}: its sequences have {inputs} inputs but network.inputs is "
            f"{network.inputs}: make them equal"
        )
        raise WorkloadError(msg)
    if whole.varies and int(whole.length.max()) <= network.timesteps:
        return
    if timesteps != network.timesteps:
        msg = (
            f"{source}: its sequences have {timesteps} timesteps but network.timesteps is "
            f"{network.timesteps}: make them equal"
        )
        raise WorkloadError(msg)
