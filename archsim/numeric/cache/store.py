"""Loads and saves machine code in one folder, under its lock, or says once that none is kept.

A file holds a line with its format, the SHA-256 of the rest, and the rest: one that was cut short
by a crash or a full disk is not loaded, and written anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from archsim.numeric.cache.folder import (
    ANOTHER_FOLDER,
    CACHE_FOLDER_VARIABLE,
    KERNEL_SUFFIX,
    LOCK,
    NotKeptError,
    claimed,
    drop_old,
    folder_for,
    is_marked,
    note_use,
    write_whole,
)
from archsim.numeric.cache.lock import LockError, locked
from archsim.numeric.cache.sources import Sources

_HEAD = b"archsim kernel 1\n"
_BODY = len(_HEAD) + hashlib.sha256().digest_size


class Store:
    """A folder of machine code; one that cannot be used keeps nothing, and says so once.

    Parameters
    ----------
    sources : Sources
        What machine code follows from.
    switches : list of str
        Versions and settings that it depends on beside.
    tell : callable
        Gets the sentence that says why none is kept.
    """

    def __init__(
        self, sources: Sources, switches: list[str], *, tell: Callable[[str], object]
    ) -> None:
        self.folder: Path | None = None
        self._sources = sources
        self._tell: Callable[[str], object] | None = tell
        self._saves = False
        with self._guarded(reading=True):
            folder = folder_for(sources.digest(*switches))
            if not folder.is_dir() or not is_marked(folder):
                with claimed(folder):
                    pass
                drop_old(folder)
            note_use(folder)
            self.folder, self._saves = folder, True

    def has_source(self, file: str) -> bool:
        """Return whether machine code of a file's functions can be kept; say so if not."""
        if self.folder is None:
            return False
        if not self._sources.has(file):
            cause = f"{file!r} is not among the source files that are compared"
            self._refuse(cause, "install its package as a folder of files")
            return False
        return True

    def load(self, name: str) -> bytes | None:
        """Return what was saved by a name; None if nothing whole was."""
        whole, folder = b"", self.folder
        if folder is None:
            return None
        with self._guarded(reading=True):
            self._check_sources()
            with suppress(FileNotFoundError), locked(folder / LOCK, shared=True):
                whole = (folder / f"{name}{KERNEL_SUFFIX}").read_bytes()
        data = whole[_BODY:]
        return data if whole[:_BODY] == _HEAD + hashlib.sha256(data).digest() else None

    def save(self, name: str, data: bytes) -> None:
        """Save data by a name, in place of what was there."""
        folder = self.folder
        if folder is None or not self._saves:
            return
        with self._guarded(reading=False):
            self._check_sources()
            with claimed(folder):  # it may have been removed for newer ones
                path = folder / f"{name}{KERNEL_SUFFIX}"
                write_whole(path, _HEAD + hashlib.sha256(data).digest() + data)

    def _check_sources(self) -> None:
        if not self._sources.unchanged():
            cause = "their source has changed since this program was started"
            raise NotKeptError(cause, "start it again")

    @contextmanager
    def _guarded(self, *, reading: bool) -> Iterator[None]:
        """Say what goes wrong in a block of code, and save no more; load no more if it reads."""
        try:
            yield
        except (NotKeptError, OSError) as error:
            self._saves = False
            self._refuse(*_cause_and_remedy(error, self.folder))
            if reading:
                self.folder = None

    def _refuse(self, cause: str, remedy: str) -> None:
        tell, self._tell = self._tell, None
        if tell:
            tell(f"archsim: compiled kernels are not kept for the next run ({cause}): {remedy}")


def _cause_and_remedy(error: NotKeptError | OSError, folder: Path | None) -> tuple[str, str]:
    if isinstance(error, NotKeptError):
        return error.cause, error.remedy
    place = str(error.filename or folder)
    if isinstance(error, LockError):
        cause = f"{place!r} cannot be locked: {error.strerror}"
        return cause, f"set {CACHE_FOLDER_VARIABLE} to a folder on a local disk"
    return f"{place!r}: {error.strerror}", ANOTHER_FOLDER
