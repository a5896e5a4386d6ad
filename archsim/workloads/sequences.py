"""Sequences that go into a network, and what is right for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from archsim.errors import WorkloadError


@dataclass(frozen=True, eq=False)
class Sequences:
    """What a workload gives a run.

    Attributes
    ----------
    inputs : float32 (sequences, timesteps, inputs)
        What goes into the network; what lies behind a sequence's end is not looked at.
    target : array (sequences, ...) or None
        What is right: whatever the run's task scores answers by. Of classes, their indices. None
        where nobody says.
    classes : tuple of str
        Names of the classes, in the order of the network's outputs; empty where there are none.
    names : tuple of str
        Where each sequence is from.
    synthetic : bool
        Whether a program made them.
    description : str
        Free text.
    lengths : int64 (sequences,) or None
        Timesteps of each sequence, at least 1; None where all are as long as `inputs`.

    Examples
    --------
    >>> from archsim.workloads.sequences import Sequences
    >>> x = np.zeros((3, 5, 2), dtype=np.float32)
    >>> few = Sequences(x, None, (), ("a", "b", "c"), True, "none", lengths=np.array([5, 4, 2]))
    >>> few.part(slice(1, 3)).length
    array([4, 2])
    >>> few.as_sequences() is few
    True
    """

    inputs: NDArray[np.float32]
    target: NDArray[Any] | None
    classes: tuple[str, ...]
    names: tuple[str, ...]
    synthetic: bool
    description: str
    lengths: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    @cached_property
    def length(self) -> NDArray[np.int64]:
        """Timesteps of each sequence (sequences,)."""
        whole = np.full(len(self), self.inputs.shape[1], dtype=np.int64)
        return whole if self.lengths is None else self.lengths

    @property
    def right(self) -> NDArray[Any]:
        """The target, where somebody says what it is."""
        assert self.target is not None
        return self.target

    @property
    def varies(self) -> bool:
        """Whether any sequence is shorter than others."""
        return bool((self.length != self.inputs.shape[1]).any())

    @property
    def given(self) -> NDArray[np.float32]:
        """All that goes in, without what lies behind the ends (timesteps of all, inputs)."""
        before = np.arange(self.inputs.shape[1]) < self.length[:, None]
        return self.inputs[before] if self.varies else self.inputs.reshape(-1, self.inputs.shape[2])

    def part(self, which: slice | NDArray[np.int64]) -> Sequences:
        """Return some of the sequences.

        Parameters
        ----------
        which : slice, or int64 (sequences,)
            Which ones, or their numbers from 0.
        """
        every = range(len(self))
        chosen = every[which] if isinstance(which, slice) else which.tolist()
        return replace(
            self,
            inputs=self.inputs[which],
            target=None if self.target is None else self.target[which],
            names=tuple(self.names[number] for number in chosen),
            lengths=None if self.lengths is None else self.lengths[which],
        )

    def as_sequences(self) -> Sequences:
        """Return itself; other forms of data have this method too."""
        return self

    @staticmethod
    def of(
        sequences: Iterable[ArrayLike],
        target: ArrayLike | None = None,
        *,
        classes: Iterable[str] = (),
        synthetic: bool = False,
    ) -> Sequences:
        """Return sequences from anything that gives one array after the other.

        Parameters
        ----------
        sequences : iterable of array_like (timesteps, inputs)
            The sequences, as long as they are; an array (sequences, timesteps, inputs) is one too.
        target : array_like (sequences, ...), optional
            What is right; of labels a timestep, a list of arrays as long as the sequences.
        classes : iterable of str, optional
            Names of the classes.
        synthetic : bool, optional
            Whether a program made them.

        Raises
        ------
        WorkloadError
            If there are none, or their inputs are not equally many.

        Examples
        --------
        >>> data = archsim.Sequences.of([[[0.1, 0.2]], [[0.3, 0.4], [0.5, 0.6]]], target=[0, 1])
        >>> data.length.tolist()
        [1, 2]
        """
        arrays = [np.asarray(each, dtype=np.float32) for each in sequences]
        shapes = {array.shape[1:] for array in arrays}
        if len(shapes) != 1 or any(array.ndim != 2 or not array.size for array in arrays):
            msg = (
                "sequences: each is an array (timesteps, inputs) with the same inputs; these have "
                f"shapes {sorted({array.shape for array in arrays})}: bring them into that shape"
            )
            raise WorkloadError(msg)
        lengths = np.array([len(array) for array in arrays], dtype=np.int64)
        return Sequences(
            inputs=padded(np.concatenate(arrays), lengths),
            target=_target_of(target, lengths),
            classes=tuple(classes),
            names=tuple(map(str, range(len(arrays)))),
            synthetic=synthetic,
            description="",
            lengths=None if (lengths == lengths[0]).all() else lengths,
        )


def padded(rows: NDArray[Any], lengths: NDArray[np.int64]) -> NDArray[Any]:
    """Return rows (timesteps of all, ...) as (sequences, timesteps, ...), 0 behind the ends."""
    out = np.zeros((lengths.size, int(lengths.max()), *rows.shape[1:]), dtype=rows.dtype)
    out[np.arange(out.shape[1]) < lengths[:, None]] = rows
    return out


def _target_of(target: ArrayLike | None, lengths: NDArray[np.int64]) -> NDArray[Any] | None:
    """Return a target as whole numbers or float64; one a timestep is padded."""
    if target is None:
        return None
    try:
        array = np.asarray(target)
    except ValueError:  # as long as the sequences, which are not equally long
        array = padded(np.concatenate([np.asarray(each) for each in target]), lengths)  # type: ignore[union-attr]
    return array.astype(np.int64 if array.dtype.kind in "iub" else np.float64)
