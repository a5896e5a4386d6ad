"""Which recordings a folder of spoken words holds, and which of them its lists name.

Hidden files (such as ``.DS_Store`` and the ``._name.wav`` that macOS leaves in archives) and
folders are no recordings, whatever they are called.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from archsim.errors import WorkloadError
from archsim.workloads.wav import UNPACK


def word_folders(root: Path) -> list[str]:
    """Return the names of the folders that hold words, sorted.

    Raises
    ------
    WorkloadError
        If the folder cannot be read.
    """
    if not root.is_dir():
        raise WorkloadError(f"{root}: no such folder; {UNPACK}")
    return sorted(p.name for p in _entries(root) if p.is_dir() and p.name[0] not in "._")


def recordings(folder: Path) -> list[Path]:
    """Return the WAV files in a folder, sorted; none where there is no such folder.

    A link to a file that does not exist is one of them, so that whoever reads it hears of it.

    Raises
    ------
    WorkloadError
        If the folder cannot be read.
    """
    return sorted(path for path in _entries(folder) if _is_recording(path))


def read_list(path: Path, present: set[str], *, split: str) -> set[str]:
    """Return the recordings that a list names, as ``word/file.wav``.

    A name may have ``./``, the folder's own name or its whole path in front, and backslashes.
    Blank lines, lines that begin with ``#`` and hidden files are left out.

    Parameters
    ----------
    path : Path
        The list, a name a line, in the folder that holds the words.
    present : set of str
        The recordings that there are.
    split : str
        What the list is for.

    Raises
    ------
    WorkloadError
        If the list cannot be read or names a recording that is not there.
    """
    names: set[str] = set()
    absent: dict[str, int] = {}
    for number, line in enumerate(_lines(path, split), 1):
        name = _name(line.strip(), path.parent, present)
        if name in present:
            names.add(name)
        elif name:
            absent.setdefault(line.strip(), number)
    if absent:
        raise _unknown(path, absent, present)
    return names


def _entries(folder: Path) -> Iterable[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        msg = f"{folder}: cannot be read ({error.strerror}); check the folder and its permissions"
        raise WorkloadError(msg) from error


def _is_recording(path: Path) -> bool:
    named = path.name.endswith(".wav") and not path.name.startswith(".")
    return named and (path.is_file() or path.is_symlink())


def _lines(path: Path, split: str) -> list[str]:
    """Return the lines of a list; names that are no UTF-8 come as the folder's own do."""
    try:
        data = path.read_bytes()
    except OSError as error:
        msg = (
            f"{path}: cannot be read ({error.strerror}): it has to name the {split} recordings, "
            f"one a line, such as yes/0a7c2a8d_nohash_0.wav; {UNPACK}"
        )
        raise WorkloadError(msg) from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        msg = f"{path}: cannot be read (it is UTF-16 text): save it as UTF-8 text"
        raise WorkloadError(msg)
    return data.decode("utf-8-sig", "surrogateescape").splitlines()


def _name(line: str, root: Path, present: set[str]) -> str:
    """Return the name that a line stands for, empty where it names no recording."""
    if line in present:
        return line
    parts = PurePosixPath(line.replace("\\", "/")).parts
    if not parts or line.startswith("#") or parts[-1].startswith("."):
        return ""
    before, own = parts[:-2], root.absolute().parts
    return "/".join(parts[-2:]) if before == own[len(own) - len(before) :] else line


def _unknown(path: Path, absent: dict[str, int], present: set[str]) -> WorkloadError:
    first, line = next(iter(absent.items()))
    named = f"{path}: names {first} (and {len(absent) - 1} more) that the folder does not hold"
    lower = PurePosixPath(first.replace("\\", "/").lower()).parts[-2:]
    near = next((name for name in sorted(present) if tuple(name.lower().split("/")) == lower), None)
    if near is not None:
        cure = f"it does hold {near}: write names as the folder has them"
    else:
        cure = f"take such lines out (the first is line {line}), or {UNPACK}"
    return WorkloadError(f"{named}; {cure}")
