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
    config.task.check(data, config.workload.origin, config.network)
    return data


def seed_matters(config: RunConfig) -> bool:
    """Return whether a run's sequences follow from its seed: where they are drawn or cropped."""
    return config.workload.follows_seed


def has_labels(config: RunConfig) -> bool:
    """Return whether a run's workload and weights are such that its answers mean something."""
    return config.workload.has_labels and config.network.weights != "random"


def check_fit(data: FeatureSet, source: str, network: Network) -> None:
    """Check that sequences have the network's timesteps and inputs.

    Parameters
    ----------
    data : FeatureSet
        Sequences.
    source : str
        Where they are from, for messages.
    network : Network
        The network.

    Raises
    ------
    WorkloadError
        If they do not fit.
    """
    _, timesteps, inputs = data.features.shape
    for key, has, wants in (
        ("timesteps", timesteps, network.timesteps),
        ("inputs", inputs, network.inputs),
    ):
        if has != wants:
            msg = (
                f"{source}: its sequences have {has} {key} but network.{key} is "
                f"{wants}: make them equal"
            )
            raise WorkloadError(msg)
