"""What comes with archsim: configurations, experiments, devices, libraries, found by name.

In a checkout the files stand in ``configs/`` beside the package, in an installed package within it.
A name is a file's, without its folder and suffix: ``kws``, ``fig1c``, ``yang2025-taox``.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from archsim.errors import ConfigError
from archsim.listing import listed, shortened

_PACKAGE = Path(__file__).parent
_FOLDERS = (_PACKAGE / "configs", _PACKAGE.parent / "configs")


@dataclass(frozen=True)
class Shelf:
    """Files of one sort that come with archsim.

    Attributes
    ----------
    noun : str
        What one is called.
    folders : tuple of str
        Folders below ``configs/`` that hold them; ``.`` is itself.
    """

    noun: str
    folders: tuple[str, ...]

    def files(self) -> dict[str, Path]:
        """Return the files by name, sorted."""
        found = [file for folder in self.folders for file in (_home() / folder).glob("*.yaml")]
        return {file.stem: file for file in sorted(found, key=lambda file: file.stem)}


CONFIGURATIONS = Shelf("configuration", (".", "architectures"))
BASES = Shelf("base of a configuration", ("base",))
EXPERIMENTS = Shelf("experiment", ("experiments",))
DEVICES = Shelf("device", ("devices",))
LIBRARIES = Shelf("component library", ("components",))
PUBLISHED = Shelf("table of published accelerators", ("published",))


def shipped(name: str) -> Path:
    """Return the path of a file that comes with archsim.

    Parameters
    ----------
    name : str
        Path within ``configs/``, such as ``components/cmos-16nm.yaml``.

    Returns
    -------
    Path
        Absolute. Where the files were left out of an installation, it does not exist, and reading
        it says so.
    """
    found = (folder / name for folder in _FOLDERS if (folder / name).is_file())
    return next(found, _FOLDERS[-1] / name)


def _home() -> Path:
    return next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[-1])


def by_name(path: str | Path, *shelves: Shelf) -> Path:
    """Return the file that somebody means: a file of their own, or one of archsim's by its name.

    Parameters
    ----------
    path : str or Path
        A path, or a name.
    *shelves : Shelf
        Where a name is looked for.

    Returns
    -------
    Path
        The path as it is where a file is there, or it is no name; reading it says what is wrong.

    Raises
    ------
    ConfigError
        If it is a name, and neither a file nor one of archsim's.
    """
    path = Path(path)
    if not is_name(path):
        return path
    files = {name: file for shelf in reversed(shelves) for name, file in shelf.files().items()}
    if path.name in files or _is_folder(path):
        return files.get(path.name, path)
    near = get_close_matches(path.name, sorted(files), n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"there are {listed(sorted(files))}"
    msg = f"there is no such file, and no {shelves[0].noun} of archsim's has that name ({hint})"
    raise ConfigError(f"{shortened(path.name)}: {msg}")


def is_name(path: Path) -> bool:
    """Return whether a path may be a name: it has no folder and no suffix, and is no file."""
    if len(path.parts) != 1 or path.suffix or path.name in {"-", ".."}:
        return False
    try:
        return not path.is_file()
    except OSError:  # such as of a name that is too long
        return True


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
