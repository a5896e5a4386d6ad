"""What flows from layer to layer, and what layers leave behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.chip.mapped_matrix import MappedMatrix
from archsim.clipping import Clipping
from archsim.kernels.record import MatrixRecord, make_record
from archsim.kernels.recurrent import State

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Signal:
    """What one layer hands to others, for a block of sequences.

    Attributes
    ----------
    drive : int16 (sequences, timesteps, elements)
        As signed pulse widths, of which a full one stands for the layer's `output_range`.
    fixed : int32 (sequences, timesteps, elements)
        In fixed point.
    length : int64 (sequences,)
        Timesteps of each sequence; what lies behind its end is not looked at.
    index : int32 (sequences, timesteps, elements), optional
        Of the network's inputs where they are indices; the other arrays mean nothing then.
    """

    drive: NDArray[np.int16]
    fixed: NDArray[np.int32]
    length: Whole
    index: NDArray[np.int32] | None = None

    @property
    def varies(self) -> bool:
        """Whether any sequence ends before the arrays do."""
        return bool((self.length != self.drive.shape[1]).any())

    def at(self, place: Any, timesteps: slice) -> Signal:
        """Return the signal of some sequences, with some of their timesteps.

        Parameters
        ----------
        place : slice or array
            Which sequences.
        timesteps : slice
            Which timesteps; they are all that the sequences have then.
        """
        drive = self.drive[place, timesteps]
        whole = np.full(drive.shape[0], drive.shape[1], dtype=np.int64)
        index = None if self.index is None else self.index[place, timesteps]
        return Signal(drive, self.fixed[place, timesteps], whole, index)

    def part(self, place: Any) -> Signal:
        """Return the signal of some sequences (a slice or an array of numbers), whole."""
        index = None if self.index is None else self.index[place]
        return Signal(self.drive[place], self.fixed[place], self.length[place], index)

    def last(self, at_first: NDArray[np.bool_] | None = None) -> Signal:
        """Return the last timestep of each sequence alone.

        Parameters
        ----------
        at_first : bool (elements,), optional
            Elements of which the first timestep is taken instead.
        """
        one = np.ones(self.length.size, dtype=np.int64)
        drive, fixed = (
            last_of(values, self.length, at_first)[:, None] for values in (self.drive, self.fixed)
        )
        return Signal(drive, fixed, one)

    @staticmethod
    def side_by_side(signals: Sequence[Signal]) -> Signal:
        """Return one signal with the elements of several."""
        if len(signals) == 1:
            return signals[0]
        return Signal(
            np.concatenate([signal.drive for signal in signals], axis=2),
            np.concatenate([signal.fixed for signal in signals], axis=2),
            signals[0].length,
        )


def last_of(
    values: NDArray[Any], length: Whole, at_first: NDArray[np.bool_] | None = None
) -> NDArray[Any]:
    """Return the last timestep (sequences, elements) of values (sequences, timesteps, elements).

    Parameters
    ----------
    values : array
        The values; where a layer before works at the last timestep alone, there is but one.
    length : int64 (sequences,)
        Timesteps of each sequence.
    at_first : bool (elements,), optional
        Elements of which the first timestep is taken instead.
    """
    last = values[np.arange(length.size), np.minimum(length, values.shape[1]) - 1]
    return last if at_first is None else np.where(at_first, values[:, 0], last)


@dataclass(frozen=True)
class LayerResult:
    """What a layer computed: the signal for others, arrays for the trace, what it clipped.

    There is an entry of `clipped` for every place where the layer can clip, with or without values.
    `state` is that after each sequence's last timestep, None of a layer that carries none.
    """

    signal: Signal
    outputs: dict[str, NDArray[Any]]
    clipped: tuple[Clipping, ...] = ()
    state: State | None = None


@dataclass
class Recorder:
    """Hands out the records of a block of sequences and keeps them by matrix.

    Attributes
    ----------
    recorded : int64 (sequences,)
        Place of each sequence among those whose cycles are kept, -1 for the others.
    first : int
        Number of the block's first sequence in the run.
    waveforms : bool
        Whether columns' charges are kept as well.
    begins : int
        Conversions that each sequence has had before, where it is a chunk of a stream; noise is
        that of the whole stream then.
    reusable : mapping of str to MatrixRecord
        Records that are not needed any more; those that fit lend their memory.
    records : dict of str to MatrixRecord
        What each matrix's tiles did.
    """

    recorded: NDArray[np.int64]
    first: int
    waveforms: bool
    reusable: Mapping[str, MatrixRecord] = field(default_factory=dict)
    begins: int = field(default=0, kw_only=True)
    records: dict[str, MatrixRecord] = field(default_factory=dict)

    def open(self, matrix: MappedMatrix, conversions: int, ends: Whole) -> MatrixRecord:
        """Make the record of a mapped matrix.

        Parameters
        ----------
        matrix : MappedMatrix
            The matrix.
        conversions : int
            Conversions of the longest sequence that there may be.
        ends : int64 (sequences,)
            Conversions of each sequence.
        """
        record = make_record(
            matrix.arrays,
            self.recorded,
            first=self.first,
            begins=self.begins,
            conversions=conversions,
            waveforms=self.waveforms,
            reusable=self.reusable.get(matrix.name),
            ends=None if (ends == conversions).all() else ends,
        )
        self.records[matrix.name] = record
        return record
