"""Values that come again for every sequence: known beforehand, but never all in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_ROWS = 1 << 16
"""Rows that are made at a time, about."""


@dataclass(frozen=True)
class Piece:
    """Values that come several times, with a number added each time.

    Attributes
    ----------
    one : array (length, ...)
        The values.
    added : int64 (times,)
        What is added to those that are not negative; negative ones stand for none.
    """

    one: NDArray[Any]
    added: NDArray[np.int64]

    def rows(self, begin: int, end: int) -> NDArray[Any]:
        """Return the times ``begin .. end - 1``, one after the other."""
        times = end - begin
        out = np.broadcast_to(self.one, (times, *self.one.shape))
        added = self.added[begin:end]
        if added.any():
            moved = added.reshape(times, *(1 for _ in self.one.shape))
            out = np.where(self.one >= 0, out + moved, out)
        return out.reshape(times * self.one.shape[0], *self.one.shape[1:])


@dataclass(frozen=True)
class Repeated:
    """Pieces one after the other, in place of an array.

    Attributes
    ----------
    pieces : sequence of Piece
        At least one.
    """

    pieces: Sequence[Piece]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        length = sum(piece.one.shape[0] * piece.added.size for piece in self.pieces)
        return (length, *self.pieces[0].one.shape[1:])

    @property
    def dtype(self) -> DTypeLike:
        """Type of the array."""
        return self.pieces[0].one.dtype

    def parts(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield parts of the array with the index of their first row."""
        first, waiting, rows = 0, [], 0
        for piece in self.pieces:
            times = max(1, _ROWS // max(piece.one.shape[0], 1))
            for begin in range(0, piece.added.size, times):
                part = piece.rows(begin, min(begin + times, piece.added.size))
                waiting.append(part)
                rows += part.shape[0]
                if rows >= _ROWS:
                    yield first, _joined(waiting)
                    first, waiting, rows = first + rows, [], 0
        if waiting:
            yield first, _joined(waiting)


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def repeat(one: NDArray[Any], times: int, step: int = 0) -> Repeated:
    """Return values that come `times` times, `step` more each time."""
    return Repeated([Piece(one, step * np.arange(times, dtype=np.int64))])
