"""Workloads: what goes into the network's inputs, and which answers are right."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np

from archsim.config.run import KeywordSpotting, RunConfig, Synthetic
from archsim.errors import WorkloadError
from archsim.network.weights import network_weights
from archsim.workloads.features import FeatureSet, load_features
from archsim.workloads.synthetic import random_sequences


def load_workload(config: RunConfig) -> FeatureSet:
    """Load a run's sequences and check that they fit its network.

    Raises
    ------
    WorkloadError
        If the source cannot be used, or has another shape or other classes than the network.
    """
    workload = config.workload
    if isinstance(workload, Synthetic):
        return random_sequences(config, workload.sequences)
    source = workload.source
    data = _load_folder(workload, config) if _is_folder(source) else load_features(source)
    wanted = workload.sequences
    if wanted != "all":
        if wanted > len(data):
            msg = f"{source}: it has {len(data)} sequences but workload.sequences asks for {wanted}"
            raise WorkloadError(msg)
        data = data.take(np.arange(wanted))
    _check_fit(data, source, config)
    return data


def seed_matters(config: RunConfig) -> bool:
    """Return whether a run's sequences follow from its seed too: where they are drawn or cropped.

    Of the workloads only a feature file gives the same sequences with every seed.
    """
    workload = config.workload
    return isinstance(workload, Synthetic) or not workload.source.is_file()


def has_labels(config: RunConfig) -> bool:
    """Return whether a run's workload and weights are such that accuracy means something."""
    return isinstance(config.workload, KeywordSpotting) and config.network.weights != "random"


def _is_folder(source: Path) -> bool:
    try:
        mode = source.stat().st_mode
    except OSError as error:
        msg = f"{source}: cannot be read ({error.strerror}): check workload.source"
        raise WorkloadError(msg) from error
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        msg = f"{source}: is neither a file nor a folder: check workload.source"
        raise WorkloadError(msg)
    return stat.S_ISDIR(mode)


def _load_folder(workload: KeywordSpotting, config: RunConfig) -> FeatureSet:
    """Read a folder in the layout of Google Speech Commands."""
    from archsim.workloads.speech_commands import Split, load_speech_commands

    if config.network.weights == "random":
        msg = (
            f"{workload.source}: recordings are normalised with numbers from the weights, so "
            "network.weights cannot be random: name trained weights"
        )
        raise WorkloadError(msg)
    weights = network_weights(config.network, seed=config.seed)
    shape = (config.network.inputs,)
    return load_speech_commands(
        workload.source,
        split=Split(workload.split),
        mean=weights.get("features.mean", shape),
        scale=weights.get("features.scale", shape),
        seed=config.seed,
    )


def _check_fit(data: FeatureSet, source: Path, config: RunConfig) -> None:
    _, timesteps, inputs = data.features.shape
    network = config.network
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
    classes = network.layers[-1].units
    if len(data.classes) != classes:
        msg = (
            f"{source}: it has {len(data.classes)} classes but the last layer, "
            f"'{network.layers[-1].name}', has {classes} units: make them equal"
        )
        raise WorkloadError(msg)
