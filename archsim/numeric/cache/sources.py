"""Which source files compiled kernels follow from, and whether they are still what was imported."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

_Seen = tuple[int, int, int]


class Sources:
    """Every Python file below some folders, as it was when its folder was named.

    Jitted code takes other functions, constants and types from these files only, so their digest
    stands for all that the machine code is made from. What is imported from a folder has to be
    imported after the folder was named here: then a file that is edited later is noticed.

    Parameters
    ----------
    root : Path
        A package's folder, or a single file.

    Attributes
    ----------
    version : int
        How many packages and files were added.
    """

    def __init__(self, root: Path) -> None:
        self._roots: list[Path] = []
        self._seen: dict[str, _Seen] = {}
        self.version = 0
        self.cover(root)

    def cover(self, root: Path) -> None:
        """Let compiled kernels follow from one more package or file.

        Machine code that is made from now on has another digest, and so another folder.
        """
        root = Path(os.path.realpath(root))
        if root in self._roots:
            return
        self.version += 1
        self._roots.append(root)
        self._seen.update(_look(root))

    def has(self, file: str) -> bool:
        """Return whether a file is one of those that are covered."""
        return os.path.realpath(file) in self._seen

    def unchanged(self) -> bool:
        """Return whether every file is the one that was there when its folder was named."""
        return self._seen == {
            path: seen for root in self._roots for path, seen in _look(root).items()
        }

    def digest(self, *more: str) -> str:
        """Return the digest of all files and of what else code depends on.

        Parameters
        ----------
        *more : str
            Versions and switches.

        Returns
        -------
        str
            64 hexadecimal digits.

        Raises
        ------
        OSError
            If a file cannot be read.
        """
        digest = hashlib.sha256()
        for part in (*(word.encode() for word in more), *self._contents()):
            digest.update(b"%d:" % len(part))  # lengths tell "ab", "c" from "a", "bc"
            digest.update(part)
        return digest.hexdigest()

    def _contents(self) -> Iterator[bytes]:
        """Yield names and contents, the same wherever the packages are installed."""
        for root in sorted(self._roots, key=lambda root: (root.name, str(root))):
            for path in sorted(_look(root)):
                yield os.path.relpath(path, root.parent).encode()
                yield Path(path).read_bytes()


def _look(root: Path) -> dict[str, _Seen]:
    """Return the Python files below a folder with what changes when they are written."""
    paths = [root] if root.suffix == ".py" else []
    for folder, _, names in os.walk(root):
        # What no import can name, such as an editor's lock of a file, comes and goes.
        paths += [
            Path(folder, name)
            for name in names
            if name.endswith(".py") and name.removesuffix(".py").isidentifier()
        ]
    seen = {}
    for path in paths:
        try:
            status = path.stat()
        except OSError:  # gone meanwhile, or a link to nothing
            continue
        seen[str(path)] = status.st_mtime_ns, status.st_size, status.st_ino
    return seen


_ARCHSIM = Path(__file__).parents[2]

KERNELS = Sources(_ARCHSIM / "numeric")
"""The files with kernels and what they take from others; imported before all of them."""

for _part in (
    _ARCHSIM / "kernels",
    _ARCHSIM / "vocabulary.py",
    *sorted(_ARCHSIM.glob("chip/*/*/kernel*.py")),
):
    KERNELS.cover(_part)
