"""A network's first layer on the chip, ready to be timed, beside the same layer in NumPy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.bench.numpy_lstm import NumpyLSTM, random_lstm
from archsim.chip.build import Chip, build_chip
from archsim.chip.layers.base import ChipLayer
from archsim.chip.layers.signal import Recorder, Signal
from archsim.config.load import Config, load_config
from archsim.errors import ArchsimError, InputError
from archsim.kernels.matrix import Matrix
from archsim.kernels.record import KEPT, MatrixRecord, recorded_counts, totals
from archsim.simulation.simulate import BLOCK
from archsim.vocabulary import Activity

PEER = "lstm"
"""The kind of layer that `archsim.bench.numpy_lstm` computes."""


class Recording(StrEnum):
    """What a timed run keeps."""

    OFF = "off"
    CYCLES = "cycles"
    """Activity and energy of every cycle of every sequence."""
    WAVEFORMS = "waveforms"
    """The same, and every column's charge in every cycle."""


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return threads that stay, as those of a run do: new ones have to warm their memory up."""
    return ThreadPoolExecutor(threads)


@dataclass(frozen=True)
class TimedNetwork:
    """A chip's first layer and random inputs for it.

    Attributes
    ----------
    chip : Chip
        The chip.
    layer : ChipLayer
        Its first layer.
    signal : Signal
        Inputs (batch, timesteps, inputs).
    peer : NumpyLSTM
        The same size in NumPy.
    x : float32 (batch, timesteps, inputs)
        Inputs of the same size.
    reusable : dict
        By thread and recording, records whose memory the next block takes over, as in a run.
    """

    chip: Chip
    layer: ChipLayer
    signal: Signal
    peer: NumpyLSTM
    x: NDArray[np.float32]
    reusable: dict[tuple[int, Recording], dict[str, MatrixRecord]] = field(default_factory=dict)

    @property
    def batch(self) -> int:
        """Sequences."""
        return int(self.x.shape[0])

    @property
    def timesteps(self) -> int:
        """Timesteps of a sequence."""
        return int(self.x.shape[1])

    @property
    def tile_cycles(self) -> int:
        """Tile-cycles of one run: every cycle in which a tile works, of every sequence."""
        return self.batch * self.timesteps * sum(tile.cycles for tile in self.layer.tiles)

    @property
    def cells(self) -> int:
        """Crossings of rows and columns, each with the difference of two conductances."""
        return sum(bank.rows * bank.columns for bank in self.layer.banks)

    def run(self, recording: Recording, threads: int = 1) -> None:
        """Simulate all sequences, block by block as a run does; threads take turns at blocks."""
        blocks = [
            slice(first, min(first + BLOCK, self.batch)) for first in range(0, self.batch, BLOCK)
        ]
        if threads == 1:
            for block in blocks:
                self._run_block(block, recording)
            return
        list(_pool(threads).map(lambda block: self._run_block(block, recording), blocks))

    def _run_block(self, block: slice, recording: Recording) -> None:
        signal = self.signal.at(block, slice(None))
        size = signal.drive.shape[0]
        kept = np.arange(size) if recording is not Recording.OFF else np.full(size, -1)
        waveforms = recording is Recording.WAVEFORMS
        mine = get_ident(), recording
        recorder = Recorder(kept, block.start, waveforms, self.reusable.get(mine, {}))
        self.layer.run(signal, recorder)
        self.reusable[mine] = recorder.records

    def check(self) -> None:
        """Raise unless the run to be timed does all of its work: counts are exact.

        Every conversion of every bank latches each of its columns once at most, runs a whole ramp,
        and has its activity in as many cycles as the tile works.
        """
        recorder = Recorder(np.arange(self.batch), 0, waveforms=False)
        self.layer.run(self.signal, recorder)
        for matrix in self.layer.matrices:
            record = recorder.records[matrix.name]
            if not took_all_cycles(matrix.arrays, record):
                raise ArchsimError(f"bench: '{matrix.name}' did not go through all of its cycles")
            latched = totals(matrix.arrays, record)[..., Activity.LATCHED].sum(axis=2)
            if not (0 < latched.sum() <= latched.size * matrix.arrays.column.size):
                raise ArchsimError(
                    f"bench: '{matrix.name}' latched an impossible number of columns"
                )

    def record_bytes(self) -> int:
        """Return how large the record of a block of sequences is: counts and energies of cycles."""
        block = min(BLOCK, self.batch)
        recorder = Recorder(np.arange(block), 0, waveforms=False)
        self.layer.run(self.signal.at(slice(block), slice(None)), recorder)
        records = recorder.records.values()
        return sum(record.counts.nbytes + record.energy.nbytes for record in records)


def took_all_cycles(matrix: Matrix, record: MatrixRecord) -> bool:
    """Return whether the cycles of every conversion of every sequence were simulated and kept."""
    total = totals(matrix, record)
    same = all(
        (
            recorded_counts(matrix, record, tile)[place].sum(axis=2) == total[..., tile, activity]
        ).all()
        for tile in range(matrix.tiles)
        for place, activity in enumerate(KEPT)
    )
    return same and bool((record.cycles_taken == matrix.arrays.convert_cycles).all())


def timed_network(
    config: Path, *, batch: int, timesteps: int, overrides: tuple[str, ...] = ()
) -> TimedNetwork:
    """Build a configuration's chip, and random inputs for its first layer.

    Raises
    ------
    InputError
        If the first layer is no LSTM.
    """
    loaded, chip = _built(config, timesteps, overrides)
    section = _lstm(loaded, config)
    inputs = loaded.config.network.inputs
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (batch, timesteps, inputs)).astype(np.float32)
    peer = random_lstm(inputs, section.units, section.projection)
    return TimedNetwork(chip, chip.layers[0], chip.encode(x), peer, x)


@lru_cache(maxsize=2)  # the same chip is timed with few sequences and with many
def _built(config: Path, timesteps: int, overrides: tuple[str, ...]) -> tuple[Config, Chip]:
    """Load a configuration and build its chip."""
    synthetic = "workload={kind: synthetic, sequences: 1}"
    loaded = load_config(config, [f"network.timesteps={timesteps}", synthetic, *overrides])
    _lstm(loaded, config)
    return loaded, build_chip(loaded.config)


def _lstm(loaded: Config, config: Path) -> Any:
    """Return the section of the first layer, which the peer in NumPy is an LSTM of the size of."""
    section = loaded.config.network.layers[0]
    if section.kind != PEER:
        msg = f"{config}: the benchmark times LSTM layers, and the first layer is none"
        raise InputError(msg)
    return section
