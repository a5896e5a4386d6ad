"""Drafts: an output is written beside its place under a name of its own, and then renamed.

A draft is locked while its owner lives, so that what a killed run left behind can be told from what
another run is writing, in another container too, where process numbers say nothing. The next run
that writes into the folder removes what nobody owns.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from pathlib import Path
from types import TracebackType

_NAME = re.compile(r"\.archsim-[0-9a-f]{1,16}\.part")
# How a draft begins: HDF5, PNG, PDF, SVG, netlist, Accelergy table; or it is still empty.
_HEADS = (b"\x89HDF", b"\x89PNG", b"%PDF", b"<?xml", b"archsim: ", b"# component library ")
_TAKEN = {errno.EAGAIN, errno.EACCES}
_MODE = 0o666  # less what the umask takes away
_TRIES = 100


class Lock(Enum):
    """What came of the attempt to lock a file."""

    HELD = auto()
    TAKEN = auto()
    """Another open file holds it, in this process or another one."""
    UNKNOWN = auto()
    """The file system has no locks."""


def lock(descriptor: int, *, shared: bool = False) -> Lock:
    """Lock an open file for as long as it is open, unless that would have to wait.

    Parameters
    ----------
    descriptor : int
        The file.
    shared : bool
        Lock it together with others that only read it.
    """
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        return Lock.TAKEN if error.errno in _TAKEN else Lock.UNKNOWN
    return Lock.HELD


def unlock(descriptor: int) -> None:
    """Give the lock of an open file back."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def is_written(path: Path) -> bool:
    """Return whether somebody is writing a file, by its lock; False where that cannot be known."""
    try:
        with _opened(path, os.O_RDONLY) as descriptor:
            return lock(descriptor, shared=True) is Lock.TAKEN
    except OSError:
        return False


class Draft:
    """A new file in a folder, locked by this object; use it as a context manager.

    Parameters
    ----------
    folder : Path
        Where the output will be. Drafts there that nobody owns are removed.

    Attributes
    ----------
    path : Path
        The draft's own name.
    descriptor : int
        The draft, open for reading and writing.

    Raises
    ------
    OSError
        If the folder takes no new file.
    """

    def __init__(self, folder: Path) -> None:
        remove_abandoned(folder)
        self.path, self.descriptor = _create(folder)
        self._open = True

    def __enter__(self) -> Draft:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.discard()

    def is_at(self, path: Path) -> bool:
        """Return whether a path names this file."""
        return _is_same(path, self.descriptor)

    def publish(self, target: Path) -> None:
        """Give the draft the place of `target`, whose permissions it takes over; it stays locked.

        Raises
        ------
        OSError
            If it cannot be renamed; what was there before is then still there.
        """
        with suppress(OSError):
            os.fchmod(self.descriptor, stat.S_IMODE(target.stat().st_mode))
        self.path.replace(target)

    def discard(self) -> None:
        """Remove the draft if it was not published, and give its lock back."""
        if self._open:
            self._open = False
            with suppress(OSError):
                if self.is_at(self.path):
                    self.path.unlink()
            with suppress(OSError):
                os.close(self.descriptor)


def remove_abandoned(folder: Path) -> None:
    """Remove the drafts in a folder that nobody owns; leave everything that may be something else.

    A draft of a living run is locked. Where the file system has no locks, all are left.
    """
    with suppress(OSError):
        for path in list(folder.iterdir()):
            if _NAME.fullmatch(path.name):
                with suppress(OSError):
                    _remove_if_abandoned(path)


def _remove_if_abandoned(path: Path) -> None:
    with _opened(path, os.O_RDWR) as descriptor:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return
        head = os.pread(descriptor, 64, 0)
        known = not head or head.startswith(_HEADS)
        if known and lock(descriptor) is Lock.HELD and _is_same(path, descriptor):
            path.unlink()


@contextmanager
def _opened(path: Path, access: int) -> Iterator[int]:
    """Open a file, not a link, and without waiting for whoever reads a pipe."""
    descriptor = os.open(path, access | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _create(folder: Path) -> tuple[Path, int]:
    """Make a file that was not there and lock it.

    A name may be taken, and whoever removes abandoned drafts may be first to lock a new one.
    """
    for _ in range(_TRIES):
        path = folder / f".archsim-{secrets.token_hex(8)}.part"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _MODE)
        except FileExistsError:
            continue
        if lock(descriptor) is not Lock.TAKEN and _is_same(path, descriptor):
            return path, descriptor
        os.close(descriptor)
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder))


def _is_same(path: Path, descriptor: int) -> bool:
    """Return whether a path still names an open file."""
    try:
        named, opened = path.lstat(), os.fstat(descriptor)
    except OSError:
        return False
    return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)
