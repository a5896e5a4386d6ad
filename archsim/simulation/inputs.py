"""What runs read, and what follows from it alone: once for all runs that share it.

A Monte Carlo runs one network on one set of sequences through many chips. Nothing of what is read
from files changes from chip to chip, nor does what the float network answers or how sequences
become pulse widths. Whoever runs several chips makes one `Inputs` and hands it to each run; files
are then read once, when the first run needs them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from archsim.chip.build import Chip, chip_library
from archsim.chip.flow import float_outputs
from archsim.chip.layers.signal import Signal
from archsim.config.load import Config, digest_of_file, load_config
from archsim.config.run import RunConfig
from archsim.config.tasks import Answered
from archsim.costs.library import ComponentLibrary
from archsim.network.identity import content_hash, network_hash
from archsim.network.weights import Weights, network_weights
from archsim.workloads.base import check_data, load_workload, seed_matters
from archsim.workloads.sequences import Sequences

_FLOAT_BLOCK = 256
_KEPT = 8
"""Results of one kind that are kept; the oldest goes first, so that memory stays bounded."""

T = TypeVar("T")


class _Kept:
    """The last few results of a function, found by what they depend on."""

    def __init__(self) -> None:
        self._results: deque[tuple[Any, Any]] = deque(maxlen=_KEPT)

    def get(self, key: Any, make: Callable[[], T]) -> T:
        """Return the result for `key`, made by `make` unless it is kept."""
        for known, result in self._results:
            if known == key:
                return result  # type: ignore[no-any-return]
        made = make()
        self._results.append((key, made))
        return made


class Inputs:
    """Files that runs share, read once, and what follows from them alone.

    A file that changes while an `Inputs` is in use keeps the content that was read first. An
    `Inputs` serves one thread at a time.

    Parameters
    ----------
    data : Sequences, optional
        What goes into the networks of all these runs, in place of their workloads.
    """

    def __init__(self, data: Sequences | None = None) -> None:
        self.data = data
        self._digests = _Kept()
        self._workloads = _Kept()
        self._libraries = _Kept()
        self._weights = _Kept()
        self._signals = _Kept()
        self._answers = _Kept()
        self._hashes = _Kept()

    def load(self, path: str | Path, overrides: Iterable[str] = ()) -> Config:
        """Load a configuration; the files that it names are read for its hash once.

        Raises
        ------
        ConfigError
            As `archsim.config.load.load_config`.
        """
        return load_config(path, overrides, digest=self._digest)

    def _digest(self, path: Path) -> str:
        return self._digests.get(path, lambda: digest_of_file(path))

    def workload(self, config: RunConfig) -> Sequences:
        """Return a run's sequences.

        Raises
        ------
        WorkloadError
            As `archsim.workloads.base.load_workload`.
        """
        if self.data is not None:
            check_data(config, self.data)
            return self.data
        return self._workloads.get(_workload_key(config), lambda: load_workload(config))

    def workload_in_words(self, config: RunConfig, count: int) -> str:
        """Say what a run's sequences are."""
        if self.data is None:
            return config.workload.in_words(count)
        return f"{count:,} sequence{'' if count == 1 else 's'} of the program that ran it"

    def is_scored(self, config: RunConfig, data: Sequences) -> bool:
        """Return whether a run's answers are scored: they mean something, and it is known what."""
        known = data.target is not None and (self.data is not None or config.workload.has_labels)
        return (known or not config.task.needs_target) and config.network.weights != "random"

    def library(self, config: RunConfig) -> ComponentLibrary:
        """Return the component library at a chip's node and supply.

        Raises
        ------
        ConfigError
            As `archsim.chip.build.chip_library`.
        """
        return self._libraries.get(config.technology, lambda: chip_library(config.technology))

    def weights(self, config: RunConfig) -> Weights:
        """Return a network's weights.

        Raises
        ------
        WorkloadError
            As `archsim.network.weights.network_weights`.
        """
        network = config.network
        seed = config.seed if network.weights == "random" else None
        return self._weights.get(
            (network, seed), lambda: network_weights(network, seed=config.seed)
        )

    def signal(self, chip: Chip, data: Sequences) -> Signal:
        """Return a run's sequences as pulse widths and fixed-point words."""
        config = chip.config
        key = (_workload_key(config), config.tile.input_bits, config.digital)
        return self._signals.get(key, lambda: chip.encode(data.inputs, data.length))

    def float_answers(self, chip: Chip, data: Sequences) -> Answered:
        """Return what the float64 network answers."""
        config = chip.config
        seed = config.seed if config.network.weights == "random" else None
        key = (_workload_key(config), config.activations, config.task, seed)
        return self._answers.get(key, lambda: _float_answers(chip, data))

    def network_hash(self, chip: Chip) -> str:
        """Return the SHA-256 of a chip's network: layers, sizes, timesteps and weights."""
        config = chip.config
        seed = config.seed if config.network.weights == "random" else None

        def find() -> str:
            return network_hash(chip.weights, config.model_dump(mode="json"))

        return self._hashes.get((config.network, config.activations, seed), find)

    def workload_hash(self, config: RunConfig, data: Sequences) -> str:
        """Return the SHA-256 of a run's sequences and their labels."""
        return self._hashes.get(
            _workload_key(config),
            lambda: content_hash(
                features=data.inputs,
                **({} if data.target is None else {"labels": data.target}),
                **({"lengths": data.length} if data.varies else {}),
            ),
        )


def _workload_key(config: RunConfig) -> tuple[Any, ...]:
    """Return what a run's sequences depend on: their section, the network, the seed if it draws."""
    return config.workload, config.network, config.seed if seed_matters(config) else None


def _float_answers(chip: Chip, data: Sequences) -> Answered:
    answers = []
    for first in range(0, len(data), _FLOAT_BLOCK):
        here = data.part(slice(first, first + _FLOAT_BLOCK))
        x = here.inputs.astype(np.float64)
        outputs = float_outputs(chip.config.network, chip.layers, x, here.length)
        answers.append(chip.config.task.answered(outputs, here))
    return Answered(
        np.concatenate([each.answer for each in answers]),
        np.concatenate([each.marks for each in answers]),
    )
