"""The folder of compiled kernels: where it is, that it is archsim's own, and when it goes.

A folder that archsim made has a file ``CACHEDIR.TAG`` (bford.info/cachedir, which lets backups
leave it out) with a line of archsim's own. Only such a folder is ever removed, file by file, and
only if it holds nothing but what archsim puts there.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from archsim.numeric.cache.lock import locked

CACHE_FOLDER_VARIABLE = "ARCHSIM_CACHE_DIR"

TAG = "CACHEDIR.TAG"
TAG_TEXT = """\
Signature: 8a477f597d28d172789f06886806bc55
# Kernels that archsim compiled. It removes this folder when newer ones have taken its place.
"""
LOCK = "lock"
KERNEL_SUFFIX = ".kernel"
_DRAFT = r"\.\d+-[0-9a-f]{8}\.part"
_NEW = re.compile(rf"{LOCK}|{re.escape(TAG)}{_DRAFT}")
"""Names of files in a cache that is being made."""
_KERNEL = rf".+-[0-9a-f]+{re.escape(KERNEL_SUFFIX)}"
_OURS = re.compile(rf"{LOCK}|({re.escape(TAG)}|{_KERNEL})({_DRAFT})?")
"""Names of files in a cache."""

_KEPT_CACHES = 4
_DIGITS = 16
_FOLDER_NAME = re.compile(rf"kernels-[0-9a-f]{{{_DIGITS}}}")

ANOTHER_FOLDER = f"set {CACHE_FOLDER_VARIABLE} to a folder that can be written"


class NotKeptError(Exception):
    """Machine code cannot be kept; the cause and what to do, as two parts of a sentence."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy


def folder_for(digest: str) -> Path:
    """Return the folder of the kernels with some digest.

    It lies in ``$ARCHSIM_CACHE_DIR``, else in ``$XDG_CACHE_HOME/archsim``, else in
    ``~/.cache/archsim``. An empty variable counts as one that is not set, and so does a relative
    path in ``XDG_CACHE_HOME``, as the XDG Base Directory Specification wants it.

    Raises
    ------
    NotKeptError
        If none is set and the home folder is not known.
    """
    return (_parent() / f"kernels-{digest[:_DIGITS]}").absolute()


def _parent() -> Path:
    asked = os.environ.get(CACHE_FOLDER_VARIABLE)
    if asked:
        return Path(asked)
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else _home() / ".cache") / "archsim"


def _home() -> Path:
    # Of an empty $HOME Python makes the root of the file system.
    if os.environ.get("HOME") != "":
        with suppress(RuntimeError):
            home = Path.home()
            if home.is_absolute():
                return home
    raise NotKeptError("the home folder is not known", ANOTHER_FOLDER)


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Make and mark a folder of archsim's own, and hold its lock while a block of code runs.

    Raises
    ------
    NotKeptError
        If there is such a folder that archsim did not make.
    OSError
        If it cannot be made or locked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _refuse_foreign(folder)
    with locked(folder / LOCK):
        if not is_marked(folder):
            write_whole(folder / TAG, TAG_TEXT.encode())
        yield


def is_marked(folder: Path) -> bool:
    """Return whether archsim made a folder.

    Raises
    ------
    OSError
        If its mark cannot be read.
    """
    try:
        return (folder / TAG).read_bytes() == TAG_TEXT.encode()
    except FileNotFoundError:
        return False


def _refuse_foreign(folder: Path) -> None:
    if is_marked(folder):
        return
    foreign = [path for path in folder.iterdir() if not _NEW.fullmatch(path.name)]
    # The mark comes before all other files: whoever sees one of those sees the mark afterwards.
    if foreign and not is_marked(folder):
        cause = f"{str(folder)!r} is not a folder that archsim made"
        raise NotKeptError(cause, "remove or rename it")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that others see all of it or what was there before."""
    draft = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        with draft.open("xb") as file:
            file.write(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def note_use(folder: Path) -> None:
    """Note that a cache is in use: those that were not for the longest time go first."""
    with suppress(OSError):  # it may be one that can only be read
        os.utime(folder / TAG)


def drop_old(current: Path) -> None:
    """Remove all but the last used few of the caches beside one; leave whatever is not a cache."""
    used = {}
    with suppress(OSError), os.scandir(current.parent) as entries:
        for entry in entries:
            if _FOLDER_NAME.fullmatch(entry.name) and entry.name != current.name:
                with suppress(OSError):
                    used[entry.path] = Path(entry.path, TAG).stat().st_mtime
    for path in sorted(used, key=lambda path: used[path], reverse=True)[_KEPT_CACHES:]:
        with suppress(OSError):
            _remove(Path(path))


def _remove(folder: Path) -> None:
    """Remove a cache, if it is one: its mark last, so that a half-removed one is known again."""
    # Names are looked up in the folder that was opened, whatever takes its place meanwhile.
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if not _is_cache(opened):
            return
        with locked(folder / LOCK, wait=0.0):
            names = [name for name in _names(opened) if _is_ours(name, opened)]
            for name in sorted(names, key=lambda name: name == TAG):
                os.unlink(name, dir_fd=opened)
            folder.rmdir()
    finally:
        os.close(opened)


def _is_cache(opened: int) -> bool:
    """Return whether an open folder has archsim's mark and nothing in it but archsim's files."""
    names = _names(opened)
    if TAG not in names or not all(_is_ours(name, opened) for name in names):
        return False
    with os.fdopen(os.open(TAG, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=opened), "rb") as file:
        return file.read() == TAG_TEXT.encode()


def _names(opened: int) -> list[str]:
    return os.listdir(opened)


def _is_ours(name: str, opened: int) -> bool:
    """Return whether a file in an open folder is one that archsim puts into a cache."""
    if not _OURS.fullmatch(name):
        return False
    return stat.S_ISREG(os.stat(name, dir_fd=opened, follow_symlinks=False).st_mode)
