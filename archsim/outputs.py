"""Outputs: one rule for what may be overwritten, and one way to write.

A path may be written where nothing is, where an empty file is, or where an older output of the same
kind is that archsim made and that is writable. Everything else is refused, and so are the command's
own inputs, also through a link. What is written goes to a draft in the same folder, which takes the
output's place when it is whole: a full disk or an interrupt loses nothing.
"""

from __future__ import annotations

import errno
import os
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from archsim.drafts import Draft, is_written
from archsim.errors import ArchsimError, OutputError

SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors of a disk, quota or file that is full."""

RIGHTS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
"""Errors of what this user may not do."""

GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE})
"""Errors of a folder that is not there, or not there any more."""

_READ_FIRST = 4096
_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class OutputKind:
    """A kind of output.

    Attributes
    ----------
    noun : str
        What it is called, with its article: ``a trace``.
    is_ours : callable
        Returns whether the file at a path is an older one that archsim made.
    option : str
        What to choose another of where a file cannot be written: an option, or ``name``.
    subject : str
        What a message says cannot be written, where the path alone does not tell.
    """

    noun: str
    is_ours: Callable[[Path], bool]
    option: str = "--out"
    subject: str = ""


def begins_with(*heads: bytes) -> Callable[[Path], bool]:
    """Return a test whether a file begins with one of some bytes."""
    return lambda path: first_bytes(path).startswith(heads)


def archive_of(*names: str) -> Callable[[Path], bool]:
    """Return a test whether a file is a NumPy archive of arrays of these names."""

    def is_one(path: Path) -> bool:
        if not zipfile.is_zipfile(path):
            return False
        try:
            with zipfile.ZipFile(path) as archive:
                return set(archive.namelist()) == {f"{name}.npy" for name in names}
        except zipfile.BadZipFile:
            return False

    return is_one


def first_bytes(path: Path) -> bytes:
    """Return the beginning of a file."""
    with path.open("rb") as file:
        return file.read(_READ_FIRST)


def check_output(
    path: Path, kind: OutputKind, *, inputs: Iterable[Path] = (), make_folder: bool = False
) -> None:
    """Raise unless an output can be written, before the work that it shows.

    Parameters
    ----------
    path : Path
        Where it is to go; of a link, what it names.
    kind : OutputKind
        What it is.
    inputs : iterable of Path
        What the command reads.
    make_folder : bool
        Make the folder if there is none.

    Raises
    ------
    OutputError
        If it would overwrite something else, or cannot be written.
    ArchsimError
        If there is no space.
    """
    with _told(path, kind):
        refuse_foreign(path, kind, inputs=inputs)
        folder = target_of(path).parent
        if make_folder:
            folder.mkdir(parents=True, exist_ok=True)
        with Draft(folder) as draft, draft.path.open("r+b"):  # a umask may forbid that
            pass


@contextmanager
def writing(path: Path, kind: OutputKind, *, inputs: Iterable[Path] = ()) -> Iterator[Path]:
    """Write an output to the path that this yields; it takes the output's place at the end.

    Raises
    ------
    OutputError, ArchsimError
        As `check_output` does.
    """
    with _told(path, kind):
        refuse_foreign(path, kind, inputs=inputs)
        target = target_of(path)
        with Draft(target.parent) as draft:
            yield draft.path
            draft.publish(target)


def target_of(path: Path) -> Path:
    """Return what a path names, links resolved: a link stays, and what it names is written."""
    return Path(os.path.realpath(path))


def refuse_foreign(path: Path, kind: OutputKind, *, inputs: Iterable[Path] = ()) -> None:
    """Raise unless `path` is free or holds an older output of its kind that may be replaced.

    Raises
    ------
    OutputError
        If it may not.
    OSError
        If that cannot be found out.
    """
    if why := _foreign(path, kind, inputs):
        raise OutputError(f"{path}: {why}")


def _foreign(path: Path, kind: OutputKind, inputs: Iterable[Path]) -> str | None:
    """Say why a path may not be written and what to do, None if it may."""
    target, other = target_of(path), f"choose another {kind.option}"
    if str(path) == "-":
        return f"{kind.noun} cannot go to standard output: {other}"
    if target.is_symlink():
        return f"is a link that leads to itself: {other}"
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return _precious(target, found, kind, inputs)
    if kind.subject:
        return f"is a directory, so {kind.subject} cannot be written: {other}"
    return f"is a directory: give {kind.option} a file name"


def _precious(
    target: Path, found: os.stat_result, kind: OutputKind, inputs: Iterable[Path]
) -> str | None:
    """Say why a file may not be replaced and what to do, None if it may."""
    other = f"choose another {kind.option}"
    kept = f"so it is not overwritten: {other}"
    if is_written(target):
        return f"another process is writing it: wait for it or {other}"
    if not stat.S_ISREG(found.st_mode) or not (found.st_size == 0 or kind.is_ours(target)):
        return f"exists and is not {kind.noun}, {kept}"
    if any(_is_same(each, found) for each in inputs):
        return f"is an input of this command, {kept}"
    if not found.st_mode & _ANY_WRITE or not os.access(target, os.W_OK):
        return f"is write-protected, {kept}"
    return None


def not_written(path: Path, error: OSError, kind: OutputKind) -> ArchsimError:
    """Return the sentence for an error of the operating system, by its number."""
    subject = f"{kind.subject} " if kind.subject else ""
    reason = os.strerror(error.errno) if error.errno else str(error)
    text = f"{path}: {subject}cannot be written ({reason}): {remedy(error.errno, kind)}"
    return ArchsimError(text) if error.errno in SPACE | {errno.EIO} else OutputError(text)


def remedy(number: int | None, kind: OutputKind) -> str:
    """Say what to do about an error of the operating system."""
    other = f"choose another {kind.option}"
    if number in SPACE:
        return f"free space or {other}"
    if number in RIGHTS:
        return f"{other}, where you may write"
    if number in GONE:
        return f"make its folder or {other}"
    if number == errno.EIO:
        return f"check the disk or {other}"
    return other


def _is_same(path: Path, found: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), found)
    except OSError:
        return False


@contextmanager
def _told(path: Path, kind: OutputKind) -> Iterator[None]:
    """Turn what the operating system refuses into one sentence."""
    try:
        yield
    except OSError as error:
        raise not_written(path, error, kind) from error
