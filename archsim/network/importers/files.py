"""Files of others, looked at before they are read: what they are, and how large they may become."""

from __future__ import annotations

import stat
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from archsim.errors import NetworkError
from archsim.listing import shortened

LARGEST_FILE = 1 << 30
"""Bytes of a file, and of what a packed one unfolds to."""
LARGEST_TEXT = 1 << 24
"""Bytes of a description, such as JSON."""
MOST_ENTRIES = 20_000
"""Files in a zip archive."""
LARGEST_DIRECTORY = 1 << 24
"""Bytes of a zip archive's directory."""

_HEAD = 64
_END_BYTES = 1 << 17
"""Bytes at an archive's end in which the record that ends it stands."""


@dataclass(frozen=True)
class NetworkFile:
    """A file that somebody gave.

    Attributes
    ----------
    path : Path
        Where it is.
    head : bytes
        How it begins.
    size : int
        Bytes.
    """

    path: Path
    head: bytes
    size: int

    def refused(self, why: str) -> NetworkError:
        """Return the error that says what is wrong with it."""
        return NetworkError(f"{self.path}: {why}")

    def read(self) -> bytes:
        """Return all of it.

        Raises
        ------
        NetworkError
            If it cannot be read, or has another size by now.
        """
        try:
            with self.path.open("rb") as file:
                data = file.read(self.size + 1)
        except OSError as error:
            raise self.refused(f"cannot be read ({error.strerror or error})") from error
        if len(data) != self.size:
            raise self.refused("changes while it is read: wait until it is written")
        return data

    @cached_property
    def entries(self) -> dict[str, zipfile.ZipInfo]:
        """Files of a zip archive by name; none where it is no archive.

        Raises
        ------
        NetworkError
            If it begins as an archive and is none, or holds more than is read.
        """
        if not self.head.startswith(b"PK\x03\x04"):
            return {}
        self._check_directory()
        try:
            with zipfile.ZipFile(self.path) as archive:
                found = archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, OverflowError) as e:
            raise self.refused("is a zip archive that is cut or damaged: copy it again") from e
        if len(found) > MOST_ENTRIES:
            raise self.refused(f"holds more than {MOST_ENTRIES:,} files, which no network needs")
        if sum(entry.file_size for entry in found) > LARGEST_FILE:
            raise self.refused("unfolds to more than 1 GiB, which no network here should")
        by_name = {entry.filename: entry for entry in found}
        if len(by_name) != len(found):
            names = [entry.filename for entry in found]
            twice = next(name for name in names if names.count(name) > 1)
            raise self.refused(f"holds two files called '{shortened(twice)}'")
        return by_name

    def _check_directory(self) -> None:
        """Refuse an archive with a large directory, which is read as a whole."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.size - _END_BYTES))
                end = file.read(_END_BYTES)
        except OSError as error:
            raise self.refused(f"cannot be read ({error.strerror or error})") from error
        at = end.rfind(b"PK\x05\x06")
        if at < 0 or at + 22 > len(end):
            raise self.refused("is a zip archive that is cut or damaged: copy it again")
        size = int.from_bytes(end[at + 12 : at + 16], "little")
        large = end.rfind(b"PK\x06\x06", 0, at)
        if size == 0xFFFFFFFF or large >= 0:
            size = int.from_bytes(end[large + 40 : large + 48], "little") if large >= 0 else size
        if size > LARGEST_DIRECTORY:
            raise self.refused(f"holds more than {MOST_ENTRIES:,} files, which no network needs")

    def unpack(self, name: str, most: int = LARGEST_FILE) -> bytes:
        """Return one file of a zip archive.

        Parameters
        ----------
        name : str
            Its name, one of `entries`.
        most : int
            Bytes that it may have.

        Raises
        ------
        NetworkError
            If it is larger, damaged, or unfolds to more than the archive says.
        """
        entry = self.entries[name]
        if entry.file_size > most:
            raise self.refused(
                f"holds '{shortened(name)}' of {entry.file_size:,} bytes, more than {most:,}"
            )
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(entry) as file:
                data = file.read(entry.file_size + 1)
        except Exception as error:  # zlib, lzma and zipfile each have their own
            what = f"holds '{shortened(name)}', which is cut, damaged or encrypted: copy it again"
            raise self.refused(what) from error
        if len(data) != entry.file_size:
            raise self.refused(f"holds '{shortened(name)}', which is not as large as it says")
        return data


def look_at(path: str | Path) -> NetworkFile:
    """Return a file that can be read as a whole.

    Raises
    ------
    NetworkError
        If it is missing, no regular file, empty, or larger than 1 GiB.
    """
    path = Path(path)
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            with path.open("rb") as file:
                head = file.read(_HEAD)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        msg = f"{path}: cannot be read ({reason}): check its name"
        raise NetworkError(msg) from error
    if stat.S_ISDIR(status.st_mode):
        msg = f"{path}: is a directory: give the file in it that holds the network"
        raise NetworkError(msg)
    if not stat.S_ISREG(status.st_mode):
        msg = f"{path}: is not a regular file"
        raise NetworkError(msg)
    if not status.st_size:
        msg = f"{path}: is empty"
        raise NetworkError(msg)
    if status.st_size > LARGEST_FILE:
        msg = f"{path}: is larger than 1 GiB, which no network here should be"
        raise NetworkError(msg)
    return NetworkFile(path, head, status.st_size)
