"""Locks between processes: ``flock``, which also holds between the threads of one."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

LONGEST_WAIT = 10.0
"""Longest time to wait for a lock, s; whoever has it reads or writes one file."""

_PAUSE = 0.005
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}


class LockError(OSError):
    """A lock cannot be had: the file system has none, or another process keeps it."""


@contextmanager
def locked(path: Path, *, shared: bool = False, wait: float = LONGEST_WAIT) -> Iterator[None]:
    """Hold the lock of a file while a block of code runs.

    Parameters
    ----------
    path : Path
        The file, made if it is not there.
    shared : bool
        Whether others may hold it in this manner too; nothing has to be written for that.
    wait : float
        How long to wait for it, s.

    Raises
    ------
    LockError
        If it cannot be had.
    OSError
        If the file cannot be opened.
    """
    file = _open(path, shared=shared)
    try:
        _take(file, path, shared=shared, wait=wait)
        yield
    finally:
        os.close(file)


def _open(path: Path, *, shared: bool) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        if not shared or error.errno not in _READ_ONLY:
            raise
    return os.open(path, os.O_RDONLY)


def _take(file: int, path: Path, *, shared: bool, wait: float) -> None:
    if fcntl is None:
        raise LockError(errno.ENOSYS, "this system has no locks of files", str(path))
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    end = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= end:
                reason = "another process keeps it locked"
                raise LockError(errno.EAGAIN, reason, str(path)) from error
            time.sleep(_PAUSE)
        except OSError as error:
            raise LockError(error.errno, error.strerror, str(path)) from error
        else:
            return
