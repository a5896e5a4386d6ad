"""The file of a trace: opened for each reading, or once for as long as somebody holds it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from archsim.trace.reader import open_trace, reading


class Source:
    """Where a trace is read from.

    Parameters
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: h5py.File | None = None
        self._holders = 0

    def hold(self) -> None:
        """Keep the file open until it is released as often as it was held.

        Raises
        ------
        TraceError
            If it cannot be opened.
        """
        if self._held is None:
            self._held = open_trace(self.path)
        self._holders += 1

    def release(self) -> None:
        """Close the file, unless others hold it too."""
        self._holders -= 1
        if self._held is not None and not self._holders:
            self._held.close()
            self._held = None

    @contextmanager
    def lent(self) -> Iterator[h5py.File]:
        """Give the open file for a reading; what turns out damaged is told in one sentence.

        Raises
        ------
        TraceError
            If it cannot be opened, or a part that is read is missing or damaged.
        """
        if self._held is not None:
            with reading(self.path):
                yield self._held
        else:
            with open_trace(self.path) as file, reading(self.path):
                yield file
