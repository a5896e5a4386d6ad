"""Loads spoken words: prepared features from a file, or recordings from a folder."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from archsim.config.run import Network
from archsim.errors import WorkloadError
from archsim.network.weights import network_weights
from archsim.workloads.base import check_fit
from archsim.workloads.features import FeatureSet, load_features

if TYPE_CHECKING:
    from archsim.workloads.keyword_spotting.section import KeywordSpotting


def load_words(workload: KeywordSpotting, network: Network, seed: int) -> FeatureSet:
    """Load the sequences that a section names and check that they fit the network.

    Raises
    ------
    WorkloadError
        If the source cannot be used, or has another shape or other classes than the network.
    """
    source = workload.source
    data = _load_folder(workload, network, seed) if _is_folder(source) else load_features(source)
    wanted = workload.sequences
    if wanted != "all":
        if wanted > len(data):
            msg = f"{source}: it has {len(data)} sequences but workload.sequences asks for {wanted}"
            raise WorkloadError(msg)
        data = data.take(np.arange(wanted))
    check_fit(data, str(source), network)
    return data


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


def _load_folder(workload: KeywordSpotting, network: Network, seed: int) -> FeatureSet:
    """Read a folder in the layout of Google Speech Commands."""
    from archsim.workloads.keyword_spotting.speech_commands import Split, load_speech_commands

    if network.weights == "random":
        msg = (
            f"{workload.source}: recordings are normalised with numbers from the weights, so "
            "network.weights cannot be random: name trained weights"
        )
        raise WorkloadError(msg)
    weights = network_weights(network, seed=seed)
    shape = (network.inputs,)
    return load_speech_commands(
        workload.source,
        split=Split(workload.split),
        mean=weights.get("features.mean", shape),
        scale=weights.get("features.scale", shape),
        seed=seed,
    )
