"""What HDF5 and h5py raise, by the operating system's number, and locks on HDF5 files.

h5py makes errors of various types of what HDF5 reports. Where the operating system is at fault, its
number is the error's `errno`, or it stands in the text.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Any

import h5py

LOCKING_VARIABLE = "HDF5_USE_FILE_LOCKING"

File, Group = h5py.File, h5py.Group
"""What readers of a trace hold."""

_NUMBER = re.compile(r"errno = (\d+), error message = ")
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
# The values that make HDF5 lock files whatever it is told.
_FORCED = {"TRUE", "1", "BEST_EFFORT"}


def errno_of(error: BaseException) -> int | None:
    """Return the operating system's number of an error, None if it has none."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (told := _NUMBER.findall(str(error))):
        number = int(told[-1])
    return number


def reason(error: BaseException) -> str:
    """Return the operating system's words for an error, not HDF5's."""
    number = errno_of(error)
    return os.strerror(number) if number else type(error).__name__


def in_use(error: BaseException) -> bool:
    """Return whether a file could not be opened because another process has it locked."""
    return errno_of(error) in {errno.EAGAIN, errno.EWOULDBLOCK}


def open_to_read(path: Path) -> h5py.File:
    """Open an HDF5 file for reading; locked, unless the file system has no locks.

    Raises
    ------
    OSError
        If it cannot be opened.
    """
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if errno_of(error) not in _NO_LOCKS:
            raise
    return h5py.File(path, "r", locking=False)


def hdf5_locks() -> bool:
    """Return whether the environment makes HDF5 lock files whatever it is told."""
    return os.environ.get(LOCKING_VARIABLE, "").upper() in _FORCED


def open_to_write(path: Path) -> h5py.File:
    """Open a file of one's own, which one has locked, as an empty HDF5 file.

    Where the environment makes HDF5 lock files, it does so instead.
    """
    options: dict[str, Any] = {} if hdf5_locks() else {"locking": False}
    return h5py.File(path, "w", **options)
